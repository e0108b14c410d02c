/* ranking.h - what stands behind a grt_ranking: one request from texts to ranked items.
 *
 *     ranking.c   the steps: texts -> pairs -> layout -> plan -> a layer at a time
 *     prepare.c   memory: what the plan says is reserved and made
 *     forward.c   one layer over all active candidates, chunk by chunk, and its scores
 *     outcome.c   the order as it stands, as a result
 *
 * All candidates move through the layers together; intermediates exist for one chunk
 * of whole sequences only. */
#ifndef GRT_RANK_RANKING_H
#define GRT_RANK_RANKING_H

#include "rank/forward.h"
#include "rank/layout.h"
#include "rank/model.h"
#include "rank/policy.h"
#include "select/decisions.h"

/* For calibration: sees every candidate at every boundary, in the order of the request.
 * pooled: [n][grt_pooled_size], scores: [n] by the head; first is the index of the
 * first of the n candidates.  At the last boundary pooled is NULL. */
typedef struct grt_observer {
    grt_status (*see)(void *payload, size_t layer, size_t first, size_t n,
                      const float *scores, const float *pooled, grt_error *err);
    void *payload;
} grt_observer;

/* What callers inside the library may ask for beside a request. */
typedef struct grt_ranking_extras {
    const grt_observer *observer;       /* NULL: none; kept */
    const grt_stop *whole;              /* cancels the ranking, too; NULL: none; kept */
    const grt_schedule_entry *schedule; /* NULL: none; kept */
    size_t n_schedule;
    bool computes_prefix_apart; /* each pair computes the rows that all pairs share */
    bool computes_all_rows;     /* also those of the last layer that nobody reads */
    bool shows_steps;           /* somebody looks at every boundary */
} grt_ranking_extras;

typedef enum grt_ranking_phase {
    GRT_RANKING_NEW,     /* texts were not read yet */
    GRT_RANKING_RUNNING, /* layers are left to compute */
    GRT_RANKING_DONE,    /* nothing is, or the deadline has passed */
    GRT_RANKING_FAILED   /* `failure` says why */
} grt_ranking_phase;

struct grt_ranking {
    /* set at opening */
    grt_model *model;
    grt_request request; /* texts are not touched after the first step */
    grt_policy_options policy_options;
    grt_ranking_extras extras;
    uint64_t opened_ns;
    uint64_t number; /* of the model's rankings, from 1 */
    grt_stop stop;
    /* one thread at a time */
    grt_ranking_phase phase;
    grt_status failure;
    grt_turn turn;
    grt_pairs pairs;
    grt_layout layout;
    grt_policy_choice policy;
    grt_decisions decisions;
    grt_plan plan;
    bool has_memory;        /* counts in model.n_rankings */
    uint64_t reading_bytes; /* that tokenising took at most, under a budget that knew */
    grt_working_set set;
    size_t layer;    /* boundaries reached: layers computed */
    size_t n_scored; /* the last boundary with scores; 0: none yet */
    bool deadline_hit;
    size_t n_noted; /* candidates in the arrays of a step */
    grt_forward_counts counts;
    uint64_t chunks_ns; /* that chunks took so far */
    grt_stats stats;    /* times and bytes so far */
    grt_window_counters window_seen;
    uint64_t embedding_seen;
};

/* Checked copies of request and extras.  *ranking is all zero before; on failure the
 * caller still releases it. */
GRT_NODISCARD grt_status grt_ranking_init(grt_ranking *ranking, grt_model *model,
                                          const grt_request *request,
                                          const grt_ranking_extras *extras,
                                          grt_error *err);
void grt_ranking_release(grt_ranking *ranking);

/* One step (grt_ranking_step). */
GRT_NODISCARD grt_status grt_ranking_take_step(grt_ranking *ranking, grt_error *err);

/* All steps, in as few turns as there must be. */
GRT_NODISCARD grt_status grt_ranking_run(grt_ranking *ranking, grt_error *err);

/* Fills the step that was taken last. */
void grt_ranking_show(const grt_ranking *ranking, grt_step *out);

/* In the turn: takes the window over from whoever used it last, for the layer that
 * comes next. */
void grt_ranking_use_window(grt_ranking *ranking);

/* In the turn: how much longer than another it may hold the turn (grt_turns_is_due).  A
 * change costs the reading of a layer where layers are streamed. */
uint64_t grt_ranking_slice_ns(const grt_ranking *ranking);

/* prepare.c, in the turn, before texts are read: takes over the memory that the model's
 * last ranking left. */
void grt_ranking_take_parked(grt_ranking *ranking);
/* The same, under a budget only: frees what idle models keep, and this one, where the
 * tokens of so many bytes of text might not fit beside it. */
void grt_ranking_make_room(grt_ranking *ranking, uint64_t needed_bytes);
/* prepare.c, in the turn, under a budget: whether tokenising fits what is left of it;
 * else one text at a time, with what is to be allocated counted before; else
 * GRT_E_NO_MEMORY or GRT_E_BUSY with the budget that works.  `input` is changed, and
 * keeps `counts`. */
GRT_NODISCARD grt_status grt_ranking_fit_texts(grt_ranking *ranking,
                                               grt_pairs_input *input,
                                               grt_pairs_counts *counts,
                                               bool shares_prefix, grt_error *err);
/* prepare.c, in the turn: makes the plan and what it asks for, for the layout at hand.
 */
GRT_NODISCARD grt_status grt_ranking_prepare(grt_ranking *ranking, grt_error *err);
/* Gives memory back: the model keeps it for its next ranking, or frees it. */
void grt_ranking_give_memory_back(grt_ranking *ranking);
/* A plan for the model with its engine's budget, beside what is reserved; the request's
 * part of `input` is filled. */
void grt_plan_input_fill(grt_plan_input *input, const grt_model *model,
                         grt_plan_held *held);

/* outcome.c: what the full pass's top K is expected to share with the order as it
 * stands. */
float grt_ranking_expected(const grt_ranking *ranking);

/* outcome.c: the order as it stands. */
GRT_NODISCARD grt_status grt_ranking_make_result(grt_ranking *ranking, grt_result **out,
                                                 grt_error *err);

#endif /* GRT_RANK_RANKING_H */
