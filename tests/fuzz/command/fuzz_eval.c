/* fuzz_eval.c - what `grating eval` reads: BEIR folders, TREC qrels and runs, pairs,
 * and the queries of BM25.  The input: a line of words, then the files (folder.h), of
 * which pairs.jsonl, qrels.tsv and run.txt may be missing. */
#include "run.h"

#include "eval/eval.h"
#include "frame/cli.h"

#include <string.h>
#include <unistd.h>

enum { DEPTH = 5 };

static void check_case(const eval_case *one, const eval_options *options)
{
    fuzz_need(one->id && one->text && strlen(one->text) <= one->bytes,
              "a query has a name and a text");
    fuzz_need(!options->depth || one->n <= options->depth, "depth is a limit");
    for (size_t i = 0; i < one->n; i++) {
        cli_id_text storage;
        const char *id = eval_source_document(one->source, i, &storage);
        fuzz_need(id && one->documents[i], "a candidate has a name and a text");
        fuzz_need(one->documents[i][one->document_bytes[i]] == 0, "texts end");
    }
    for (size_t i = 0; i < one->n_ideal; i++)
        fuzz_need(one->ideal[i] > 0 && one->ideal[i] <= EVAL_GRADE_MAX &&
                      (i == 0 || one->ideal[i] <= one->ideal[i - 1]),
                  "the ideal order falls");
}

static int evaluate(void *payload)
{
    const eval_options *options = payload;
    eval_data data = {0};
    eval_source source = {0};
    eval_case one;
    int code = eval_data_open(&data, options), next = 1;
    if (!code) code = eval_source_open(&source, &data);
    while (!code && (next = eval_source_next(&source, &one)) > 0)
        check_case(&one, options);
    if (!code && next < 0) code = CLI_FAILURE;
    eval_source_close(&source);
    eval_data_close(&data);
    return code;
}

static int has_word(const fuzz_part *part, const char *word)
{
    return part->n && memmem(part->bytes, part->n, word, strlen(word)) != NULL;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    eval_options options = {.split = "test", .level = 1, .hides_progress = 1};
    fuzz_part part;
    fuzz_run run;
    size_t at = 0;
    char path[300];
    if (!fuzz_next_part(&part, data, size, &at) || part.name[0]) return 0;
    fuzz_folder_clear();
    (void)fuzz_folder_unpack(data, size);
    (void)snprintf(path, sizeof(path), "%s/pairs.jsonl", fuzz_folder());
    if (access(path, R_OK) == 0)
        options.pairs_path = "pairs.jsonl";
    else if (has_word(&part, "beir"))
        options.beir_path = ".";
    else
        options.corpus_path = "corpus.jsonl";
    if (options.corpus_path) options.queries_path = "queries.jsonl";
    if (has_word(&part, "qrels")) options.qrels_path = "qrels.tsv";
    if (has_word(&part, "run") && !options.pairs_path) options.run_path = "run.txt";
    if (has_word(&part, "depth")) options.depth = DEPTH;
    if (!options.pairs_path && !options.depth) options.depth = 50; /* as eval does */
    if (has_word(&part, "limit")) options.limit = 2;
    options.is_unstemmed = has_word(&part, "unstemmed");
    options.wants_bm25 = !options.run_path && !options.pairs_path;
#ifndef GRT_HAVE_SQLITE
    if (options.wants_bm25) return 0;
#endif
    fuzz_capture(&run, evaluate, &options);
    fuzz_check_run(&run, 0);
    fuzz_run_free(&run);
    return 0;
}
