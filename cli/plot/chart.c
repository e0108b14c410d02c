/* chart.c - a trace as a picture: the scores of the documents by layer, as SVG. */
#include "plot/chart.h"

#include "frame/cli.h"
#include "frame/ids.h"
#include "frame/text.h"

#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

/* Of the picture, in its own units; pixels when it is not scaled. */
enum {
    WIDTH = 960,
    HEIGHT = 560,
    LEFT = 66, /* edges of the plot area */
    RIGHT = 706,
    TOP = 108,
    BOTTOM = 504,
    LIST_LEFT = 730, /* the list of the best */
    LIST_STEP = 20,
    LIST_LINES = 20,
    LIST_COLUMNS = 27,
    TITLE_COLUMNS = 70,
    TOOLTIP_COLUMNS = 90
};

/* What became of a document. */
typedef enum outcome {
    SELECTED, /* before the last layer */
    REACHED,  /* one of the K best after the last layer */
    MISSED,   /* finished, and not one of them */
    DROPPED,
    N_OUTCOMES
} outcome;

static const char *const outcome_classes[N_OUTCOMES] = {"s", "r", "m", "d"};

typedef struct chart {
    FILE *file;
    const cli_traced_query *query;
    int by_rank;
    double *values; /* [n_steps][n_documents] what is drawn; NaN: nothing */
    double x_low, x_high;
    double y_low, y_high; /* at the bottom and at the top */
    double *ends; /* [n_drawn][2] where the markers of winners are; 0, 0: none */
} chart;

/* Lines of the best: three for each that was wanted show who competed, and more would
 * only be a haze. */
static size_t n_drawn(const cli_traced_query *query)
{
    size_t n = query->n_documents;
    return query->k && query->k < n / 3 ? 3 * query->k : n;
}

static outcome outcome_of(const cli_traced_query *query, size_t document)
{
    switch (query->documents[document].state) {
    case GRT_STATE_SELECTED: return SELECTED;
    case GRT_STATE_DROPPED: return DROPPED;
    case GRT_STATE_FINISHED:
    case GRT_STATE_ACTIVE: break;
    }
    return document < query->k ? REACHED : MISSED;
}

static double value_at(const chart *plot, size_t step, size_t document)
{
    return plot->values[step * plot->query->n_documents + document];
}

/* ---- Values and scales ---- */

typedef struct ranked_score {
    double score;
    size_t index; /* in the request: decides between equal scores */
    size_t document;
} ranked_score;

static int compare_scores(const void *left, const void *right)
{
    const ranked_score *a = left, *b = right;
    if (a->score > b->score || a->score < b->score) return a->score < b->score ? 1 : -1;
    return a->index < b->index ? -1 : 1;
}

/* The ranks after a step; who was selected before it stands above. */
static void rank_step(const cli_traced_query *query, size_t step, ranked_score *scratch,
                      double *values)
{
    size_t n = 0, n_above = 0;
    for (size_t d = 0; d < query->n_documents; d++) {
        const cli_traced_document *document = &query->documents[d];
        double score = query->scores[step * query->n_documents + d];
        n_above += document->state == GRT_STATE_SELECTED &&
                   document->decided_at_layer < query->layers[step];
        values[d] = (double)NAN;
        if (isfinite(score)) scratch[n++] = (ranked_score){score, document->index, d};
    }
    qsort(scratch, n, sizeof *scratch, compare_scores);
    for (size_t i = 0; i < n; i++)
        values[scratch[i].document] = (double)(n_above + i + 1);
}

static int fill_values(chart *plot)
{
    const cli_traced_query *query = plot->query;
    size_t n = query->n_steps * query->n_documents;
    ranked_score *scratch = malloc(query->n_documents * sizeof *scratch);
    plot->values = malloc(n * sizeof *plot->values);
    plot->ends = calloc(n_drawn(query), 2 * sizeof *plot->ends);
    if (!scratch || !plot->values || !plot->ends) {
        free(scratch);
        return cli_fail("out of memory");
    }
    memcpy(plot->values, query->scores, n * sizeof *plot->values);
    for (size_t step = 0; step < query->n_steps && plot->by_rank; step++)
        rank_step(query, step, scratch, plot->values + step * query->n_documents);
    free(scratch);
    return CLI_SUCCESS;
}

