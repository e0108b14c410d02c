/* cases.c - see cases.h. */
#include "cases.h"

#include <stdio.h>
#include <stdlib.h>

const char *const fault_models[] = {GRT_TEST_DATA "/golden/bert-f16",
                                    GRT_TEST_DATA "/golden/qwen3-gguf-q4_0/model.gguf",
                                    GRT_TEST_DATA
                                    "/golden/roberta-gguf-unigram/model.gguf",
                                    GRT_TEST_DATA "/golden/llama-bf16", NULL};

const char *const fault_inputs[] = {
    "documents.jsonl", "corpus.jsonl", "table.csv", "queries.jsonl",
    "pairs.jsonl",     "trace.json",   NULL};

#define MODEL "-m", "MODEL", "-t", "2", "--no-progress"
const fault_case fault_cases[] = {
    {"rank",
     {"rank", MODEL, "-q", "how do owls hunt", "--tsv", "--trace", "out.trace",
      "documents.jsonl", "table.csv"},
     {"out.trace"},
     NULL,
     0},
    {"rank batch",
     {"rank", MODEL, "--queries", "queries.jsonl", "--json", "--no-stats", "--hidden",
      "file", "--temporary-directory", ".", "--streamed", "--memory", "1G"},
     {NULL},
     NULL,
     0},
    {"eval",
     {"eval", MODEL, "--pairs", "pairs.jsonl", "-k", "1", "--policies", "bound",
      "--run-out", "out.run"},
     {"out.run"},
     NULL,
     CASE_TELLS_TIME},
    {"eval bm25",
     {"eval", MODEL, "--corpus", "documents.jsonl", "--queries", "corpus.jsonl", "-k",
      "1", "--depth", "2", "--run-out", "out.run"},
     {"out.run"},
     NULL,
     CASE_TELLS_TIME},
    {"calibrate",
     {"calibrate", MODEL, "--queries", "queries.jsonl", "-o", "out.profile", "-k", "2"},
     {"out.profile"},
     "out.samples",
     CASE_TELLS_TIME},
    {"plot", {"plot", "trace.json", "-o", "out.svg"}, {"out.svg"}, NULL, CASE_NO_MODEL},
    {"inspect", {"inspect", "--json", "--tensors", "MODEL"}, {NULL}, NULL, 0},
    {"models", {"models"}, {NULL}, NULL, CASE_NO_MODEL | CASE_TELLS_TIME | CASE_JUDGES},
    {"doctor", {"doctor"}, {NULL}, NULL, CASE_NO_MODEL | CASE_MEASURES | CASE_REPORTS},
    {"bench",
     {"bench", "streaming", "-m", "MODEL", "-t", "2", "--documents", "2", "--tokens",
      "16", "--runs", "1", "--csv", "out.csv"},
     {NULL},
     "out.csv",
     CASE_MEASURES | CASE_STARTS_ITSELF},
    {.name = NULL}};

static void write_file(const char *name, const char *text)
{
    FILE *file = fopen(name, "w");
    if (!file || fputs(text, file) == EOF || fclose(file) != 0) abort();
}

void fault_write_inputs(void)
{
    write_file("documents.jsonl",
               "{\"id\": \"d1\", \"text\": \"owls hunt at night\"}\n"
               "{\"id\": \"d2\", \"text\": \"bread rises\"}\n"
               "{\"id\": \"d3\", \"title\": \"owls\", \"text\": \"the owl hears\"}\n");
    write_file("table.csv", "id,text\n7,\"steam, \"\"engines\"\"\"\n8,a b c\n");
    write_file("corpus.jsonl", "{\"id\": \"q1\", \"text\": \"how do owls hunt\"}\n"
                               "{\"id\": \"q2\", \"text\": \"bread\"}\n");
    FILE *queries = fopen("queries.jsonl", "w"), *pairs = fopen("pairs.jsonl", "w");
    if (!queries || !pairs) abort();
    for (int i = 0; i < 9; i++) {
        fprintf(queries,
                "{\"query\": \"how do owls hunt %d\", \"documents\": [\"owl %d\", "
                "\"bread and dough\", \"night\"]}\n",
                i, i);
        if (i < 3)
            fprintf(pairs,
                    "{\"id\": %d, \"query\": \"owls %d\", \"documents\": [\"owl\", "
                    "\"bread %d\", \"x\"], \"relevance\": [1, 0, 2]}\n",
                    i, i, i);
    }
    if (fclose(queries) != 0 || fclose(pairs) != 0) abort();
    write_file(
        "trace.json",
        "{\"format\": \"grating-trace\", \"version\": 1, \"model\": \"m\", "
        "\"queries\": [{\"query\": \"q\", \"policy\": \"none\", \"k\": 1, "
        "\"n_layers\": 2, \"steps\": [{\"layer\": 2, \"candidates\": [0, 1], "
        "\"scores\": [1.5, 0.5], \"states\": [\"finished\", \"finished\"]}], "
        "\"documents\": [{\"index\": 0, \"text\": \"a\", \"rank\": 1, \"state\": "
        "\"finished\", \"decided_at_layer\": 2, \"logit\": 1.5}, {\"index\": 1, "
        "\"text\": \"b\", \"rank\": 2, \"state\": \"finished\", "
        "\"decided_at_layer\": 2, \"logit\": 0.5}]}]}");
}
