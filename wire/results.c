/* results.c - rankings, steps, statistics and memory plans as JSON. */
#include "wire/results.h"

static void put_item(wire_json *json, const grt_item *item, size_t rank,
                     const wire_texts *documents)
{
    wire_begin(json, NULL, '{');
    wire_count(json, "rank", rank);
    wire_count(json, "index", item->index);
    if (documents->id)
        wire_put_id(json, "id", documents->id(item->index, documents->payload));
    wire_float(json, "score", item->score);
    wire_float(json, "logit", item->logit);
    wire_bool(json, "is_exact", (item->flags & GRT_FLAG_EXACT) != 0);
    wire_count(json, "tokens", item->n_tokens);
    wire_bool(json, "truncated",
              (item->flags & (GRT_FLAG_TRUNCATED | GRT_FLAG_QUERY_TRUNCATED)) != 0);
    wire_string(json, "state", grt_state_text((grt_state)item->state));
    wire_count(json, "decided_at_layer", item->layer);
    if (documents->texts)
        wire_text(json, "text", documents->texts[item->index],
                  documents->bytes[item->index]);
    wire_end(json, '}');
}

/* What a ranking and an error in its place begin with. */
static void begin_ranking(wire_json *json, const wire_ranking *ranking)
{
    wire_begin(json, NULL, '{');
    wire_string(json, "format", WIRE_RANKING_FORMAT);
    wire_count(json, "version", WIRE_VERSION);
    wire_string(json, "model", ranking->model);
    if (ranking->query_number) wire_count(json, "query_number", ranking->query_number);
    wire_put_id(json, "query_id", ranking->query_id);
    if (ranking->query) wire_text(json, "query", ranking->query, ranking->query_bytes);
}

static void put_stats_of(wire_json *json, const wire_ranking *ranking)
{
    grt_stats stats = GRT_STATS_INIT;
    grt_memory_plan plan = GRT_MEMORY_PLAN_INIT;
    grt_result_stats(ranking->result, &stats);
    grt_result_plan(ranking->result, &plan);
    wire_put_stats(json, "stats", &stats, ranking->plan ? ranking->plan : &plan,
                   ranking->process_bytes);
}

void wire_put_ranking(wire_json *json, const wire_ranking *ranking)
{
    begin_ranking(json, ranking);
    wire_count(json, "k", ranking->k);
    wire_begin(json, "results", '[');
    const grt_result *result = ranking->result;
    grt_item item = GRT_ITEM_INIT;
    for (size_t i = 0; result && i < ranking->k; i++)
        if (grt_result_item(result, i, &item) == GRT_OK)
            put_item(json, &item, i + 1, &ranking->documents);
    wire_end(json, ']');
    if (ranking->noted) wire_put_notes(json, "notes", ranking->noted, GRT_NOTE_RESULT);
    if (ranking->has_stats && result) put_stats_of(json, ranking);
    wire_end(json, '}');
}

void wire_put_ranking_error(wire_json *json, const wire_ranking *ranking,
                            grt_status status, const char *text)
{
    begin_ranking(json, ranking);
    wire_begin(json, "error", '{');
    wire_string(json, "status",
                status == GRT_OK ? "bad_query" : wire_status_name(status));
    wire_string(json, "text", text);
    wire_end(json, '}');
    wire_end(json, '}');
}

void wire_put_step(wire_json *json, const char *name, const grt_step *step)
{
    wire_begin(json, name, '{');
    wire_count(json, "layer", step->layer);
    wire_begin(json, "candidates", '[');
    for (size_t i = 0; i < step->n; i++)
        wire_count(json, NULL, step->indices[i]);
    wire_end(json, ']');
    wire_begin(json, "scores", '[');
    for (size_t i = 0; i < step->n; i++)
        wire_float(json, NULL, step->scores[i]);
    wire_end(json, ']');
    wire_begin(json, "states", '[');
    for (size_t i = 0; i < step->n; i++)
        wire_string(json, NULL, grt_state_text((grt_state)step->states[i]));
    wire_end(json, ']');
    wire_float(json, "expected_precision", step->expected_precision);
    wire_end(json, '}');
}

