/* results.c - a ranking as a table, as JSON, or as tab-separated values. */
#include "results.h"

#include "text.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Room for the text of a number. */
typedef struct number_text {
    char text[64];
} number_text;

enum { ID_COLUMNS_MAX = 24, RANK_COLUMNS = 4, TEXT_COLUMNS_MIN = 10 };

/* The digits of a number id: for a real, the fewest that read back as the same value.
 */
static number_text id_number(const json_t *id)
{
    number_text out = {""};
    if (json_is_integer(id)) {
        snprintf(out.text, sizeof out.text, "%" JSON_INTEGER_FORMAT,
                 json_integer_value(id));
        return out;
    }
    double value = json_real_value(id);
    for (int digits = 15; digits <= 17; digits++) {
        snprintf(out.text, sizeof out.text, "%.*g", digits, value);
        if (strtod(out.text, NULL) == value) break;
    }
    return out;
}

/* ---- JSON ---- */

static void json_number(const char *name, float value)
{
    if (isfinite(value))
        printf("\"%s\": %.9g, ", name, (double)value);
    else
        printf("\"%s\": null, ", name);
}

static void json_id(const char *name, const json_t *id)
{
    if (!id) return;
    printf("\"%s\": ", name);
    if (json_is_string(id))
        cli_text_json(stdout, json_string_value(id), json_string_length(id));
    else
        fputs(id_number(id).text, stdout);
    fputs(", ", stdout);
}

static void json_stats(const grt_stats *stats)
{
    printf("\"stats\": {\"n_documents\": %zu, \"n_layers\": %zu, ", stats->n_documents,
           stats->n_layers);
    printf("\"n_tokens\": %" PRIu64 ", \"tokens_x_layers\": %" PRIu64 ", ",
           stats->n_tokens, stats->tokens_x_layers);
    printf("\"weight_bytes\": %" PRIu64 ", \"memory_bytes\": %" PRIu64 ", ",
           stats->weight_bytes, stats->memory_bytes);
    printf("\"tokenize_ms\": %.3f, \"compute_ms\": %.3f, \"total_ms\": %.3f, ",
           (double)stats->tokenize_ns / 1e6, (double)stats->compute_ns / 1e6,
           (double)stats->total_ns / 1e6);
    printf("\"isa\": \"%s\"}", stats->isa ? stats->isa : "");
}

static void print_json(const cli_ranking *ranking)
{
    printf("{\"model\": ");
    cli_text_json(stdout, ranking->model, strlen(ranking->model));
    fputs(", ", stdout);
    if (ranking->query_number) printf("\"query_number\": %zu, ", ranking->query_number);
    json_id("query_id", ranking->query_id);
    printf("\"k\": %zu, \"results\": [", ranking->k);
    const grt_item *items = grt_result_items(ranking->result);
    for (size_t i = 0; i < ranking->k; i++) {
        const grt_item *item = &items[i];
        printf("%s{\"index\": %zu, ", i ? ", " : "", item->index);
        json_id("id", ranking->documents->ids[item->index]);
        json_number("score", item->score);
        json_number("logit", item->logit);
        printf("\"tokens\": %zu, \"truncated\": %s, \"state\": \"%s\", "
               "\"decided_at_layer\": %zu}",
               item->n_tokens, item->truncated ? "true" : "false",
               grt_state_text(item->state), item->decided_at_layer);
    }
    fputs("], ", stdout);
    json_stats(grt_result_stats(ranking->result));
    fputs("}\n", stdout);
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
    const grt_item *items = grt_result_items(ranking->result);
    for (size_t i = 0; i < ranking->k; i++) {
        const grt_item *item = &items[i];
        const json_t *id = ranking->documents->ids[item->index];
        if (ranking->query_number) printf("%zu\t", ranking->query_number);
        printf("%zu\t%zu\t", i + 1, item->index);
        if (json_is_string(id))
            cli_text_tsv(stdout, json_string_value(id), json_string_length(id));
        else if (id)
            fputs(id_number(id).text, stdout);
        printf("\t%.9g\t%.9g\t%zu\t%d\t%s\t%zu\n", (double)item->score,
               (double)item->logit, item->n_tokens, item->truncated != 0,
               grt_state_text(item->state), item->decided_at_layer);
    }
}

/* ---- Table ---- */

/* Text of the third column: the id, or "-", or the index when no result has an id. */
static const char *label(const cli_ranking *ranking, size_t i, int has_ids,
                         number_text *storage, size_t *bytes)
{
    size_t index = grt_result_items(ranking->result)[i].index;
    const json_t *id = ranking->documents->ids[index];
    if (json_is_string(id)) {
        *bytes = json_string_length(id);
        return json_string_value(id);
    }
    if (id)
        *storage = id_number(id);
    else if (has_ids)
        snprintf(storage->text, sizeof storage->text, "-");
    else
        snprintf(storage->text, sizeof storage->text, "%zu", index);
    *bytes = strlen(storage->text);
    return storage->text;
}

static size_t label_columns(const cli_ranking *ranking, int *has_ids)
{
    const grt_item *items = grt_result_items(ranking->result);
    *has_ids = 0;
    for (size_t i = 0; i < ranking->k; i++)
        *has_ids |= ranking->documents->ids[items[i].index] != NULL;
    size_t columns = strlen(*has_ids ? "id" : "index");
    for (size_t i = 0; i < ranking->k; i++) {
        number_text storage;
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

static void print_table(const cli_ranking *ranking)
{
    const grt_item *items = grt_result_items(ranking->result);
    int has_ids;
    size_t columns = label_columns(ranking, &has_ids);
    size_t before_text = RANK_COLUMNS + strlen("  0.0000  ") + columns + 2;
    size_t left = 0;
    if (ranking->width) {
        left = ranking->width > before_text + TEXT_COLUMNS_MIN
                   ? ranking->width - before_text
                   : TEXT_COLUMNS_MIN;
    }
    printf("%*s   score  %-*s  text\n", RANK_COLUMNS, "rank", (int)columns,
           has_ids ? "id" : "index");
    for (size_t i = 0; i < ranking->k; i++) {
        const grt_item *item = &items[i];
        number_text storage;
        size_t bytes;
        const char *text = label(ranking, i, has_ids, &storage, &bytes);
        printf("%*zu  %.4f  ", RANK_COLUMNS, i + 1, (double)item->score);
        if (!has_ids) pad(columns - bytes);
        size_t used = cli_text_print(stdout, text, bytes, columns);
        if (has_ids) pad(columns - used);
        fputs("  ", stdout);
        cli_text_print(stdout, ranking->documents->texts[item->index],
                       ranking->documents->bytes[item->index], left);
        putchar('\n');
    }
}

void cli_ranking_print(const cli_ranking *ranking, cli_output output)
{
    if (output == CLI_OUTPUT_JSON)
        print_json(ranking);
    else if (output == CLI_OUTPUT_TSV)
        print_tsv(ranking);
    else
        print_table(ranking);
}
