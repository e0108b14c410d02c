/* eval_records.c - texts with ids: documents and queries, JSON lines or TSV. */
#include "eval/eval.h"

#include "frame/cli.h"
#include "frame/text.h"

#include <stdlib.h>
#include <string.h>

int eval_records_open(eval_records *records, const char *path, int joins_titles)
{
    *records = (eval_records){.joins_titles = joins_titles};
    return cli_lines_open(&records->lines, path);
}

/* ---- One record ---- */

static int set_text(eval_records *records, const char *title, size_t title_bytes,
                    const char *text, size_t bytes)
{
    records->text = text;
    records->bytes = bytes;
    if (!title_bytes || !records->joins_titles) return 1;
    size_t needed = title_bytes + 1 + bytes;
    if (needed > records->joined_capacity) {
        char *joined = realloc(records->joined, needed);
        if (!joined) return 0;
        records->joined = joined;
        records->joined_capacity = needed;
    }
    memcpy(records->joined, title, title_bytes);
    records->joined[title_bytes] = ' ';
    memcpy(records->joined + title_bytes + 1, text, bytes);
    records->text = records->joined;
    records->bytes = bytes ? needed : title_bytes;
    return 1;
}

static const char *set_id(eval_records *records, const json_t *id)
{
    if (!id) return "no \"_id\"";
    if (json_is_number(id)) {
        records->number = cli_id_number(id);
        records->id = records->number.text;
        return NULL;
    }
    if (!json_is_string(id)) return "\"_id\" is neither a string nor a number";
    records->id = json_string_value(id);
    if (!records->id[0] && json_string_length(id) == 0) return "\"_id\" is empty";
    if (strlen(records->id) != json_string_length(id))
        return "\"_id\" holds a NUL character";
    return NULL;
}

static const char *parse_json(eval_records *records)
{
    static const cli_fields usual = {0};
    cli_record record;
    if (!json_is_object(records->line))
        return "not an object with \"_id\" and \"text\"";
    const char *problem = cli_record_read(&record, records->line, &usual);
    if (problem && problem != record.problem) return problem;
    if (problem) {
        snprintf(records->problem, sizeof records->problem, "%s", problem);
        return records->problem;
    }
    problem = set_id(records, record.id);
    if (problem) return problem;
    if (!set_text(records, record.title, record.title_bytes, record.text, record.bytes))
        return "out of memory";
    return NULL;
}

static const char *parse_tsv(eval_records *records)
{
    char *line = records->lines.line, *tab = memchr(line, '\t', records->lines.bytes);
    if (!tab) return "no tab between id and text";
    size_t id_bytes = (size_t)(tab - line);
    if (id_bytes == 0) return "the id is empty";
    if (memchr(line, 0, id_bytes)) return "the id holds a NUL byte";
    if (!wire_is_utf8(line, id_bytes)) return "the id is not valid UTF-8";
    *tab = 0;
    records->id = line;
    set_text(records, NULL, 0, tab + 1, records->lines.bytes - id_bytes - 1);
    return NULL;
}

/* Parses the current line; 1, or -1 after an error line. */
static int parse(eval_records *records)
{
    json_decref(records->line);
    records->line = NULL;
    if (records->is_json) {
        records->line = cli_lines_json(&records->lines, NULL);
        if (!records->line) return -1;
    }
    const char *problem = records->is_json ? parse_json(records) : parse_tsv(records);
    if (problem) cli_lines_fail(&records->lines, "%s", problem);
    return problem ? -1 : 1;
}

int eval_records_next(eval_records *records)
{
    cli_lines *lines = &records->lines;
    int is_first = lines->number == lines->n_blank;
    int next = cli_lines_next(lines);
    if (next <= 0) return next;
    if (is_first) records->is_json = lines->line[strspn(lines->line, " ")] == '{';
    return parse(records);
}

int eval_records_again(eval_records *records, const eval_place *place, const char *id)
{
    cli_lines *lines = &records->lines;
    if (cli_lines_seek(lines, place->offset, place->line)) return -1;
    int next = cli_lines_next(lines);
    if (next < 0) return -1;
    if (next > 0 && parse(records) < 0) return -1;
    if (next > 0 && strcmp(records->id, id) == 0) return 1;
    cli_fail("%s was changed while it was read: document %s is gone", lines->name, id);
    return -1;
}

void eval_records_close(eval_records *records)
{
    json_decref(records->line);
    free(records->joined);
    cli_lines_close(&records->lines);
    *records = (eval_records){0};
}