static void count_or_null(wire_json *json, const char *name, uint64_t value)
{
    if (value)
        wire_count(json, name, value);
    else
        wire_null(json, name);
}

static void float_or_null(wire_json *json, const char *name, float value)
{
    if (value > 0)
        wire_float(json, name, value);
    else
        wire_null(json, name);
}

void wire_put_plan(wire_json *json, const char *name, const grt_memory_plan *plan,
                   const uint64_t *process_bytes)
{
    if (plan->n_layers == 0) {
        wire_null(json, name);
        return;
    }
    wire_begin(json, name, '{');
    count_or_null(json, "budget_bytes", plan->budget_bytes);
    wire_count(json, "total_bytes", plan->total_bytes);
    if (process_bytes) wire_count(json, "process_bytes", *process_bytes);
    wire_count(json, "model_bytes", plan->other_bytes);
    wire_count(json, "layers_bytes", plan->layers_bytes);
    wire_count(json, "hidden_bytes", plan->hidden_bytes);
    wire_count(json, "chunk_bytes", plan->chunk_bytes);
    wire_count(json, "embedding_bytes", plan->embedding_bytes);
    wire_count(json, "scratch_bytes", plan->scratch_bytes);
    wire_count(json, "n_slots", plan->n_slots);
    wire_count(json, "n_layers", plan->n_layers);
    wire_count(json, "chunk_rows", plan->chunk_rows);
    wire_count(json, "n_cached_rows", plan->n_cached_rows);
    wire_string(json, "hidden",
                grt_hidden_storage_text((grt_hidden_storage)plan->hidden));
    wire_count(json, "smallest_bytes", plan->smallest_bytes);
    wire_end(json, '}');
}

void wire_put_stats(wire_json *json, const char *name, const grt_stats *stats,
                    const grt_memory_plan *plan, const uint64_t *process_bytes)
{
    wire_begin(json, name, '{');
    wire_count(json, "n_documents", stats->n_documents);
    wire_count(json, "n_layers", stats->n_layers);
    wire_count(json, "n_tokens", stats->n_tokens);
    wire_count(json, "n_prefix", stats->n_prefix);
    wire_count(json, "candidates_x_layers", stats->candidates_x_layers);
    wire_count(json, "full_candidates_x_layers",
               (uint64_t)stats->n_documents * stats->n_layers);
    wire_count(json, "tokens_x_layers", stats->tokens_x_layers);
    wire_count(json, "full_tokens_x_layers", stats->full_tokens_x_layers);
    wire_string(json, "policy", grt_policy_text((grt_policy)stats->policy));
    float_or_null(json, "precision", stats->precision);
    wire_string(json, "promise", grt_promise_text((grt_promise)stats->promise));
    wire_bool(json, "deadline_hit", stats->deadline_hit);
    float_or_null(json, "expected_precision", stats->expected_precision);
    wire_bool(json, "profile", stats->has_profile);
    float_or_null(json, "drift", stats->drift);
    wire_count(json, "weight_bytes", stats->weight_bytes);
    wire_count(json, "embedding_bytes", stats->embedding_bytes);
    wire_count(json, "memory_bytes", stats->memory_bytes);
    wire_ms(json, "tokenize_ms", stats->tokenize_ns);
    wire_ms(json, "compute_ms", stats->compute_ns);
    wire_ms(json, "read_ms", stats->read_ns);
    wire_ms(json, "wait_ms", stats->wait_ns);
    wire_ms(json, "turn_ms", stats->turn_ns);
    wire_ms(json, "total_ms", stats->total_ns);
    wire_put_plan(json, "plan", plan, process_bytes);
    wire_string(json, "arithmetic",
                grt_arithmetic_text((grt_arithmetic)stats->arithmetic));
    wire_string(json, "isa", stats->isa ? stats->isa : "");
    wire_end(json, '}');
}
