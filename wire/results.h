/*
 * results.h - what the library gives, as JSON: rankings, steps, statistics, memory
 * plans, models and errors.
 *
 * The command, the server and the applications write the same members for the same
 * things.  A reader must pass over members that it does not know; WIRE_VERSION rises
 * when a member changes its meaning or goes.
 */
#ifndef WIRE_RESULTS_H
#define WIRE_RESULTS_H

#include "grating.h"
#include "wire/json.h"

#define WIRE_RANKING_FORMAT "grating-ranking"
enum { WIRE_VERSION = 1 };

/* The texts of a request, by their places in it; everything is borrowed. */
typedef struct wire_texts {
    const char *const *texts;                   /* [n]; NULL: none are written */
    const size_t *bytes;                        /* [n] */
    wire_id (*id)(size_t index, void *payload); /* NULL: no ids */
    void *payload;
} wire_texts;

typedef struct wire_ranking {
    const char *model; /* path */
    const char *query; /* NULL: not written */
    size_t query_bytes;
    size_t query_number; /* in a batch, from 1; else 0 */
    wire_id query_id;
    const grt_result *result; /* NULL: of no documents */
    size_t k;                 /* results to write, at most the result's count */
    wire_texts documents;
    int has_stats;
    const grt_model *noted;      /* whose notes about results are written; NULL: none */
    const grt_memory_plan *plan; /* NULL: the result's own */
    const uint64_t *process_bytes; /* see wire_put_plan */
} wire_ranking;

/* Each writes one object. */

void wire_put_ranking(wire_json *json, const wire_ranking *ranking);
/* In place of a ranking: what went wrong with one query of a batch.  `status` GRT_OK:
 * the query was not understood, and the library never saw it. */
void wire_put_ranking_error(wire_json *json, const wire_ranking *ranking,
                            grt_status status, const char *text);
/* The candidates that computed a layer, their scores and what became of them. */
void wire_put_step(wire_json *json, const char *name, const grt_step *step);
void wire_put_stats(wire_json *json, const char *name, const grt_stats *stats,
                    const grt_memory_plan *plan, const uint64_t *process_bytes);
/* null where nothing was planned: a deadline had passed before.
 * process_bytes: what the process has beside what the library allocates, where the plan
 * is about the whole process; NULL: it is the library's own. */
void wire_put_plan(wire_json *json, const char *name, const grt_memory_plan *plan,
                   const uint64_t *process_bytes);
/* {"status": "no_memory", "text": TEXT, "offset": BYTE}; the offset where there is one.
 */
void wire_put_error(wire_json *json, const char *name, grt_status status,
                    const grt_error *error);
/* Members of an object that the caller began: what a checkpoint is. */
void wire_put_model_members(wire_json *json, const grt_model_info *info);
/* {"level": "result", "text": TEXT} for each note of the model that has the level or a
 * higher one; no member at all where there is none. */
void wire_put_notes(wire_json *json, const char *name, const grt_model *model,
                    grt_note_level level);
/* An object for each arithmetic: what it does to the model's logits; its members are
 * null where nobody has measured it. */
void wire_put_effects(wire_json *json, const char *name, const grt_model *model);
void wire_put_tensor(wire_json *json, const grt_tensor_view *view);

/* "ok", "invalid_argument", "no_memory", ...: short names that never change.  Static.
 */
const char *wire_status_name(grt_status status);

#endif
