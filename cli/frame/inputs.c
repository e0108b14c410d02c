/* inputs.c - documents from files, folders or standard input, in the formats there are.
 */
#include "frame/cli.h"
#include "frame/documents.h"
#include "frame/ids.h"
#include "frame/json.h"
#include "frame/room.h"
#include "frame/table.h"
#include "wire/buffer.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>

enum { DEPTH_MAX = 64 };

typedef struct reader {
    cli_documents *documents;
    const cli_input *input;
    cli_lines lines; /* of the current file */
    int is_in_folder;
    size_t n_read;    /* files */
    size_t n_refused; /* files of folders that were passed over after an error line */
} reader;

/* ---- One document ---- */

/* Where reading was given up the refusal comes at the end. */
static int added(const reader *self, int is_added)
{
    if (is_added) return CLI_SUCCESS;
    return self->documents->is_counted ? CLI_FAILURE : cli_fail_memory("reading");
}

/* Ids of documents that have none, where there are several files. */
typedef struct place_id {
    char *text; /* owned */
} place_id;

static wire_id name_place(const reader *self, size_t line, place_id *out)
{
    int has_files = self->input->n_paths > 1 || self->is_in_folder;
    size_t capacity = strlen(self->lines.name) + 32;
    *out = (place_id){NULL};
    if (!has_files) return (wire_id){0};
    out->text = malloc(capacity);
    if (!out->text) return (wire_id){0};
    if (line)
        snprintf(out->text, capacity, "%s:%zu", self->lines.name, line);
    else
        snprintf(out->text, capacity, "%s", self->lines.name);
    return (wire_id){out->text, strlen(out->text), 0};
}

/* `own_id` text NULL: it has none. */
static int add(reader *self, const char *text, size_t bytes, size_t line,
               wire_id own_id)
{
    place_id place = {NULL};
    wire_id id = own_id.text ? own_id : name_place(self, line, &place);
    int is_added = cli_documents_add(self->documents, text, bytes, id);
    free(place.text);
    return added(self, is_added);
}

static int add_json(reader *self, const json_t *value, size_t line)
{
    cli_record record;
    place_id place = {NULL};
    wire_id id = line ? name_place(self, line, &place) : (wire_id){0};
    int is_added = 1;
    const char *problem = cli_documents_add_json(self->documents, &record, value,
                                                 &self->input->fields, id, &is_added);
    free(place.text);
    if (problem && line) return cli_lines_fail(&self->lines, "%s", problem);
    if (problem) return cli_fail("%s: %s", self->lines.name, problem);
    return added(self, is_added);
}

/* A line or a file that does not fit was counted; the others are from here on. */
static int count_only(reader *self)
{
    if (!self->documents->is_counted) cli_documents_count(self->documents);
    return self->documents->tally.is_endless ? CLI_FAILURE : CLI_SUCCESS;
}

static int next_line(reader *self, int *next)
{
    int code = CLI_SUCCESS;
    do {
        *next = cli_lines_next(&self->lines);
        if (*next == CLI_LINES_TOO_LARGE) code = count_only(self);
    } while (!code && *next == CLI_LINES_TOO_LARGE);
    return code;
}

/* ---- Formats; the first line that is not empty has been read ---- */

/* "{...}", as JSON and Python write objects. */
static int looks_like_object(const cli_lines *lines)
{
    size_t begin = strspn(lines->line, " \t"), end = lines->bytes;
    while (end > begin && (lines->line[end - 1] == ' ' || lines->line[end - 1] == '\t'))
        end--;
    return end > begin + 2 && lines->line[begin] == '{' &&
           lines->line[end - 1] == '}' &&
           memchr(lines->line + begin, ':', end - begin) != NULL;
}

