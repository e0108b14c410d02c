/* results.c - a ranking as a table, as JSON, or as tab-separated values. */
#include "rank/results.h"

#include "frame/cli.h"
#include "frame/ids.h"
#include "frame/text.h"
#include "rank/marks.h"
#include "wire/results.h"

#include <math.h>
#include <string.h>

enum { ID_COLUMNS_MAX = 24, RANK_COLUMNS = 4, TEXT_COLUMNS_MIN = 10 };

static grt_item item_at(const cli_ranking *ranking, size_t i)
{
    grt_item item = GRT_ITEM_INIT;
    (void)!grt_result_item(ranking->result, i, &item); /* i < count */
    return item;
}

static grt_stats stats_of(const cli_ranking *ranking)
{
    grt_stats stats = GRT_STATS_INIT;
    grt_result_stats(ranking->result, &stats);
    return stats;
}

static int is_truncated(const grt_item *item)
{
    return (item->flags & (GRT_FLAG_TRUNCATED | GRT_FLAG_QUERY_TRUNCATED)) != 0;
}

/* ---- JSON ---- */

static wire_id document_id(size_t index, void *payload)
{
    return cli_documents_id(payload, index);
}

/* A write error shows when standard output is flushed. */
static void print_piece(const char *data, size_t bytes, void *payload)
{
    fwrite(data, 1, bytes, payload);
}

static int print_json(const cli_ranking *ranking)
{
    const cli_documents *documents = ranking->documents;
    cli_id_text storage;
    wire_ranking wire = {
        .model = ranking->model,
        .query_number = ranking->query_number,
        .query_id = cli_id(ranking->query_id, &storage),
        .result = ranking->result,
        .k = ranking->k,
        .noted = ranking->noted,
        .documents = {.id = document_id, .payload = (void *)(uintptr_t)documents},
        .has_stats = !ranking->hides_stats,
        .plan = &ranking->plan->memory,
        .process_bytes = &ranking->plan->process_bytes};
    if (!ranking->hides_text) {
        wire.query = ranking->query;
        wire.query_bytes = ranking->query_bytes;
        wire.documents.texts = (const char *const *)documents->texts;
        wire.documents.bytes = documents->bytes;
    }
    wire_buffer buffer = {.drain = print_piece, .payload = stdout};
    wire_json json = {.out = &buffer};
    wire_put_ranking(&json, &wire);
    wire_put_string(&buffer, "\n");
    int code = cli_buffer_print(stdout, &buffer);
    wire_release(&buffer);
    return code;
}

/* ---- Tab-separated values ---- */

void cli_ranking_print_tsv_header(int is_batch)
{
    printf("%srank\tindex\tid\tscore\tlogit\ttokens\ttruncated\tstate\t"
           "decided_at_layer\n",
           is_batch ? "query_number\t" : "");
}

static void print_tsv(const cli_ranking *ranking)
{
    for (size_t i = 0; i < ranking->k; i++) {
        grt_item item = item_at(ranking, i);
        wire_id shown = cli_documents_id(ranking->documents, item.index);
        if (ranking->query_number) printf("%zu\t", ranking->query_number);
        printf("%zu\t%zu\t", i + 1, item.index);
        cli_text_put(stdout, WIRE_TSV, shown.text, shown.bytes);
        printf("\t%.9g\t%.9g\t%zu\t%d\t%s\t%zu\n", (double)item.score,
               (double)item.logit, item.n_tokens, is_truncated(&item),
               grt_state_text((grt_state)item.state), item.layer);
    }
}

/* ---- Table ---- */

/* Text of the third column: the id, or "-", or the index when no result has an id. */
static const char *label(const cli_ranking *ranking, size_t i, int has_ids,
                         cli_id_text *storage, size_t *bytes)
{
    size_t index = grt_result_indices(ranking->result)[i];
    wire_id id = cli_documents_id(ranking->documents, index);
    if (id.text) {
        *bytes = id.bytes;
        return id.text;
    }
    if (has_ids)
        snprintf(storage->text, sizeof storage->text, "-");
    else
        snprintf(storage->text, sizeof storage->text, "%zu", index);
    *bytes = strlen(storage->text);
    return storage->text;
}

