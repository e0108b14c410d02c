/*
 * bench_svg.c - the tables of `grating bench` as bars.
 *
 * A table is one block: on the left times, on the right peak memory, a bar for each
 * row, labelled with its number.  Texts and background follow the reader's dark mode.
 */
#include "bench/bench.h"

#include <string.h>

enum {
    WIDTH = 860,
    MARGIN = 20,
    NAME_WIDTH = 200, /* the names of rows, left of both panels */
    PANEL_WIDTH = 310,
    NUMBER_WIDTH = 84, /* right of the longest bar */
    ROW_HEIGHT = 26,
    BAR_HEIGHT = 16,
    TITLE_HEIGHT = 58,
    BLOCK_GAP = 18
};

static const char style[] = "<style>\n"
                            "text { font: 13px sans-serif; fill: #222; }\n"
                            ".title { font-weight: bold; }\n"
                            ".paper { fill: #fff; }\n"
                            ".axis { stroke: #888; }\n"
                            ".time { fill: #3b78c4; }\n"
                            ".peak { fill: #c9752b; }\n"
                            "@media (prefers-color-scheme: dark) {\n"
                            "text { fill: #ddd; }\n"
                            ".paper { fill: #161b22; }\n"
                            "}\n"
                            "</style>\n";

static void put_text(FILE *file, double x, double y, const char *anchor,
                     const char *class, const char *text)
{
    fprintf(file, "<text x=\"%.0f\" y=\"%.0f\" text-anchor=\"%s\" class=\"%s\">", x, y,
            anchor, class);
    for (const char *c = text; *c; c++) {
        if (*c == '&')
            fputs("&amp;", file);
        else if (*c == '<')
            fputs("&lt;", file);
        else if ((unsigned char)*c >= 32)
            putc(*c, file);
    }
    fputs("</text>\n", file);
}

/* One quantity of all rows. */
typedef struct panel {
    const char *title;
    const char *class;
    double x, y; /* of the first bar's corner */
    double (*value)(const bench_table *table, const bench_row *row);
    int n_decimals;
} panel;

static double time_of(const bench_table *table, const bench_row *row)
{
    return bench_time_ms(table, row).median / 1000;
}

static double peak_of(const bench_table *table, const bench_row *row)
{
    return (double)bench_peak_bytes(table, row) / 1048576;
}

static double largest(const bench_table *table, const panel *self)
{
    double most = 0;
    for (size_t i = 0; i < table->n_rows; i++) {
        if (table->rows[i].is_refused) continue;
        double value = self->value(table, &table->rows[i]);
        if (value > most) most = value;
    }
    return most > 0 ? most : 1;
}

static void put_panel(FILE *file, const bench_table *table, const panel *self)
{
    double most = largest(table, self), room = PANEL_WIDTH - NUMBER_WIDTH;
    int n_decimals = self->n_decimals + (most < 10) + (most < 1);
    put_text(file, self->x, self->y - 10, "start", "label", self->title);
    for (size_t i = 0; i < table->n_rows; i++) {
        char number[64] = "refused";
        double y = self->y + (double)i * ROW_HEIGHT, width = 0;
        if (!table->rows[i].is_refused) {
            double value = self->value(table, &table->rows[i]);
            width = room * value / most;
            snprintf(number, sizeof number, "%.*f", n_decimals, value);
        }
        fprintf(file,
                "<rect class=\"%s\" x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" "
                "height=\"%d\"/>\n",
                self->class, self->x, y, width, BAR_HEIGHT);
        put_text(file, self->x + width + 6, y + 13, "start", "number", number);
    }
    double end = self->y + (double)table->n_rows * ROW_HEIGHT - 6;
    fprintf(file,
            "<line class=\"axis\" x1=\"%.1f\" y1=\"%.1f\" x2=\"%.1f\" y2=\"%.1f\"/>\n",
            self->x, self->y - 4, self->x, end);
}

static double block_height(const bench_table *table)
{
    return TITLE_HEIGHT + (double)table->n_rows * ROW_HEIGHT + BLOCK_GAP;
}

/* What the rows of the table have in common. */
static void put_title(FILE *file, const bench_table *table, const bench_job *job,
                      double y)
{
    char title[160];
    int varies[3] = {strcmp(table->name, "K") == 0,
                     strcmp(table->name, "documents") == 0,
                     strcmp(table->name, "tokens") == 0};
    char top[32] = "K", documents[32] = "N", tokens[32] = "T";
    if (!varies[0]) snprintf(top, sizeof top, "%zu", job->k);
    if (!varies[1]) snprintf(documents, sizeof documents, "%zu", job->n_documents);
    if (!varies[2]) snprintf(tokens, sizeof tokens, "%zu", job->n_tokens);
    snprintf(title, sizeof title, "By %s: top %s of %s documents of %s tokens",
             table->varying, top, documents, tokens);
    put_text(file, MARGIN, y, "start", "title", title);
}

static void put_block(FILE *file, const bench_table *table, const bench_job *job,
                      double y)
{
    double top = y + TITLE_HEIGHT, left = MARGIN + NAME_WIDTH;
    put_title(file, table, job, y + 16);
    for (size_t i = 0; i < table->n_rows; i++)
        put_text(file, left - 10, top + (double)i * ROW_HEIGHT + 13, "end", "name",
                 table->rows[i].name);
    panel time = {"time, s", "time", left, top, time_of, 1};
    panel peak = {"peak memory, MiB", "peak", left + PANEL_WIDTH, top, peak_of, 0};
    put_panel(file, table, &time);
    put_panel(file, table, &peak);
}

void bench_svg_write(FILE *file, const bench_options *options,
                     const bench_table *tables, size_t n)
{
    double height = 2 * MARGIN + ROW_HEIGHT, y = MARGIN;
    for (size_t i = 0; i < n; i++)
        height += block_height(&tables[i]);
    fprintf(file,
            "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%d\" height=\"%.0f\" "
            "viewBox=\"0 0 %d %.0f\">\n%s"
            "<rect class=\"paper\" width=\"100%%\" height=\"100%%\"/>\n",
            WIDTH, height, WIDTH, height, style);
    for (size_t i = 0; i < n; i++) {
        put_block(file, &tables[i], &options->job, y);
        y += block_height(&tables[i]);
    }
    put_text(file, MARGIN, y + 16, "start", "label", tables[0].rows[0].runs[0].model);
    fputs("</svg>\n", file);
}