static int read_lines(reader *self)
{
    cli_lines *lines = &self->lines;
    int code = CLI_SUCCESS, next = 1;
    size_t n_objects = 0, n_returns = 0;
    while (!code && next > 0) {
        n_objects += (size_t)looks_like_object(lines);
        n_returns += memchr(lines->line, '\r', lines->bytes) != NULL;
        code = add(self, lines->line, lines->bytes, lines->number, (wire_id){0});
        if (!code) code = next_line(self, &next);
    }
    if (n_returns)
        cli_note("%zu line%s of %s hold%s carriage returns, which end no line here "
                 "(tr '\\r' '\\n' makes lines of them)",
                 n_returns, n_returns == 1 ? "" : "s", lines->name,
                 n_returns == 1 ? "s" : "");
    if (n_objects && self->input->format == CLI_FORMAT_AUTO)
        cli_note("%zu line%s of %s look%s like objects, but the first line is no JSON: "
                 "all are ranked as they stand (--format jsonl, or lines)",
                 n_objects, n_objects == 1 ? "" : "s", lines->name,
                 n_objects == 1 ? "s" : "");
    return code ? code : next < 0 ? CLI_FAILURE : CLI_SUCCESS;
}

static int read_json_lines(reader *self)
{
    cli_lines *lines = &self->lines;
    int code = CLI_SUCCESS, next = 1;
    while (!code && next > 0) {
        int is_counted = 0;
        json_t *value = cli_lines_json(lines, &is_counted);
        if (value)
            code = add_json(self, value, lines->number);
        else
            code = is_counted ? count_only(self) : CLI_FAILURE;
        json_decref(value);
        if (!code) code = next_line(self, &next);
    }
    return code ? code : next < 0 ? CLI_FAILURE : CLI_SUCCESS;
}

static int read_rest(reader *self)
{
    int more = cli_lines_rest(&self->lines);
    if (more == CLI_LINES_TOO_LARGE) return count_only(self);
    return more < 0 ? CLI_FAILURE : CLI_SUCCESS;
}

static int read_json(reader *self)
{
    cli_lines *lines = &self->lines;
    size_t first = lines->number;
    int code = read_rest(self);
    if (code || !lines->line) return code;
    json_error_t error;
    int is_repaired = 0;
    json_t *all = cli_json_parse_all(lines->line, lines->bytes, &is_repaired, &error);
    if (!all && cli_lines_count_json(lines, &error)) return count_only(self);
    if (!all)
        return cli_fail("%s, line %zu: it begins as JSON, but: %s (--format lines "
                        "takes lines as they are)",
                        lines->name, first + (size_t)error.line - 1, error.text);
    lines->n_repaired += is_repaired && wire_is_utf8(lines->line, lines->bytes);
    for (size_t i = 0; !code && i < json_array_size(all); i++)
        code = add_json(self, json_array_get(all, i), 0);
    json_decref(all);
    return code;
}

/* A paragraph that does not fit goes on as one more. */
static int add_paragraph(reader *self, wire_buffer *text, size_t begin)
{
    int code = text->has_failed
                   ? cli_fail_memory("reading")
                   : add(self, text->data, text->bytes, begin, (wire_id){0});
    wire_release(text);
    return code;
}

static int read_paragraphs(reader *self)
{
    cli_lines *lines = &self->lines;
    int code = CLI_SUCCESS, next = 1;
    while (!code && next > 0) {
        wire_buffer text = {0};
        size_t begin = lines->number, last = begin;
        int is_heading = 1, has_room = 1;
        do {
            /* A buffer doubles, and is copied then. */
            has_room = cli_room_take(3 * (uint64_t)lines->bytes);
            if (!has_room && !self->documents->is_counted)
                cli_documents_count(self->documents);
            if (text.bytes) wire_put(&text, "\n", 1);
            wire_put(&text, lines->line, lines->bytes);
            is_heading = is_heading && lines->line[0] == '#';
            last = lines->number;
            code = next_line(self, &next);
        } while (!code && has_room && next > 0 &&
                 (lines->number == last + 1 || is_heading));
        if (!code && next < 0) code = CLI_FAILURE;
        if (!code) code = add_paragraph(self, &text, begin);
        wire_release(&text);
    }
    lines->n_blank = 0; /* they had a meaning */
    return code;
}

static int read_whole(reader *self)
{
    int code = read_rest(self);
    self->lines.n_blank = 0;
    if (code || !self->lines.line) return code;
    return add(self, self->lines.line, self->lines.bytes, 0, (wire_id){0});
}

/* ---- Tables ---- */

enum { NO_COLUMN = -1 };