/* The lowest rank that a line comes to. */
static size_t lowest_rank(const chart *plot)
{
    const cli_traced_query *query = plot->query;
    double lowest = (double)n_drawn(query);
    for (size_t i = 0; i < query->n_steps * query->n_documents; i++) {
        if (i % query->n_documents < n_drawn(query))
            lowest = fmax(lowest, plot->values[i]);
    }
    return (size_t)lowest;
}

static void fit_scales(chart *plot)
{
    const cli_traced_query *query = plot->query;
    double n_layers = (double)query->n_layers, edge = 0.02 * n_layers;
    plot->x_low = query->n_layers > 1 ? 1 - edge : 0;
    plot->x_high = query->n_layers > 1 ? n_layers + edge : 2;
    if (plot->by_rank) {
        plot->y_low = (double)lowest_rank(plot) + 0.5;
        plot->y_high = 0.5;
        return;
    }
    double low = HUGE_VAL, high = -HUGE_VAL;
    for (size_t i = 0; i < query->n_steps * query->n_documents; i++) {
        if (i % query->n_documents >= n_drawn(query)) continue;
        low = fmin(low, plot->values[i]); /* passes over NaN */
        high = fmax(high, plot->values[i]);
    }
    if (!(low <= high)) low = high = 0;
    double room = (high - low) * 0.05;
    if (room <= fabs(high) * 1e-9 + 1e-30)
        room = fmax(1, fabs(high) * 0.1); /* all equal */
    plot->y_low = low - room;
    plot->y_high = high + room;
}

static double x_at(const chart *plot, double layer)
{
    double part = (layer - plot->x_low) / (plot->x_high - plot->x_low);
    return LEFT + part * (RIGHT - LEFT);
}

static double y_at(const chart *plot, double value)
{
    double part = (value - plot->y_low) / (plot->y_high - plot->y_low);
    return BOTTOM - part * (BOTTOM - TOP);
}

/* The smallest of 1, 2, 5, 10, 20, ... that is at least `rough`; so are its fractions,
 * above `least`. */
static double nice_step(double rough, double least)
{
    double power = pow(10, floor(log10(rough)));
    double step = 10 * power;
    if (rough <= 5 * power * 1.0000001) step = 5 * power;
    if (rough <= 2 * power * 1.0000001) step = 2 * power;
    if (rough <= power * 1.0000001) step = power;
    return fmax(step, least);
}

/* ---- Pieces of SVG ---- */

static void put_style(FILE *file)
{
    fputs("<style>\n"
          "text { font-family: system-ui, -apple-system, \"Segoe UI\", Roboto, "
          "\"DejaVu Sans\", sans-serif; font-size: 12px; fill: #1f2328 }\n"
          ".title { font-size: 18px; font-weight: 600 }\n"
          ".muted { fill: #59636e }\n"
          ".page { fill: #ffffff }\n"
          ".grid { stroke: #e4e7eb; stroke-width: 1 }\n"
          ".axis { stroke: #8c959f; stroke-width: 1 }\n"
          ".limit { stroke: #59636e; stroke-width: 1; stroke-dasharray: 5 4 }\n"
          ".saved { fill: #59636e; fill-opacity: 0.08 }\n"
          ".s { color: #0072b2 }\n"
          ".r { color: #009e73 }\n"
          ".m { color: #8a929b }\n"
          ".d { color: #d55e00 }\n"
          ".line { fill: none; stroke: currentColor; stroke-linejoin: round; "
          "stroke-linecap: round }\n"
          ".s .line, .r .line { stroke-width: 2 }\n"
          ".m .line, .d .line { stroke-width: 1.2; stroke-opacity: 0.55 }\n"
          ".many .m .line, .many .d .line { stroke-width: 1; stroke-opacity: 0.25 }\n"
          ".full { fill: currentColor }\n"
          ".open { fill: none; stroke: currentColor; stroke-width: 1.6 }\n"
          "g:hover > .line { stroke-width: 3.5; stroke-opacity: 1 }\n"
          "@media (prefers-color-scheme: dark) {\n"
          "text { fill: #e6edf3 }\n"
          ".muted { fill: #9198a1 }\n"
          ".page { fill: #0d1117 }\n"
          ".grid { stroke: #262c34 }\n"
          ".axis { stroke: #6e7681 }\n"
          ".limit { stroke: #9198a1 }\n"
          ".saved { fill: #9198a1; fill-opacity: 0.12 }\n"
          ".s { color: #56b4e9 }\n"
          ".r { color: #2bc79a }\n"
          ".m { color: #7d8590 }\n"
          ".d { color: #e69f00 }\n"
          "}\n"
          "</style>\n",
          file);
}

