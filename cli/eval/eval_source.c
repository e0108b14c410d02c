/* eval_source.c - query by query, its candidates with their texts and grades. */
#include "eval/eval.h"

#include "frame/cli.h"
#include "frame/signals.h"

#include <stdlib.h>
#include <string.h>

int eval_source_open(eval_source *source, eval_data *data)
{
    *source = (eval_source){.data = data};
    const char *pairs = data->options->pairs_path;
    return pairs ? cli_queries_open(&source->pairs, pairs) : CLI_SUCCESS;
}

/* Makes room for n candidates. */
static int reserve(eval_source *source, size_t n)
{
    if (n <= source->capacity) return CLI_SUCCESS;
    size_t *candidates = realloc(source->candidates, n * sizeof *candidates);
    if (candidates) source->candidates = candidates;
    int *grades = realloc(source->grades, n * sizeof *grades);
    if (grades) source->grades = grades;
    double *scores = realloc(source->scores, n * sizeof *scores);
    if (scores) source->scores = scores;
    if (!candidates || !grades || !scores) return cli_fail("out of memory");
    source->capacity = n;
    return CLI_SUCCESS;
}

/* ---- The ideal order ---- */

static int compare_falling(const void *left, const void *right)
{
    int a = *(const int *)left, b = *(const int *)right;
    return a < b ? 1 : a > b ? -1 : 0;
}

static int reserve_ideal(eval_source *source, size_t n)
{
    if (n <= source->ideal_capacity) return CLI_SUCCESS;
    int *ideal = realloc(source->ideal, n * sizeof *ideal);
    if (!ideal) return cli_fail("out of memory");
    source->ideal = ideal;
    source->ideal_capacity = n;
    return CLI_SUCCESS;
}

static void sort_ideal(eval_source *source, eval_case *out)
{
    out->ideal = source->ideal;
    if (out->n_ideal)
        qsort(source->ideal, out->n_ideal, sizeof *source->ideal, compare_falling);
}

static int set_ideal_of_query(eval_source *source, size_t query, eval_case *out)
{
    const eval_judgements *judged = &source->data->judged;
    size_t begin, n = eval_judgements_of(judged, query, &begin);
    out->n_ideal = 0;
    int code = reserve_ideal(source, n);
    for (size_t i = 0; !code && i < n; i++) {
        int grade = judged->rows[begin + i].grade;
        if (grade > 0) source->ideal[out->n_ideal++] = grade;
    }
    sort_ideal(source, out);
    return code;
}

static int set_ideal_of_pairs(eval_source *source, size_t n, eval_case *out)
{
    out->n_ideal = 0;
    int code = reserve_ideal(source, n);
    for (size_t i = 0; !code && i < n; i++) {
        if (source->grades[i] > 0) source->ideal[out->n_ideal++] = source->grades[i];
    }
    sort_ideal(source, out);
    return code;
}

/* ---- Queries of a corpus ---- */

static int find_candidates(eval_source *source, size_t query, size_t *n)
{
    const eval_data *data = source->data;
    size_t depth = data->options->depth, begin = 0;
    *n = 0;
    if (data->bm25) {
        if (!depth || depth > data->n_documents) depth = data->n_documents;
        int code = reserve(source, depth);
        if (code) return code;
        return eval_bm25_search(data->bm25, data->query_texts[query],
                                data->query_bytes[query], depth, source->candidates,
                                source->scores, n);
    }
    size_t found = eval_run_of(&data->run, query, &begin);
    if (depth && found > depth) found = depth;
    int code = reserve(source, found);
    for (; !code && *n < found; ++*n) {
        source->candidates[*n] = data->run.rows[begin + *n].document;
        source->scores[*n] = data->run.rows[begin + *n].score;
    }
    return code;
}

static int read_candidates(eval_source *source, size_t query, size_t n)
{
    eval_data *data = source->data;
    for (size_t i = 0; i < n; i++) {
        size_t document = source->candidates[i];
        eval_records *records = &data->corpus;
        if (eval_records_again(records, &data->places[document],
                               cli_names_text(&data->documents, document)) < 0)
            return CLI_FAILURE;
        if (!cli_documents_add(&source->documents, records->text, records->bytes,
                               (wire_id){0}) ||
            source->documents.is_counted)
            return cli_fail_memory("reading the candidates");
        source->grades[i] = eval_judgements_grade(&data->judged, query, document);
    }
    return CLI_SUCCESS;
}