static int find_column(const cli_table *table, const cli_fields *fields,
                       cli_field field)
{
    const char *names[CLI_FIELD_NAMES_MAX];
    size_t n = cli_field_names(fields, field, names);
    for (size_t i = 0; i < n; i++) {
        for (size_t c = 0; c < table->n_cells; c++) {
            const cli_cell *cell = &table->cells[c];
            if (cell->bytes == strlen(names[i]) &&
                strncasecmp(cell->text, names[i], cell->bytes) == 0)
                return (int)c;
        }
    }
    return NO_COLUMN;
}

typedef struct columns {
    int text, title, id;
    size_t n; /* cells of the first row */
    int has_header;
} columns;

/* Which column is what, from the first row.  A table of one column needs no name for
 * it; "id TAB text" needs no header. */
static int find_columns(reader *self, const cli_table *table, columns *out)
{
    const cli_fields *fields = &self->input->fields;
    *out = (columns){.text = find_column(table, fields, CLI_FIELD_TEXT),
                     .title = find_column(table, fields, CLI_FIELD_TITLE),
                     .id = find_column(table, fields, CLI_FIELD_ID),
                     .n = table->n_cells,
                     .has_header = 1};
    if (out->text != NO_COLUMN) return CLI_SUCCESS;
    if (table->separator == '\t' && table->n_cells == 2 && !fields->text) {
        *out = (columns){.text = 1, .title = NO_COLUMN, .id = 0, .n = 2};
        return CLI_SUCCESS;
    }
    if (table->n_cells == 1 && !fields->text) {
        out->text = 0;
        return CLI_SUCCESS;
    }
    char list[200] = "";
    size_t used = 0;
    for (size_t c = 0; c < table->n_cells && used < sizeof list; c++)
        used += (size_t)snprintf(list + used, sizeof list - used, "%s\"%.*s\"",
                                 c ? ", " : "", (int)table->cells[c].bytes,
                                 table->cells[c].text);
    return cli_fail("%s: no column \"%s\" among %s; --field text=NAME tells which it "
                    "is",
                    self->lines.name, fields->text ? fields->text : "text", list);
}

static int add_row(reader *self, const cli_table *table, const columns *where)
{
    static const cli_cell empty = {(char *)(uintptr_t) "", 0};
    const cli_cell *text = &empty, *title = &empty, *id = &empty;
    int n = (int)table->n_cells;
    if (table->n_cells > where->n)
        return cli_fail("%s, line %zu: %zu cells, but the first line has %zu",
                        self->lines.name, table->line, table->n_cells, where->n);
    if (where->text < n) text = &table->cells[where->text];
    if (where->title != NO_COLUMN && where->title < n)
        title = &table->cells[where->title];
    if (where->id != NO_COLUMN && where->id < n) id = &table->cells[where->id];
    wire_id own = {id->bytes ? id->text : NULL, id->bytes, 0};
    wire_buffer joined = {0};
    wire_put(&joined, title->text, title->bytes);
    if (title->bytes && text->bytes) wire_put(&joined, " ", 1);
    wire_put(&joined, text->text, text->bytes);
    int code = joined.has_failed ? cli_fail_memory("reading")
                                 : add(self, joined.data ? joined.data : "",
                                       joined.bytes, table->line, own);
    wire_release(&joined);
    return code;
}

static int read_table(reader *self, char separator)
{
    cli_lines *lines = &self->lines;
    const char *problem = NULL;
    size_t before = lines->number - 1;
    int code = read_rest(self);
    if (code || !lines->line) return code;
    cli_table table;
    columns where;
    cli_table_init(&table, lines->line, lines->bytes, separator);
    table.next_line += before;
    int next = cli_table_next(&table, &problem);
    if (next > 0) code = find_columns(self, &table, &where);
    if (!code && next > 0 && where.has_header) next = cli_table_next(&table, &problem);
    while (!code && next > 0) {
        code = add_row(self, &table, &where);
        if (!code) next = cli_table_next(&table, &problem);
    }
    if (!code && next < 0)
        code = cli_fail("%s, line %zu: %s", lines->name, table.line, problem);
    cli_table_release(&table);
    return code;
}

/* ---- Which format ---- */

