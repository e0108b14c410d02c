/* eval_judgements.c - qrels: which documents answer which query, and how well. */
#include "eval/eval.h"

#include "frame/cli.h"

#include <stdlib.h>
#include <string.h>

/* ---- Reading ---- */

/* A judgement as it was read; only needed until all are sorted. */
typedef struct judged {
    eval_judgement row;
    size_t line;
} judged;

typedef struct judgement_reader {
    eval_judgements *out;
    cli_lines lines;
    judged *rows; /* [out->n] */
    cli_names *queries;
    cli_names *documents;
    int adds_queries;
    size_t n_fields; /* of the first judgement */
} judgement_reader;

static int reserve(judgement_reader *reader)
{
    eval_judgements *out = reader->out;
    if (out->n < out->capacity) return 1;
    size_t capacity = out->capacity ? out->capacity * 2 : 1024;
    if (capacity > SIZE_MAX / sizeof *reader->rows) return 0;
    judged *rows = realloc(reader->rows, capacity * sizeof *rows);
    if (!rows) return 0;
    reader->rows = rows;
    out->capacity = capacity;
    return 1;
}

/* 1: `*number` is the query's.  0: it is to be passed over.  -1: out of memory. */
static int find_query(judgement_reader *reader, const char *name, size_t *number)
{
    if (reader->adds_queries)
        return cli_names_add(reader->queries, name, number) < 0 ? -1 : 1;
    *number = cli_names_find(reader->queries, name);
    return *number != CLI_NAMES_NONE;
}

static int read_line(judgement_reader *reader)
{
    cli_lines *lines = &reader->lines;
    eval_judged_line line;
    int is_first = lines->number == lines->n_blank + 1;
    const char *problem = eval_parse_judgement(&line, lines->line, lines->bytes);
    if (problem) return cli_lines_fail(lines, "%s", problem);
    if (line.is_header && is_first) return CLI_SUCCESS;
    if (line.is_header) return cli_lines_fail(lines, "the grade is not a whole number");
    if (!reader->n_fields) reader->n_fields = line.n_fields;
    if (line.n_fields != reader->n_fields)
        return cli_lines_fail(lines, "%zu fields, but the lines before have %zu",
                              line.n_fields, reader->n_fields);
    judged row = {.row.grade = line.grade, .line = lines->number};
    int found = find_query(reader, line.query, &row.row.query);
    if (found == 0) {
        reader->out->n_other++;
        return CLI_SUCCESS;
    }
    if (found < 0 || !reserve(reader) ||
        cli_names_add(reader->documents, line.document, &row.row.document) < 0)
        return cli_fail("out of memory");
    reader->rows[reader->out->n++] = row;
    return CLI_SUCCESS;
}

/* ---- Order ---- */

static int compare_numbers(size_t a, size_t b)
{
    return a < b ? -1 : a > b;
}

static int compare(const void *left, const void *right)
{
    const judged *a = left, *b = right;
    int order = compare_numbers(a->row.query, b->row.query);
    if (!order) order = compare_numbers(a->row.document, b->row.document);
    return order ? order : compare_numbers(a->line, b->line);
}

static int fail_contrary(const judgement_reader *reader, const judged *row,
                         size_t first_line)
{
    return cli_fail("%s, line %zu: query %s and document %s have another grade in line "
                    "%zu",
                    reader->lines.name, row->line,
                    cli_names_text(reader->queries, row->row.query),
                    cli_names_text(reader->documents, row->row.document), first_line);
}

/* Sorts, and drops what is said twice. */
static int settle(judgement_reader *reader)
{
    eval_judgements *out = reader->out;
    judged *rows = reader->rows;
    size_t n = 0;
    if (out->n) qsort(rows, out->n, sizeof *rows, compare);
    out->rows = calloc(out->n ? out->n : 1, sizeof *out->rows);
    if (!out->rows) return cli_fail("out of memory");
    for (size_t i = 0; i < out->n; i++) {
        const eval_judgement *row = &rows[i].row, *last = n ? &out->rows[n - 1] : NULL;
        if (!last || last->query != row->query || last->document != row->document)
            out->rows[n++] = *row;
        else if (last->grade != row->grade)
            return fail_contrary(reader, &rows[i], rows[i - 1].line);
        else
            out->n_repeated++;
    }
    out->n = n;
    return CLI_SUCCESS;
}

int eval_judgements_read(eval_judgements *out, const char *path, cli_names *queries,
                         int adds_queries, cli_names *documents)
{
    *out = (eval_judgements){0};
    judgement_reader reader = {.out = out,
                               .queries = queries,
                               .documents = documents,
                               .adds_queries = adds_queries};
    int code = cli_lines_open(&reader.lines, path), next = 0;
    while (!code && (next = cli_lines_next(&reader.lines)) > 0)
        code = read_line(&reader);
    if (!code && next < 0) code = CLI_FAILURE;
    if (!code && out->n == 0 && out->n_other == 0)
        code = cli_fail("no judgements in %s", reader.lines.name);
    if (!code) code = settle(&reader);
    free(reader.rows);
    cli_lines_close(&reader.lines);
    return code;
}

/* ---- Looking up ---- */

/* The first row that is not before (query, document). */
static size_t lower_bound(const eval_judgements *judgements, size_t query,
                          size_t document)
{
    size_t begin = 0, end = judgements->n;
    while (begin < end) {
        size_t middle = begin + (end - begin) / 2;
        const eval_judgement *row = &judgements->rows[middle];
        if (row->query < query || (row->query == query && row->document < document))
            begin = middle + 1;
        else
            end = middle;
    }
    return begin;
}

size_t eval_judgements_of(const eval_judgements *judgements, size_t query,
                          size_t *begin)
{
    *begin = lower_bound(judgements, query, 0);
    return lower_bound(judgements, query + 1, 0) - *begin;
}

int eval_judgements_grade(const eval_judgements *judgements, size_t query,
                          size_t document)
{
    size_t at = lower_bound(judgements, query, document);
    if (at == judgements->n) return 0;
    const eval_judgement *row = &judgements->rows[at];
    return row->query == query && row->document == document ? row->grade : 0;
}