static size_t label_columns(const cli_ranking *ranking, int *has_ids)
{
    const size_t *indices = grt_result_indices(ranking->result);
    *has_ids = 0;
    for (size_t i = 0; i < ranking->k; i++)
        *has_ids |= cli_documents_id(ranking->documents, indices[i]).text != NULL;
    size_t columns = strlen(*has_ids ? "id" : "index");
    for (size_t i = 0; i < ranking->k; i++) {
        cli_id_text storage;
        size_t bytes;
        const char *text = label(ranking, i, *has_ids, &storage, &bytes);
        size_t needed = cli_text_columns(text, bytes);
        if (needed > columns) columns = needed;
    }
    return columns < ID_COLUMNS_MAX ? columns : ID_COLUMNS_MAX;
}

static void pad(size_t columns)
{
    for (size_t i = 0; i < columns; i++)
        putchar(' ');
}

/* "12", "5+" (selected early) or "5-" (dropped); the mark has a column of its own. */
static void print_layer(const grt_item *item)
{
    char mark = ' ';
    switch ((grt_state)item->state) {
    case GRT_STATE_SELECTED: mark = '+'; break;
    case GRT_STATE_DROPPED: mark = '-'; break;
    case GRT_STATE_FINISHED:
    case GRT_STATE_ACTIVE: break;
    }
    printf("%5zu%c ", item->layer, mark);
}

static void print_document(const cli_ranking *ranking, size_t index, size_t columns)
{
    const char *text = ranking->documents->texts[index];
    size_t bytes = ranking->documents->bytes[index];
    if (ranking->has_color)
        cli_marks_print(ranking->query, ranking->query_bytes, text, bytes, columns);
    else
        cli_text_print(stdout, text, bytes, columns);
    putchar('\n');
}

static const char bars_title[] = "by layer";

static void print_bars(const cli_sparks *sparks, size_t document, size_t columns)
{
    cli_sparks_print(sparks, document);
    pad(columns - cli_sparks_columns(sparks) + 2);
}

static void print_table(const cli_ranking *ranking)
{
    size_t n_early = 0;
    grt_stats stats = stats_of(ranking);
    /* Without a policy all layers are the last one, or the one before a deadline. */
    int has_layers = stats.policy != GRT_POLICY_NONE;
    int has_ids;
    size_t columns = label_columns(ranking, &has_ids);
    size_t before_text = RANK_COLUMNS + strlen("  0.0000  ") + columns + 2 +
                         (has_layers ? strlen("layer  ") : 0);
    size_t bars = cli_sparks_columns(ranking->sparks);
    if (bars && bars < strlen(bars_title)) bars = strlen(bars_title);
    if (bars) before_text += bars + 2;
    size_t left = 0;
    if (ranking->width) {
        left = ranking->width > before_text + TEXT_COLUMNS_MIN
                   ? ranking->width - before_text
                   : TEXT_COLUMNS_MIN;
    }
    printf("%*s   score  %s", RANK_COLUMNS, "rank", has_layers ? "layer  " : "");
    if (bars) printf("%-*s  ", (int)bars, bars_title);
    printf("%-*s  text\n", (int)columns, has_ids ? "id" : "index");
    for (size_t i = 0; i < ranking->k; i++) {
        grt_item item = item_at(ranking, i);
        cli_id_text storage;
        size_t bytes;
        const char *text = label(ranking, i, has_ids, &storage, &bytes);
        printf("%*zu  %.4f  ", RANK_COLUMNS, i + 1, (double)item.score);
        if (has_layers) print_layer(&item);
        if (bars) print_bars(ranking->sparks, item.index, bars);
        if (!has_ids) pad(columns - bytes);
        size_t used = cli_text_print(stdout, text, bytes, columns);
        if (has_ids) pad(columns - used);
        fputs("  ", stdout);
        print_document(ranking, item.index, left);
        n_early += item.state != GRT_STATE_FINISHED;
    }
    if (ranking->has_footnote && has_layers && n_early)
        printf("\n+ chosen, - dropped before the last layer, with an estimate of the "
               "score;\n--promise scores runs the best to the end\n");
}

int cli_ranking_print(const cli_ranking *ranking, cli_output output)
{
    if (output == CLI_OUTPUT_JSON) return print_json(ranking);
    if (output == CLI_OUTPUT_TSV)
        print_tsv(ranking);
    else
        print_table(ranking);
    return CLI_SUCCESS;
}