static int has_ending(const char *name, const char *const *endings)
{
    const char *dot = strrchr(name, '.');
    for (; dot && *endings; endings++) {
        if (strcasecmp(dot + 1, *endings) == 0) return 1;
    }
    return 0;
}

static cli_format format_of_name(const char *name)
{
    static const char *const jsonl[] = {"jsonl", "ndjson", NULL};
    static const char *const json[] = {"json", NULL};
    static const char *const csv[] = {"csv", NULL};
    static const char *const tsv[] = {"tsv", "tab", NULL};
    static const char *const prose[] = {"md", "markdown", "rst", "org", "adoc", NULL};
    if (has_ending(name, jsonl)) return CLI_FORMAT_JSONL;
    if (has_ending(name, json)) return CLI_FORMAT_JSON;
    if (has_ending(name, csv)) return CLI_FORMAT_CSV;
    if (has_ending(name, tsv)) return CLI_FORMAT_TSV;
    if (has_ending(name, prose)) return CLI_FORMAT_PARAGRAPHS;
    return CLI_FORMAT_AUTO;
}

/* The first character after a bracket that is not white space; 0: none. */
static char after_bracket(const cli_lines *lines)
{
    size_t i = strspn(lines->line, " \t") + 1;
    for (; i < lines->bytes; i++) {
        if (lines->line[i] != ' ' && lines->line[i] != '\t') return lines->line[i];
    }
    return 0;
}

/* By the first line: text begins with brackets too, but then seldom goes on as JSON. */
static cli_format format_of_line(const cli_lines *lines)
{
    char first = lines->line[strspn(lines->line, " \t")];
    char second = first == '{' || first == '[' ? after_bracket(lines) : 0;
    json_error_t error;
    int is_repaired = 0;
    if (first == '"') {
        json_t *value = cli_json_parse(lines->line, lines->bytes, &is_repaired, &error);
        int is_string = json_is_string(value);
        json_decref(value);
        return is_string ? CLI_FORMAT_JSONL : CLI_FORMAT_LINES;
    }
    if (first == '{' && second == 0) return CLI_FORMAT_JSON;
    if (first == '{' && (second == '"' || second == '}')) {
        json_t *value = cli_json_parse(lines->line, lines->bytes, &is_repaired, &error);
        int is_over_lines =
            !value && json_error_code(&error) == json_error_premature_end_of_input;
        json_decref(value);
        return is_over_lines ? CLI_FORMAT_JSON : CLI_FORMAT_JSONL;
    }
    if (first == '[' && (!second || strchr("\"{[]", second))) return CLI_FORMAT_JSON;
    return CLI_FORMAT_LINES;
}

/* A file that is called a table and begins as JSON does is JSON. */
static cli_format check_table(const reader *self, cli_format format)
{
    if (self->input->format != CLI_FORMAT_AUTO ||
        (format != CLI_FORMAT_CSV && format != CLI_FORMAT_TSV))
        return format;
    const cli_lines *lines = &self->lines;
    char first = lines->line[strspn(lines->line, " \t")];
    cli_format held = first == '{' || first == '[' ? format_of_line(lines) : format;
    if (held != CLI_FORMAT_JSONL && held != CLI_FORMAT_JSON) return format;
    cli_note("%s begins as JSON, and is read so; --format csv reads it as a table",
             lines->name);
    return held;
}

static int read_as(reader *self, cli_format format)
{
    switch (format) {
    case CLI_FORMAT_JSONL: return read_json_lines(self);
    case CLI_FORMAT_JSON: return read_json(self);
    case CLI_FORMAT_CSV: return read_table(self, 0);
    case CLI_FORMAT_TSV: return read_table(self, '\t');
    case CLI_FORMAT_PARAGRAPHS: return read_paragraphs(self);
    case CLI_FORMAT_FILES: return read_whole(self);
    case CLI_FORMAT_AUTO:
    case CLI_FORMAT_LINES:
    case CLI_FORMAT_NUL: break;
    }
    return read_lines(self);
}

/* ---- Files and folders ---- */

