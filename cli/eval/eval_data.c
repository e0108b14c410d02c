/* eval_data.c - queries, documents, judgements and a first stage: what to evaluate. */
#include "eval/eval.h"

#include "frame/cli.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum { BAR_DOCUMENTS = 1000 };

/* ---- Names of files ---- */

static char *join(const char *folder, const char *name, const char *end)
{
    size_t capacity = strlen(folder) + strlen(name) + strlen(end) + 2;
    char *out = malloc(capacity);
    if (out) snprintf(out, capacity, "%s/%s%s", folder, name, end);
    return out;
}

static int name_files(eval_data *data)
{
    const eval_options *options = data->options;
    const char *beir = options->beir_path;
    int is_named = 1;
    if (beir) {
        char *folder = join(beir, "qrels", "");
        data->corpus_path = join(beir, "corpus", ".jsonl");
        data->queries_path = join(beir, "queries", ".jsonl");
        data->qrels_path = folder ? join(folder, options->split, ".tsv") : NULL;
        free(folder);
        is_named = data->qrels_path != NULL;
    } else if (!options->pairs_path) {
        data->corpus_path = strdup(options->corpus_path);
        data->queries_path = strdup(options->queries_path);
    }
    if (options->qrels_path) { /* in place of the folder's */
        free(data->qrels_path);
        data->qrels_path = strdup(options->qrels_path);
        is_named = data->qrels_path != NULL;
    }
    if (!options->pairs_path)
        is_named = is_named && data->corpus_path && data->queries_path;
    return is_named ? CLI_SUCCESS : cli_fail("out of memory");
}

/* Candidates' texts are read later, and pairs twice. */
static int check_regular(const char *path, uint64_t *bytes)
{
    struct stat found;
    if (stat(path, &found) != 0)
        return cli_fail("cannot open %s: %s", path, strerror(errno));
    if (!S_ISREG(found.st_mode))
        return cli_fail("%s is no regular file: it is read more than once", path);
    *bytes = (uint64_t)found.st_size;
    return CLI_SUCCESS;
}

/* ---- Queries ---- */

static int reserve_texts(eval_data *data, size_t *capacity)
{
    if (data->n_texts < *capacity) return 1;
    size_t wanted = *capacity ? *capacity * 2 : 256;
    char **texts = realloc(data->query_texts, wanted * sizeof *texts);
    if (texts) data->query_texts = texts;
    size_t *bytes = realloc(data->query_bytes, wanted * sizeof *bytes);
    if (bytes) data->query_bytes = bytes;
    if (!texts || !bytes) return 0;
    *capacity = wanted;
    return 1;
}

static int add_query(eval_data *data, const eval_records *records, size_t *capacity)
{
    size_t number;
    if (records->bytes == 0)
        return cli_lines_fail(&records->lines, "the query is empty");
    int added = cli_names_add(&data->queries, records->id, &number);
    if (added == 0)
        return cli_lines_fail(&records->lines, "query %s was there already",
                              records->id);
    char *copy =
        added > 0 && reserve_texts(data, capacity) ? malloc(records->bytes + 1) : NULL;
    if (!copy) return cli_fail("out of memory");
    memcpy(copy, records->text, records->bytes);
    copy[records->bytes] = 0;
    data->query_texts[data->n_texts] = copy;
    data->query_bytes[data->n_texts++] = records->bytes;
    return CLI_SUCCESS;
}

/* Empty lines are nothing to speak of in files of records. */
static void report_leniency(const eval_records *records)
{
    cli_lines lines = records->lines;
    lines.n_blank = 0;
    cli_lines_report(&lines);
}

static int read_queries(eval_data *data)
{
    eval_records records;
    size_t capacity = 0;
    int code = eval_records_open(&records, data->queries_path, 0), next = 0;
    while (!code && (next = eval_records_next(&records)) > 0)
        code = add_query(data, &records, &capacity);
    if (!code && next < 0) code = CLI_FAILURE;
    if (!code && data->n_texts == 0)
        code = cli_fail("no queries in %s", data->queries_path);
    if (!code) report_leniency(&records);
    eval_records_close(&records);
    return code;
}

/* ---- Documents ---- */

