/*
 * answers.c - what is answered, in each dialect.
 *
 * Entries stand best first, and scores fall with the rank: a client that sorts by score
 * has the ranking.  A document comes back as {"text": ...}, or as the object that it
 * was: a client that reads it as an object would break on a string.
 */
#include "serve/dialects.h"

#include <stdlib.h>
#include <string.h>

static size_t n_wanted(const serve_answer *answer)
{
    size_t top = answer->request->top_n;
    return top && top < answer->n ? top : answer->n;
}

static float value_of(const serve_answer *answer, const serve_entry *entry)
{
    return answer->request->gives_logits ? entry->logit : entry->score;
}

static int is_truncated(const serve_entry *entry)
{
    return (entry->flags & (GRT_FLAG_TRUNCATED | GRT_FLAG_QUERY_TRUNCATED)) != 0;
}

static void put_document_text(wire_json *json, const char *name,
                              const serve_answer *answer, size_t index)
{
    wire_text(json, name, answer->request->texts[index], answer->request->bytes[index]);
}

static void put_document(wire_json *json, const serve_answer *answer, size_t index)
{
    const json_t *value = answer->request->values[index];
    char *dumped = json_is_object(value) ? json_dumps(value, JSON_COMPACT) : NULL;
    if (dumped) {
        wire_raw(json, "document", dumped);
        free(dumped);
        return;
    }
    wire_begin(json, "document", '{');
    put_document_text(json, "text", answer, index);
    wire_end(json, '}');
}

/* ---- Parts ---- */

static void put_usage(wire_json *json, const serve_answer *answer)
{
    wire_begin(json, "usage", '{');
    wire_count(json, "prompt_tokens", answer->n_tokens);
    wire_count(json, "total_tokens", answer->n_tokens);
    wire_end(json, '}');
}

static void put_warnings(wire_json *json, const serve_answer *answer)
{
    char text[120];
    wire_begin(json, "warnings", '[');
    if (answer->n_truncated) {
        snprintf(text, sizeof text,
                 "%zu of %zu documents were cut to what the model takes",
                 answer->n_truncated, answer->n);
        wire_string(json, NULL, text);
    }
    if (answer->n_truncated && answer->request->cuts_starts)
        wire_string(json, NULL, "documents are cut at their ends, not at their starts");
    if (answer->query_is_truncated)
        wire_string(json, NULL, "the query was cut to what the model takes");
    if (answer->stats.deadline_hit)
        wire_string(json, NULL, "the deadline passed: this is the order as it stood");
    wire_end(json, ']');
}

static void put_meta(wire_json *json, const serve_answer *answer, const char *version)
{
    wire_begin(json, "meta", '{');
    wire_begin(json, "api_version", '{');
    wire_string(json, "version", version);
    wire_bool(json, "is_experimental", 0);
    wire_end(json, '}');
    wire_begin(json, "billed_units", '{');
    wire_count(json, "search_units", 0);
    wire_end(json, '}');
    wire_begin(json, "tokens", '{');
    wire_count(json, "input_tokens", answer->n_tokens);
    wire_count(json, "output_tokens", 0);
    wire_end(json, '}');
    wire_bool(json, "deadline_hit", answer->stats.deadline_hit);
    if (answer->stats.expected_precision > 0)
        wire_float(json, "expected_precision", answer->stats.expected_precision);
    put_warnings(json, answer);
    wire_end(json, '}');
}

/* What the ranking took, and what it saved. */
static void put_own(wire_json *json, const serve_answer *answer)
{
    const grt_stats *stats = &answer->stats;
    wire_begin(json, "grating", '{');
    wire_count(json, "k", answer->k);
    wire_string(json, "policy", grt_policy_text((grt_policy)stats->policy));
    wire_string(json, "promise", grt_promise_text((grt_promise)stats->promise));
    if (stats->precision > 0) wire_float(json, "precision", stats->precision);
    wire_bool(json, "deadline_hit", stats->deadline_hit);
    if (stats->expected_precision > 0)
        wire_float(json, "expected_precision", stats->expected_precision);
    wire_bool(json, "profile", stats->has_profile);
    wire_count(json, "n_layers", stats->n_layers);
    wire_count(json, "candidates_x_layers", stats->candidates_x_layers);
    wire_count(json, "full_candidates_x_layers", (uint64_t)answer->n * stats->n_layers);
    wire_count(json, "tokens_x_layers", stats->tokens_x_layers);
    wire_count(json, "full_tokens_x_layers", stats->full_tokens_x_layers);
    wire_count(json, "memory_bytes", stats->memory_bytes);
    wire_ms(json, "queue_ms", answer->queue_ns);
    wire_ms(json, "turn_ms", stats->turn_ns);
    wire_ms(json, "compute_ms", stats->compute_ns);
    wire_ms(json, "total_ms", answer->total_ns);
    if (answer->trace) {
        wire_put(answer->trace, "", 1);
        if (!answer->trace->has_failed) wire_raw(json, "trace", answer->trace->data);
    }
    wire_end(json, '}');
}

static void put_entries(wire_json *json, const char *name, const char *score,
                        const serve_answer *answer)
{
    wire_begin(json, name, '[');
    for (size_t i = 0; i < n_wanted(answer); i++) {
        const serve_entry *entry = &answer->entries[i];
        wire_begin(json, NULL, '{');
        wire_count(json, "index", entry->index);
        wire_float(json, score, value_of(answer, entry));
        if (answer->request->returns_documents)
            put_document(json, answer, entry->index);
        if (is_truncated(entry)) wire_bool(json, "truncated", 1);
        /* Decided before the last layer: its score says where it stands. */
        if (!(entry->flags & GRT_FLAG_EXACT)) {
            wire_string(json, "state", grt_state_text((grt_state)entry->state));
            wire_count(json, "layer", entry->layer);
        }
        wire_end(json, '}');
    }
    wire_end(json, ']');
}