static void put_marker(FILE *file, outcome kind, double x, double y)
{
    switch (kind) {
    case SELECTED:
        fprintf(file, "<circle class=\"full\" cx=\"%.1f\" cy=\"%.1f\" r=\"4.5\"/>", x,
                y);
        break;
    case REACHED:
        fprintf(file,
                "<path class=\"full\" d=\"M%.1f %.1fl5.2 5.2l-5.2 5.2l-5.2 -5.2z\"/>",
                x, y - 5.2);
        break;
    case MISSED:
        fprintf(file, "<circle class=\"open\" cx=\"%.1f\" cy=\"%.1f\" r=\"3\"/>", x, y);
        break;
    case DROPPED:
    case N_OUTCOMES:
        fprintf(file, "<path class=\"open\" d=\"M%.1f %.1fl6.4 6.4m0 -6.4l-6.4 6.4\"/>",
                x - 3.2, y - 3.2);
        break;
    }
}

/* A vertical line of the grid with its number. */
static void put_x_tick(const chart *plot, size_t layer)
{
    double x = x_at(plot, (double)layer);
    fprintf(plot->file,
            "<path class=\"grid\" d=\"M%.1f %dV%d\"/>"
            "<text class=\"muted\" x=\"%.1f\" y=\"%d\" text-anchor=\"middle\">%zu"
            "</text>\n",
            x, TOP, BOTTOM, x, BOTTOM + 18, layer);
}

static void put_y_tick(const chart *plot, double value, int decimals)
{
    double y = y_at(plot, value);
    fprintf(plot->file,
            "<path class=\"grid\" d=\"M%d %.1fH%d\"/>"
            "<text class=\"muted\" x=\"%d\" y=\"%.1f\" text-anchor=\"end\">",
            LEFT, y, RIGHT, LEFT - 8, y + 4);
    if (decimals >= 0)
        fprintf(plot->file, "%.*f", decimals, value);
    else
        fprintf(plot->file, "%g", value);
    fputs("</text>\n", plot->file);
}

/* ---- Axes ---- */

static void put_score_ticks(const chart *plot)
{
    enum { WANTED = 7, DECIMALS_MAX = 5 };
    double step = nice_step((plot->y_high - plot->y_low) / WANTED, 0);
    int decimals = step < 1 ? (int)ceil(-log10(step) - 1e-9) : 0;
    if (decimals > DECIMALS_MAX || step >= 1e6) decimals = -1;
    double first = ceil(plot->y_low / step), last = floor(plot->y_high / step);
    for (double i = first; i <= last && i < first + 2 * WANTED; i++)
        put_y_tick(plot, i * step + 0.0, decimals); /* + 0: never "-0" */
}

static void put_rank_ticks(const chart *plot)
{
    enum { WANTED = 9 };
    double n = (double)lowest_rank(plot);
    double step = nice_step(n / WANTED, 1);
    put_y_tick(plot, 1, 0);
    for (double rank = step > 1 ? step : 2; rank <= n; rank += step)
        put_y_tick(plot, rank, 0);
}