static int next_query(eval_source *source, eval_case *out)
{
    eval_data *data = source->data;
    if (source->next == data->n_chosen) return 0;
    size_t query = data->chosen[source->next++], n;
    int code = find_candidates(source, query, &n);
    if (code == CLI_INTERRUPTED) return -2;
    if (!code) code = read_candidates(source, query, n);
    if (!code) code = set_ideal_of_query(source, query, out);
    if (code) return -1;
    out->id = cli_names_text(&data->queries, query);
    out->text = data->query_texts[query];
    out->bytes = data->query_bytes[query];
    out->instruction = data->options->instruction;
    snprintf(source->where, sizeof source->where, "%s, query %s", data->queries_path,
             out->id);
    out->where = source->where;
    return 1;
}

/* ---- Pairs ---- */

static const char *id_text(const json_t *id, cli_id_text *storage)
{
    if (json_is_string(id)) return json_string_value(id);
    *storage = cli_id_number(id);
    return storage->text;
}

/* Grades from --qrels. */
static int judge_pairs(eval_source *source, eval_case *out, int *is_judged)
{
    const eval_data *data = source->data;
    size_t query = cli_names_find(&data->queries, out->id);
    *is_judged = query != CLI_NAMES_NONE;
    for (size_t i = 0; i < source->documents.n; i++) {
        cli_id_text storage;
        const char *id = eval_source_document(source, i, &storage);
        size_t document = cli_names_find(&data->documents, id);
        int is_known = *is_judged && document != CLI_NAMES_NONE;
        source->grades[i] =
            is_known ? eval_judgements_grade(&data->judged, query, document) : 0;
    }
    if (!*is_judged) return CLI_SUCCESS;
    return set_ideal_of_query(source, query, out);
}

static int grade_pairs(eval_source *source, eval_case *out, int *is_judged)
{
    size_t n = source->documents.n;
    int code = reserve(source, n);
    if (code) return code;
    if (source->data->qrels_path) return judge_pairs(source, out, is_judged);
    const char *problem =
        eval_pairs_grades(source->pairs.line, n, source->grades, is_judged);
    if (problem) return cli_lines_fail(&source->pairs.lines, "%s", problem);
    return set_ideal_of_pairs(source, n, out);
}

/* The documents change hands: they are cut here. */
static void take_documents(eval_source *source)
{
    cli_documents taken = source->pairs.documents;
    source->pairs.documents = source->documents;
    source->documents = taken;
}

/* Judgements beside the documents were about all of them: the cut comes last. */
static void cut_documents(eval_source *source)
{
    cli_documents *documents = &source->documents;
    size_t depth = source->data->options->depth;
    if (depth) cli_documents_cut(documents, depth);
}

/* One line; 2: it is passed over. */
static int next_pairs(eval_source *source, eval_case *out)
{
    eval_data *data = source->data;
    cli_query query = {.instruction = data->options->instruction};
    int next = cli_queries_next(&source->pairs, &query), is_judged = 0;
    if (next <= 0) return next;
    out->text = query.text;
    out->bytes = query.bytes;
    out->instruction = query.instruction;
    out->where = query.where;
    if (!query.id)
        snprintf(source->id.text, sizeof source->id.text, "line%zu",
                 source->pairs.lines.number);
    out->id = query.id ? id_text(query.id, &source->id) : source->id.text;
    take_documents(source);
    if (grade_pairs(source, out, &is_judged)) return -1;
    cut_documents(source);
    if (data->has_judgements) {
        data->n_unjudged += !is_judged;
        data->n_irrelevant += is_judged && !out->n_ideal;
        if (!is_judged || !out->n_ideal) return 2;
    }
    source->next++;
    return 1;
}

/* ---- Either ---- */

int eval_source_next(eval_source *source, eval_case *out)
{
    const eval_options *options = source->data->options;
    int next = 2;
    *out = (eval_case){.source = source};
    if (options->limit && source->next == options->limit) return 0;
    while (next == 2) {
        if (cli_was_interrupted()) return -2;
        cli_documents_clear(&source->documents);
        next = options->pairs_path ? next_pairs(source, out) : next_query(source, out);
    }
    out->documents = (const char *const *)source->documents.texts;
    out->document_bytes = source->documents.bytes;
    out->n = source->documents.n;
    out->scores = options->pairs_path ? NULL : source->scores;
    out->grades = source->grades;
    return next;
}

const char *eval_source_document(const eval_source *source, size_t i,
                                 cli_id_text *storage)
{
    const eval_data *data = source->data;
    if (!data->options->pairs_path)
        return cli_names_text(&data->documents, source->candidates[i]);
    wire_id id = cli_documents_id(&source->documents, i);
    if (id.text) return id.text;
    snprintf(storage->text, sizeof storage->text, "%zu", i);
    return storage->text;
}

void eval_source_close(eval_source *source)
{
    cli_queries_close(&source->pairs);
    cli_documents_release(&source->documents);
    free(source->candidates);
    free(source->scores);
    free(source->grades);
    free(source->ideal);
    *source = (eval_source){0};
}
