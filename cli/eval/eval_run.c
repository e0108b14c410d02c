/* eval_run.c - a first stage's run: which documents it found for which query. */
#include "eval/eval.h"

#include "frame/cli.h"

#include <stdlib.h>
#include <string.h>

static int reserve(eval_run *run)
{
    if (run->n < run->capacity) return 1;
    size_t capacity = run->capacity ? run->capacity * 2 : 1024;
    if (capacity > SIZE_MAX / sizeof *run->rows) return 0;
    eval_run_row *rows = realloc(run->rows, capacity * sizeof *rows);
    if (!rows) return 0;
    run->rows = rows;
    run->capacity = capacity;
    return 1;
}

static int read_line(eval_run *run, cli_lines *lines, const cli_names *queries,
                     const cli_names *documents, const char *corpus)
{
    eval_run_line line;
    const char *problem = eval_parse_run(&line, lines->line, lines->bytes);
    if (problem) return cli_lines_fail(lines, "%s", problem);
    eval_run_row row = {.query = cli_names_find(queries, line.query),
                        .document = cli_names_find(documents, line.document),
                        .line = lines->number,
                        .score = line.score};
    if (row.query == CLI_NAMES_NONE) {
        run->n_other++;
        return CLI_SUCCESS;
    }
    if (row.document == CLI_NAMES_NONE)
        return cli_lines_fail(lines, "document %s is not in %s", line.document, corpus);
    if (!reserve(run)) return cli_fail("out of memory");
    run->rows[run->n++] = row;
    return CLI_SUCCESS;
}

/* ---- Order ---- */

static int compare_numbers(size_t a, size_t b)
{
    return a < b ? -1 : a > b;
}

static int compare_documents(const void *left, const void *right)
{
    const eval_run_row *a = left, *b = right;
    int order = compare_numbers(a->query, b->query);
    if (!order) order = compare_numbers(a->document, b->document);
    return order ? order : compare_numbers(a->line, b->line);
}

/* As trec_eval: by score, equal ones by id from the last to the first. */
static int compare_ranks(const void *left, const void *right, void *documents)
{
    const eval_run_row *a = left, *b = right;
    if (a->query != b->query) return compare_numbers(a->query, b->query);
    if (a->score < b->score || a->score > b->score) return a->score < b->score ? 1 : -1;
    return strcmp(cli_names_text(documents, b->document),
                  cli_names_text(documents, a->document));
}

static int check_repeated(eval_run *run, const char *name, const cli_names *queries,
                          const cli_names *documents)
{
    qsort(run->rows, run->n, sizeof *run->rows, compare_documents);
    for (size_t i = 1; i < run->n; i++) {
        const eval_run_row *row = &run->rows[i], *last = row - 1;
        if (row->query == last->query && row->document == last->document)
            return cli_fail("%s, line %zu: document %s of query %s came in line %zu "
                            "already",
                            name, row->line, cli_names_text(documents, row->document),
                            cli_names_text(queries, row->query), last->line);
    }
    return CLI_SUCCESS;
}

int eval_run_read(eval_run *out, const char *path, const cli_names *queries,
                  cli_names *documents, const char *corpus)
{
    *out = (eval_run){0};
    cli_lines lines;
    int code = cli_lines_open(&lines, path), next = 0;
    while (!code && (next = cli_lines_next(&lines)) > 0)
        code = read_line(out, &lines, queries, documents, corpus);
    if (!code && next < 0) code = CLI_FAILURE;
    if (!code && out->n == 0)
        code = cli_fail("no lines of queries to evaluate in %s", lines.name);
    if (!code) code = check_repeated(out, lines.name, queries, documents);
    if (!code) qsort_r(out->rows, out->n, sizeof *out->rows, compare_ranks, documents);
    cli_lines_close(&lines);
    return code;
}

size_t eval_run_of(const eval_run *run, size_t query, size_t *begin)
{
    size_t low = 0, high = run->n, n = 0;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (run->rows[middle].query < query)
            low = middle + 1;
        else
            high = middle;
    }
    while (low + n < run->n && run->rows[low + n].query == query)
        n++;
    *begin = low;
    return n;
}