static void put_limit(const chart *plot)
{
    const cli_traced_query *query = plot->query;
    if (!plot->by_rank || query->k >= query->n_documents) return;
    double y = y_at(plot, (double)query->k + 0.5);
    fprintf(plot->file,
            "<path class=\"limit\" d=\"M%d %.1fH%d\"/>"
            "<text class=\"muted\" x=\"%d\" y=\"%.1f\">K</text>\n",
            LEFT, y, RIGHT, RIGHT + 5, y + 4);
}

/* The layers that nobody had to compute. */
static void put_saved(const chart *plot)
{
    const cli_traced_query *query = plot->query;
    size_t last = query->n_steps ? query->layers[query->n_steps - 1] : 0;
    if (!last || last >= query->n_layers) return;
    double x = x_at(plot, (double)last);
    fprintf(plot->file,
            "<rect class=\"saved\" x=\"%.1f\" y=\"%d\" width=\"%.1f\" height=\"%d\"/>"
            "<text class=\"muted\" x=\"%.1f\" y=\"%d\" text-anchor=\"middle\">"
            "%zu layer%s saved</text>\n",
            x, TOP, RIGHT - x, BOTTOM - TOP, (x + RIGHT) / 2, BOTTOM - 8,
            query->n_layers - last, query->n_layers - last == 1 ? "" : "s");
}

static void put_axes(const chart *plot)
{
    enum { WANTED = 13 };
    size_t n_layers = plot->query->n_layers;
    put_saved(plot);
    size_t step = (size_t)nice_step((double)n_layers / WANTED, 1);
    put_x_tick(plot, 1);
    for (size_t layer = step > 1 ? step : 2; layer < n_layers; layer += step) {
        /* The last layer has its number; one right before it would touch it. */
        if (n_layers - layer > step / 2) put_x_tick(plot, layer);
    }
    if (n_layers > 1) put_x_tick(plot, n_layers);
    if (plot->by_rank)
        put_rank_ticks(plot);
    else
        put_score_ticks(plot);
    put_limit(plot);
    fprintf(plot->file, "<path class=\"axis\" fill=\"none\" d=\"M%d %dV%dH%d\"/>\n",
            LEFT, TOP, BOTTOM, RIGHT);
    fprintf(plot->file,
            "<text x=\"%d\" y=\"%d\" text-anchor=\"middle\">layers computed</text>\n"
            "<text transform=\"translate(18 %d) rotate(-90)\" text-anchor=\"middle\">%s"
            "</text>\n",
            (LEFT + RIGHT) / 2, BOTTOM + 40, (TOP + BOTTOM) / 2,
            plot->by_rank ? "rank" : "score (logit)");
}

/* ---- Documents ---- */

static void put_tooltip(const chart *plot, size_t d)
{
    const cli_traced_document *document = &plot->query->documents[d];
    FILE *file = plot->file;
    fprintf(file, "<title>%zu. ", document->rank);
    if (json_is_string(document->id)) {
        cli_text_xml(file, json_string_value(document->id),
                     json_string_length(document->id), TOOLTIP_COLUMNS);
        fputs(": ", file);
    } else if (document->id) {
        fprintf(file, "%s: ", cli_id_number(document->id).text);
    }
    cli_text_xml(file, document->text, strlen(document->text), TOOLTIP_COLUMNS);
    fprintf(file, "\n%s after layer %zu", grt_state_text(document->state),
            document->decided_at_layer);
    if (isfinite(document->logit)) fprintf(file, ", logit %.4g", document->logit);
    fputs("</title>", file);
}

