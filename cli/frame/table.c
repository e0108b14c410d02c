/* table.c - comma- and tab-separated values, as spreadsheets write them. */
#include "frame/table.h"

#include <stdlib.h>
#include <string.h>

static char guess_separator(const char *text, size_t bytes)
{
    static const char separators[] = ",;\t|";
    size_t counts[4] = {0}, best = 0;
    for (size_t i = 0; i < bytes && text[i] != '\n'; i++) {
        const char *found = text[i] ? strchr(separators, text[i]) : NULL;
        if (found) counts[found - separators]++;
    }
    for (size_t i = 1; i < 4; i++) {
        if (counts[i] > counts[best]) best = i;
    }
    return separators[best];
}

void cli_table_init(cli_table *table, char *text, size_t bytes, char separator)
{
    /* a first line that says it, for spreadsheets */
    static const char said[] = "sep=";
    size_t at = sizeof said - 1, end;
    int is_said = !separator && bytes > at + 1 && memcmp(text, said, at) == 0 &&
                  (text[at + 1] == '\n' || text[at + 1] == '\r');
    if (is_said) separator = text[at];
    for (end = at; is_said && end < bytes && text[end] != '\n';)
        end++;
    *table =
        (cli_table){.text = text,
                    .bytes = bytes,
                    .separator = separator ? separator : guess_separator(text, bytes),
                    .at = is_said ? end + (end < bytes) : 0,
                    .next_line = is_said ? 2 : 1};
}

static int reserve(cli_table *table)
{
    if (table->n_cells < table->capacity) return 1;
    size_t capacity = table->capacity ? table->capacity * 2 : 16;
    cli_cell *cells = realloc(table->cells, capacity * sizeof *cells);
    if (!cells) return 0;
    table->cells = cells;
    table->capacity = capacity;
    return 1;
}

/* The end of a cell that is quoted; `cell` gets what is between the quotes. */
static const char *read_quoted(cli_table *table, cli_cell *cell)
{
    char *out = table->text + ++table->at;
    *cell = (cli_cell){out, 0};
    for (; table->at < table->bytes; table->at++) {
        char c = table->text[table->at];
        if (c == '"') {
            int is_doubled =
                table->at + 1 < table->bytes && table->text[table->at + 1] == '"';
            if (!is_doubled) break;
            table->at++;
        }
        table->next_line += c == '\n';
        *out++ = c;
    }
    if (table->at == table->bytes) return "a quote is not closed";
    table->at++;
    cell->bytes = (size_t)(out - cell->text);
    return NULL;
}

static int is_end(const cli_table *table, size_t at)
{
    return at >= table->bytes || table->text[at] == table->separator ||
           table->text[at] == '\n' ||
           (table->text[at] == '\r' &&
            (at + 1 == table->bytes || table->text[at + 1] == '\n'));
}

/* Whether the quote at the start of a cell is closed at its end.  Many programs write
 * tab-separated values without any quoting, where a text that begins with a quote is
 * just that: then none follows at a cell's end, or not before lines that have cells of
 * their own. Between commas a quote that is not closed is a damaged file. */
static int is_quoted(const cli_table *table)
{
    int has_lines = 0, has_tabs = 0;
    if (table->separator != '\t') return 1;
    for (size_t at = table->at + 1; at < table->bytes; at++) {
        char c = table->text[at];
        has_lines |= c == '\n';
        has_tabs |= c == '\t';
        if (has_lines && has_tabs) return 0;
        if (c != '"') continue;
        if (is_end(table, at + 1)) return 1;
        if (table->text[at + 1] != '"') return 0;
        at++;
    }
    return 0;
}

static const char *read_cell(cli_table *table, cli_cell *cell)
{
    if (table->at < table->bytes && table->text[table->at] == '"' && is_quoted(table)) {
        const char *problem = read_quoted(table, cell);
        if (problem) return problem;
        if (!is_end(table, table->at)) return "text after a closing quote";
        return NULL;
    }
    size_t begin = table->at;
    while (!is_end(table, table->at))
        table->at++;
    *cell = (cli_cell){table->text + begin, table->at - begin};
    return NULL;
}

static int is_blank(const cli_table *table)
{
    for (size_t i = 0; i < table->n_cells; i++) {
        const cli_cell *cell = &table->cells[i];
        for (size_t b = 0; b < cell->bytes; b++) {
            if (cell->text[b] != ' ' && cell->text[b] != '\t') return 0;
        }
    }
    return 1;
}

int cli_table_next(cli_table *table, const char **problem)
{
    while (table->at < table->bytes) {
        int has_more = 1;
        table->n_cells = 0;
        table->line = table->next_line;
        while (has_more) {
            *problem = "out of memory";
            if (!reserve(table)) return -1;
            *problem = read_cell(table, &table->cells[table->n_cells]);
            if (*problem) return -1;
            table->n_cells++;
            has_more =
                table->at < table->bytes && table->text[table->at] == table->separator;
            table->at += has_more != 0;
        }
        if (table->at < table->bytes && table->text[table->at] == '\r') table->at++;
        if (table->at < table->bytes) table->at++;
        table->next_line++;
        if (!is_blank(table)) return 1;
    }
    return 0;
}

void cli_table_release(cli_table *table)
{
    free(table->cells);
    *table = (cli_table){0};
}