static int read_file(reader *self, const char *path)
{
    cli_format format = self->input->format;
    int code = cli_lines_open(&self->lines, path);
    if (code) return code;
    if (format == CLI_FORMAT_NUL) self->lines.separator = 0;
    if (format == CLI_FORMAT_AUTO && path) format = format_of_name(path);
    self->lines.tally = &self->documents->tally;
    int next = 0;
    code = next_line(self, &next);
    if (!code && next > 0 && format == CLI_FORMAT_AUTO) {
        format = format_of_line(&self->lines);
        /* Prose, of which a line alone says little. */
        if (format == CLI_FORMAT_LINES && self->is_in_folder)
            format = CLI_FORMAT_PARAGRAPHS;
    }
    if (!code && next > 0) code = read_as(self, check_table(self, format));
    if (next < 0) code = CLI_FAILURE;
    if (!code) {
        self->n_read++;
        cli_lines_report(&self->lines);
    }
    cli_lines_close(&self->lines);
    return code;
}

static int is_visible(const struct dirent *entry)
{
    return entry->d_name[0] != '.';
}

static int read_path(reader *self, const char *path, size_t depth);

/* A file that cannot be read as documents does not cost those of the others. */
static int read_folder(reader *self, const char *path, size_t depth)
{
    struct dirent **entries = NULL;
    if (depth == DEPTH_MAX)
        return cli_fail("%s: folders go deeper than %d", path, DEPTH_MAX);
    int n = scandir(path, &entries, is_visible, alphasort), code = CLI_SUCCESS;
    if (n < 0) return cli_fail("cannot read the folder %s", path);
    self->is_in_folder++;
    for (int i = 0; i < n; i++) {
        size_t capacity = strlen(path) + strlen(entries[i]->d_name) + 2;
        char *inner = malloc(capacity);
        struct stat found;
        if (!inner) {
            code = cli_fail_memory("reading");
        } else {
            int has_slash = path[0] && path[strlen(path) - 1] == '/';
            snprintf(inner, capacity, "%s%s%s", path, has_slash ? "" : "/",
                     entries[i]->d_name);
            int is_named = lstat(inner, &found) == 0;
            int is_link = is_named && S_ISLNK(found.st_mode);
            int is_there = stat(inner, &found) == 0;
            if (is_named && !is_there) { /* what is gone meanwhile is no loss */
                cli_note("cannot read %s: %s", inner, strerror(errno));
                self->n_refused++;
            }
            int is_wanted = is_there && (S_ISREG(found.st_mode) ||
                                         (S_ISDIR(found.st_mode) && !is_link));
            size_t before = self->documents->n;
            if (!code && is_wanted && read_path(self, inner, depth + 1)) {
                cli_documents_cut(self->documents, before); /* half a file is none */
                self->n_refused++;
            }
        }
        free(inner);
        free(entries[i]);
    }
    free(entries);
    self->is_in_folder--;
    return code;
}

static int read_path(reader *self, const char *path, size_t depth)
{
    struct stat found;
    int is_standard_input = !path || strcmp(path, "-") == 0;
    int is_folder =
        !is_standard_input && stat(path, &found) == 0 && S_ISDIR(found.st_mode);
    if (!is_folder) return read_file(self, path);
    if (self->input->is_recursive) return read_folder(self, path, depth);
    return cli_fail("%s is a folder; -r reads the files in it", path);
}

int cli_documents_read(cli_documents *documents, const cli_input *input)
{
    reader self = {.documents = documents, .input = input};
    const char *name = input->n_paths == 1 && strcmp(input->paths[0], "-") != 0
                           ? input->paths[0]
                       : input->n_paths > 1 ? "the files given"
                                            : "standard input";
    int code = input->n_paths ? CLI_SUCCESS : read_path(&self, NULL, 0);
    for (size_t i = 0; !code && i < input->n_paths; i++)
        code = read_path(&self, input->paths[i], 0);
    if (self.n_refused)
        cli_note("%zu file%s passed over, %zu read", self.n_refused,
                 self.n_refused == 1 ? "" : "s", self.n_read);
    if (documents->is_counted && (!code || documents->tally.is_endless))
        return cli_tally_refuse(&documents->tally, name);
    if (!code && documents->n == 0) code = cli_fail("no documents in %s", name);
    return code;
}