/* Moves a winner's marker to the right until it covers no other's. */
static double free_place(const chart *plot, size_t d, double x, double y)
{
    enum { APART = 10, MOST = 5 }; /* more would leave the picture */
    int moves = 0;
    for (size_t other = 0; other < n_drawn(plot->query) && moves < MOST; other++) {
        const double *end = &plot->ends[2 * other];
        if (!(end[0] > 0) || fabs(end[1] - y) >= APART || fabs(end[0] - x) >= APART)
            continue;
        x = end[0] + APART;
        moves++;
        other = SIZE_MAX; /* from the first one again: x has grown */
    }
    plot->ends[2 * d] = x;
    plot->ends[2 * d + 1] = y;
    return x;
}

static void put_document(const chart *plot, size_t d)
{
    const cli_traced_query *query = plot->query;
    outcome kind = outcome_of(query, d);
    FILE *file = plot->file;
    double x = 0, y = (double)NAN;
    int is_joined = 0; /* a point precedes without a gap */
    fprintf(file, "<g class=\"%s\">", outcome_classes[kind]);
    put_tooltip(plot, d);
    fputs("<path class=\"line\" d=\"", file);
    for (size_t step = 0; step < query->n_steps; step++) {
        double value = value_at(plot, step, d);
        if (!isfinite(value)) {
            is_joined = 0;
            continue;
        }
        x = x_at(plot, (double)query->layers[step]);
        y = y_at(plot, value);
        /* "h0" makes a point without neighbours visible. */
        fprintf(file, is_joined ? "L%.1f %.1f" : "M%.1f %.1fh0", x, y);
        is_joined = 1;
    }
    if (isfinite(y) && (kind == SELECTED || kind == REACHED)) {
        double place = free_place(plot, d, x, y);
        if (place > x) fprintf(file, "H%.1f", place);
        x = place;
    }
    fputs("\"/>", file);
    if (isfinite(y)) put_marker(file, kind, x, y);
    fputs("</g>\n", file);
}

/* The best come last and lie on top. */
static void put_documents(const chart *plot)
{
    enum { MANY = 40 };
    size_t n = n_drawn(plot->query);
    fprintf(plot->file, "<g class=\"%s\">\n", n > MANY ? "many" : "few");
    for (size_t d = n; d-- > 0;)
        put_document(plot, d);
    fputs("</g>\n", plot->file);
}

/* ---- Words around the plot ---- */

static void put_heading(const chart *plot)
{
    const cli_traced_query *query = plot->query;
    FILE *file = plot->file;
    fprintf(file, "<text class=\"title\" x=\"%d\" y=\"32\">", LEFT);
    cli_text_xml(file, query->query, strlen(query->query), TITLE_COLUMNS);
    const char *model = strrchr(query->model, '/');
    model = model && model[1] ? model + 1 : query->model;
    fprintf(file, "</text>\n<text class=\"muted\" x=\"%d\" y=\"54\">", LEFT);
    cli_text_xml(file, model, strlen(model), TITLE_COLUMNS / 2);
    fputs(" &#183; policy ", file);
    cli_text_xml(file, query->policy, strlen(query->policy), TITLE_COLUMNS / 4);
    if (query->precision > 0) fprintf(file, ", precision %g", query->precision);
    fprintf(file, " &#183; K = %zu of %zu document%s &#183; %zu layer%s", query->k,
            query->n_documents, query->n_documents == 1 ? "" : "s", query->n_layers,
            query->n_layers == 1 ? "" : "s");
    /* What was computed of the full pass: each document up to its layer. */
    double computed = 0;
    for (size_t d = 0; d < query->n_documents; d++)
        computed += (double)query->documents[d].decided_at_layer;
    fprintf(file, " &#183; %.0f %% computed",
            100 * computed / ((double)query->n_documents * (double)query->n_layers));
    if (n_drawn(query) < query->n_documents)
        fprintf(file, " &#183; lines of the best %zu", n_drawn(query));
    fputs("</text>\n", file);
}