/* ---- Dialects ---- */

static void put_common(wire_json *json, const serve_answer *answer, const char *object,
                       int has_data, const char *version)
{
    wire_begin(json, NULL, '{');
    wire_string(json, "id", answer->id);
    wire_string(json, "object", object);
    wire_string(json, "model", answer->model);
    put_entries(json, "results", "relevance_score", answer);
    if (has_data) put_entries(json, "data", "relevance_score", answer);
    put_usage(json, answer);
    put_meta(json, answer, version);
    put_own(json, answer);
    wire_end(json, '}');
}

void serve_put_results(wire_json *json, const serve_answer *answer)
{
    put_common(json, answer, "list", 1, "1");
}

void serve_put_results_v2(wire_json *json, const serve_answer *answer)
{
    put_common(json, answer, "list", 0, "2");
}

/* Infinity's client takes no other word for the object. */
void serve_put_results_infinity(wire_json *json, const serve_answer *answer)
{
    put_common(json, answer, "rerank", 1, "1");
}

void serve_put_array(wire_json *json, const serve_answer *answer)
{
    wire_begin(json, NULL, '[');
    for (size_t i = 0; i < n_wanted(answer); i++) {
        const serve_entry *entry = &answer->entries[i];
        wire_begin(json, NULL, '{');
        wire_count(json, "index", entry->index);
        wire_float(json, "score", value_of(answer, entry));
        if (answer->request->returns_documents)
            put_document_text(json, "text", answer, entry->index);
        wire_end(json, '}');
    }
    wire_end(json, ']');
}

/* Clients of NIM take the logit as it is, or turn it into a score themselves. */
void serve_put_rankings(wire_json *json, const serve_answer *answer)
{
    wire_begin(json, NULL, '{');
    wire_begin(json, "rankings", '[');
    for (size_t i = 0; i < n_wanted(answer); i++) {
        wire_begin(json, NULL, '{');
        wire_count(json, "index", answer->entries[i].index);
        wire_float(json, "logit", answer->entries[i].logit);
        wire_end(json, '}');
    }
    wire_end(json, ']');
    wire_string(json, "model", answer->model);
    put_usage(json, answer);
    put_own(json, answer);
    wire_end(json, '}');
}

void serve_put_data(wire_json *json, const serve_answer *answer)
{
    wire_begin(json, NULL, '{');
    wire_string(json, "id", answer->id);
    wire_string(json, "model", answer->model);
    wire_string(json, "object", "list");
    wire_begin(json, "data", '[');
    for (size_t i = 0; i < n_wanted(answer); i++) {
        const serve_entry *entry = &answer->entries[i];
        wire_begin(json, NULL, '{');
        wire_count(json, "index", entry->index);
        wire_float(json, "score", value_of(answer, entry));
        if (answer->request->returns_documents)
            put_document_text(json, "input", answer, entry->index);
        wire_string(json, "object", "rank_result");
        wire_end(json, '}');
    }
    wire_end(json, ']');
    put_usage(json, answer);
    wire_bool(json, "return_input", answer->request->returns_documents);
    wire_count(json, "top_k", n_wanted(answer));
    put_own(json, answer);
    wire_end(json, '}');
}

/* ---- Those that keep the order of the request ---- */

/* The entry of each document, by its index; NULL: memory is out. */
static const serve_entry **by_index(wire_json *json, const serve_answer *answer)
{
    const serve_entry **out = calloc(answer->n, sizeof *out);
    if (!out) json->out->has_failed = 1;
    for (size_t i = 0; out && i < answer->n; i++)
        out[answer->entries[i].index] = &answer->entries[i];
    return out;
}

void serve_put_document_scores(wire_json *json, const serve_answer *answer)
{
    const serve_entry **entries = by_index(json, answer);
    wire_begin(json, NULL, '{');
    wire_text(json, "query", answer->request->queries[0].data,
              answer->request->queries[0].bytes);
    wire_begin(json, "scores", '[');
    for (size_t i = 0; entries && i < answer->n; i++) {
        wire_begin(json, NULL, '{');
        put_document_text(json, "document", answer, i);
        wire_float(json, "score", value_of(answer, entries[i]));
        wire_end(json, '}');
    }
    wire_end(json, ']');
    wire_end(json, '}');
    free(entries);
}

void serve_put_pair_scores(wire_json *json, const serve_answer *answer)
{
    const serve_entry **entries = by_index(json, answer);
    wire_begin(json, NULL, '{');
    wire_string(json, "id", answer->id);
    wire_string(json, "object", "list");
    wire_count(json, "created", answer->created_s);
    wire_string(json, "model", answer->model);
    wire_begin(json, "data", '[');
    for (size_t i = 0; entries && i < answer->n; i++) {
        wire_begin(json, NULL, '{');
        wire_count(json, "index", i);
        wire_string(json, "object", "score");
        wire_float(json, "score", value_of(answer, entries[i]));
        wire_end(json, '}');
    }
    wire_end(json, ']');
    put_usage(json, answer);
    put_own(json, answer);
    wire_end(json, '}');
    free(entries);
}