static int add_document(eval_data *data, size_t *capacity)
{
    const eval_records *records = &data->corpus;
    size_t number;
    int added = cli_names_add(&data->documents, records->id, &number);
    if (added == 0)
        return cli_lines_fail(&records->lines, "document %s was in line %zu already",
                              records->id, data->places[number].line);
    if (added > 0 && number >= *capacity) {
        size_t wanted = *capacity ? *capacity * 2 : 1024;
        eval_place *places = realloc(data->places, wanted * sizeof *places);
        if (!places) return cli_fail("out of memory");
        data->places = places;
        *capacity = wanted;
    }
    if (added < 0) return cli_fail("out of memory");
    data->places[number] = (eval_place){records->lines.begin, records->lines.number};
    data->n_documents++;
    if (!data->bm25) return CLI_SUCCESS;
    return eval_bm25_add(data->bm25, number, records->text, records->bytes);
}

/* Leaves the file open: the texts of candidates are read from it later. */
static int read_documents(eval_data *data)
{
    uint64_t bytes;
    size_t capacity = 0;
    int64_t started_ns = cli_now_ns();
    int code = check_regular(data->corpus_path, &bytes), next = 0;
    if (!code) code = eval_records_open(&data->corpus, data->corpus_path, 1);
    const cli_lines *lines = &data->corpus.lines;
    while (!code && (next = eval_records_next(&data->corpus)) > 0) {
        code = add_document(data, &capacity);
        if (data->n_documents % BAR_DOCUMENTS == 0)
            cli_progress_draw_work(
                &data->progress, data->bm25 ? "indexing " : "reading ", lines->end,
                bytes, (double)lines->end, (double)bytes, started_ns);
    }
    if (!code && next < 0) code = CLI_FAILURE;
    if (!code && data->n_documents == 0)
        code = cli_fail("no documents in %s", data->corpus_path);
    if (!code && data->bm25) code = eval_bm25_finish(data->bm25);
    cli_progress_erase(&data->progress);
    if (!code) report_leniency(&data->corpus);
    return code;
}

/* ---- Pairs ---- */

static const char *read_grade(const json_t *value, int *out)
{
    if (json_is_boolean(value)) {
        *out = json_is_true(value);
        return NULL;
    }
    if (!json_is_integer(value)) return "\"relevance\" is not a whole number";
    json_int_t grade = json_integer_value(value);
    if (grade > EVAL_GRADE_MAX || grade < -EVAL_GRADE_MAX)
        return "\"relevance\" is not from -1000000 to 1000000";
    *out = (int)grade;
    return NULL;
}

const char *eval_pairs_grades(const json_t *line, size_t n_documents, int *grades,
                              int *is_judged)
{
    const json_t *all = json_object_get(line, "relevance");
    const json_t *documents = json_object_get(line, "documents");
    *is_judged = all != NULL;
    if (all && (!json_is_array(all) || json_array_size(all) != n_documents))
        return "\"relevance\" is not an array with a grade for each document";
    for (size_t i = 0; i < n_documents; i++) {
        const json_t *own = json_object_get(json_array_get(documents, i), "relevance");
        const json_t *value = all ? json_array_get(all, i) : own;
        if (all && own) return "\"relevance\" is told twice";
        grades[i] = 0;
        if (!value) continue;
        const char *problem = read_grade(value, &grades[i]);
        if (problem) return problem;
        *is_judged = 1;
    }
    return NULL;
}

static int survey_pair(eval_data *data, cli_queries *pairs)
{
    int is_judged;
    int *grades = calloc(pairs->documents.n + 1, sizeof *grades);
    if (!grades) return cli_fail("out of memory");
    const char *problem =
        eval_pairs_grades(pairs->line, pairs->documents.n, grades, &is_judged);
    free(grades);
    if (problem) return cli_lines_fail(&pairs->lines, "%s", problem);
    if (is_judged && data->qrels_path)
        return cli_lines_fail(&pairs->lines,
                              "\"relevance\" and --qrels exclude each other");
    data->has_judgements |= is_judged;
    data->n_texts++;
    return CLI_SUCCESS;
}

/* A bad line is better known before hours of ranking. */
static int survey_pairs(eval_data *data)
{
    const char *path = data->options->pairs_path;
    uint64_t bytes;
    cli_queries pairs = {0};
    int code = check_regular(path, &bytes), next = 0;
    if (!code) code = cli_queries_open(&pairs, path);
    cli_query query = {0};
    while (!code && (next = cli_queries_next(&pairs, &query)) > 0)
        code = survey_pair(data, &pairs);
    if (!code && next < 0) code = CLI_FAILURE;
    if (!code && data->n_texts == 0) code = cli_fail("no queries in %s", path);
    cli_queries_close(&pairs);
    return code;
}

/* ---- The choice of queries ---- */