static void put_legend(const chart *plot)
{
    static const char *const words[N_OUTCOMES] = {
        "selected early", "finished in the top K", "finished below", "dropped"};
    enum { GAP = 34, COLUMN = 7, Y = 82 };
    size_t counts[N_OUTCOMES] = {0};
    for (size_t d = 0; d < plot->query->n_documents; d++)
        counts[outcome_of(plot->query, d)]++;
    double x = LEFT + 5;
    for (int kind = 0; kind < N_OUTCOMES; kind++) {
        if (counts[kind] == 0) continue;
        char text[64];
        int length = snprintf(text, sizeof text, "%s (%zu)", words[kind], counts[kind]);
        fprintf(plot->file, "<g class=\"%s\">", outcome_classes[kind]);
        put_marker(plot->file, (outcome)kind, x, Y);
        fprintf(plot->file, "<text x=\"%.1f\" y=\"%d\">%s</text></g>\n", x + 11, Y + 4,
                text);
        x += GAP + COLUMN * length;
    }
}

/* The id, and of the text what there is room for. */
static void put_name(FILE *file, const cli_traced_document *document)
{
    enum { ID_COLUMNS = 14 };
    cli_id_text storage;
    wire_id id = cli_id(document->id, &storage);
    size_t used = cli_text_columns(id.text, id.bytes);
    if (id.bytes) {
        if (used > ID_COLUMNS) used = ID_COLUMNS;
        fputs("<tspan class=\"muted\">", file);
        cli_text_xml(file, id.text, id.bytes, ID_COLUMNS);
        fputs("</tspan> ", file);
        used++;
    }
    cli_text_xml(file, document->text, strlen(document->text), LIST_COLUMNS - used);
}

static void put_best(const chart *plot)
{
    const cli_traced_query *query = plot->query;
    FILE *file = plot->file;
    size_t n = query->k <= LIST_LINES ? query->k : LIST_LINES - 1;
    fprintf(file, "<text class=\"muted\" x=\"%d\" y=\"%d\">top %zu</text>\n", LIST_LEFT,
            TOP - 22, query->k);
    for (size_t d = 0; d < n; d++) {
        const cli_traced_document *document = &query->documents[d];
        int y = TOP + LIST_STEP * (int)d;
        outcome kind = outcome_of(query, d);
        fprintf(file, "<g class=\"%s\">", outcome_classes[kind]);
        put_tooltip(plot, d);
        put_marker(file, kind, LIST_LEFT + 5, y - 4);
        fprintf(file,
                "<text x=\"%d\" y=\"%d\" text-anchor=\"end\">%zu</text>"
                "<text x=\"%d\" y=\"%d\">",
                LIST_LEFT + 32, y, document->rank, LIST_LEFT + 39, y);
        put_name(file, document);
        fputs("</text></g>\n", file);
    }
    if (n < query->k)
        fprintf(file, "<text class=\"muted\" x=\"%d\" y=\"%d\">and %zu more</text>\n",
                LIST_LEFT + 39, TOP + LIST_STEP * (int)n, query->k - n);
}

static void put_chart(const chart *plot)
{
    const cli_traced_query *query = plot->query;
    fprintf(plot->file,
            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 %d %d\" "
            "width=\"%d\" height=\"%d\" role=\"img\" aria-label=\"%s by layer: ",
            WIDTH, HEIGHT, WIDTH, HEIGHT, plot->by_rank ? "Ranks" : "Scores");
    cli_text_xml(plot->file, query->query, strlen(query->query), TITLE_COLUMNS);
    fputs("\">\n", plot->file);
    put_style(plot->file);
    fprintf(plot->file, "<rect class=\"page\" width=\"%d\" height=\"%d\"/>\n", WIDTH,
            HEIGHT);
    put_heading(plot);
    put_legend(plot);
    put_axes(plot);
    put_documents(plot);
    put_best(plot);
    fputs("</svg>\n", plot->file);
}

int cli_chart_draw(FILE *file, const cli_traced_query *query, int by_rank)
{
    chart plot = {.file = file, .query = query, .by_rank = by_rank};
    int code = fill_values(&plot);
    if (!code) {
        fit_scales(&plot);
        put_chart(&plot);
    }
    free(plot.values);
    free(plot.ends);
    return code;
}
