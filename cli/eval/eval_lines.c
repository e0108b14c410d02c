/* eval_lines.c - one line of qrels or of a run. */
#include "eval/eval.h"

#include "frame/text.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_FIELDS = 7 };

/* Cuts the line at runs of white space, or at each tab; returns the number of fields,
 * of which the first MAX_FIELDS are in `fields`. */
static size_t split(char *line, const char *separators, int takes_runs,
                    char *fields[MAX_FIELDS])
{
    size_t n = 0;
    char *at = line;
    for (;;) {
        if (takes_runs) at += strspn(at, separators);
        if (takes_runs && !*at) break;
        if (n < MAX_FIELDS) fields[n] = at;
        n++;
        at += strcspn(at, separators);
        if (!*at) break;
        *at++ = 0;
    }
    return n;
}

static const char *check_bytes(const char *line, size_t bytes)
{
    if (memchr(line, 0, bytes)) return "a NUL byte";
    if (!wire_is_utf8(line, bytes)) return "not valid UTF-8";
    return NULL;
}

static size_t count_tabs(const char *line)
{
    size_t n = 0;
    for (; *line; line++)
        n += *line == '\t';
    return n;
}

static const char *parse_grade(const char *text, int *out)
{
    char *end;
    errno = 0;
    long value = strtol(text, &end, 10);
    if (end == text || *end) return "the grade is not a whole number";
    if (errno || value > EVAL_GRADE_MAX || value < -EVAL_GRADE_MAX)
        return "the grade is not from -1000000 to 1000000";
    *out = (int)value;
    return NULL;
}

const char *eval_parse_judgement(eval_judged_line *out, char *line, size_t bytes)
{
    char *fields[MAX_FIELDS];
    const char *problem = check_bytes(line, bytes);
    if (problem) return problem;
    /* BEIR has ids with spaces, between tabs. */
    int is_tsv = count_tabs(line) == 2;
    size_t n = split(line, is_tsv ? "\t" : " \t", !is_tsv, fields);
    if (n != 3 && n != 4)
        return "a judgement has 3 fields (query, document, grade) or 4 (query, 0, "
               "document, grade)";
    *out = (eval_judged_line){
        .query = fields[0], .document = fields[n - 2], .n_fields = n};
    if (!out->query[0] || !out->document[0]) return "an id is empty";
    const char *grade = fields[n - 1];
    out->is_header = n == 3 && strcmp(grade, "score") == 0;
    return out->is_header ? NULL : parse_grade(grade, &out->grade);
}

const char *eval_parse_run(eval_run_line *out, char *line, size_t bytes)
{
    char *fields[MAX_FIELDS], *end;
    const char *problem = check_bytes(line, bytes);
    if (problem) return problem;
    if (split(line, " \t", 1, fields) != 6)
        return "a line of a run has 6 fields: query, Q0, document, rank, score, name";
    *out = (eval_run_line){.query = fields[0], .document = fields[2]};
    out->score = strtod(fields[4], &end);
    if (end == fields[4] || *end || !isfinite(out->score))
        return "the score is not a number";
    return NULL;
}