static int is_relevant(const eval_data *data, size_t query, size_t *n_rows)
{
    size_t begin;
    *n_rows = eval_judgements_of(&data->judged, query, &begin);
    for (size_t i = 0; i < *n_rows; i++) {
        if (data->judged.rows[begin + i].grade > 0) return 1;
    }
    return 0;
}

/* Judged queries with a relevant document, in the order of their file. */
static int choose_queries(eval_data *data)
{
    size_t limit = data->options->limit ? data->options->limit : SIZE_MAX;
    data->chosen = calloc(data->n_texts, sizeof *data->chosen);
    if (!data->chosen) return cli_fail("out of memory");
    for (size_t i = 0; i < data->n_texts && data->n_chosen < limit; i++) {
        size_t n_rows = 0;
        if (!data->has_judgements || is_relevant(data, i, &n_rows))
            data->chosen[data->n_chosen++] = i;
        else if (n_rows)
            data->n_irrelevant++;
        else
            data->n_unjudged++;
    }
    if (data->n_chosen) return CLI_SUCCESS;
    return cli_fail("no query of %s has a relevant document in %s", data->queries_path,
                    data->qrels_path);
}

static void count_strange(eval_data *data)
{
    for (size_t i = 0; i < data->judged.n; i++)
        data->n_strange += data->judged.rows[i].document >= data->n_documents;
}

static const char *plural(size_t n)
{
    return n == 1 ? "" : "s";
}

static void note_oddities(const eval_data *data)
{
    const eval_judgements *judged = &data->judged;
    const char *corpus = data->corpus_path, *qrels = data->qrels_path;
    if (data->n_strange && corpus)
        cli_note("%zu judgement%s of %s %s about documents that are not in %s; they "
                 "count as not found",
                 data->n_strange, plural(data->n_strange), qrels,
                 data->n_strange == 1 ? "is" : "are", corpus);
    if (judged->n_other)
        cli_note("%zu judgement%s of %s passed over: no such query in %s",
                 judged->n_other, plural(judged->n_other), qrels, data->queries_path);
    if (judged->n_repeated)
        cli_note("%zu judgement%s of %s said twice", judged->n_repeated,
                 plural(judged->n_repeated), qrels);
    if (data->n_irrelevant)
        cli_note("%zu quer%s passed over: no grade above 0", data->n_irrelevant,
                 data->n_irrelevant == 1 ? "y" : "ies");
    if (data->run.n_other)
        cli_note("%zu line%s of %s passed over: no such query in %s", data->run.n_other,
                 plural(data->run.n_other), data->options->run_path,
                 data->queries_path);
}

/* ---- Together ---- */

/* A run is read before the judgements, which add documents of their own. */
static int read_corpus(eval_data *data)
{
    const eval_options *options = data->options;
    int code = read_queries(data);
    if (!code && !options->run_path)
        code = eval_bm25_open(&data->bm25, !options->is_unstemmed);
    if (!code) code = read_documents(data);
    if (!code && options->run_path)
        code = eval_run_read(&data->run, options->run_path, &data->queries,
                             &data->documents, data->corpus_path);
    return code;
}

int eval_data_open(eval_data *data, const eval_options *options)
{
    int has_pairs = options->pairs_path != NULL;
    *data = (eval_data){.options = options};
    cli_progress_init(&data->progress, !options->hides_progress);
    int code = name_files(data);
    if (!code) code = has_pairs ? survey_pairs(data) : read_corpus(data);
    if (!code && data->qrels_path) {
        data->has_judgements = 1;
        code = eval_judgements_read(&data->judged, data->qrels_path, &data->queries,
                                    has_pairs, &data->documents);
    }
    if (!code && !has_pairs) {
        count_strange(data);
        code = choose_queries(data);
    }
    if (!code) note_oddities(data);
    return code;
}

const char *eval_data_stage(const eval_data *data)
{
    if (data->bm25) return eval_bm25_text(data->bm25);
    return data->options->run_path ? data->options->run_path : "the order given";
}

void eval_data_close(eval_data *data)
{
    for (size_t i = 0; data->query_texts && i < data->n_texts; i++)
        free(data->query_texts[i]);
    free(data->query_texts);
    free(data->query_bytes);
    cli_names_release(&data->queries);
    cli_names_release(&data->documents);
    free(data->places);
    free(data->judged.rows);
    free(data->run.rows);
    eval_bm25_close(data->bm25);
    eval_records_close(&data->corpus);
    free(data->chosen);
    free(data->corpus_path);
    free(data->queries_path);
    free(data->qrels_path);
    *data = (eval_data){0};
}
