/* plan_input.h - what a plan is made from: metadata and counts, no weights and no
 * texts.
 */
#ifndef GRT_RANK_PLAN_INPUT_H
#define GRT_RANK_PLAN_INPUT_H

#include "models/network.h"

/* What a model has made for rankings that are open: a plan beside them must keep it. */
typedef struct grt_plan_held {
    size_t n_slots;       /* may be fewer afterwards, never more */
    size_t n_cached_rows; /* stays */
    size_t chunk_rows;    /* of the largest chunk that they compute: shared buffers stay
                             as large */
    size_t n_longest;     /* rows of their longest pair, likewise */
} grt_plan_held;

typedef struct grt_plan_input {
    const grt_network *network;
    const grt_device *device;
    size_t n_layers; /* that requests run through */
    /* what is asked for; 0: the plan's choice */
    grt_hidden_storage hidden;
    grt_residency residency;
    size_t chunk_rows;
    size_t n_cached_rows;
    /* the request */
    size_t n_documents;
    size_t n_pairs;         /* more where documents are split */
    size_t n_rows;          /* stored: the shared prefix once, then each pair's own */
    size_t n_prefix;        /* shared rows */
    size_t n_longest;       /* rows of the longest pair, prefix included */
    size_t n_sequence;      /* stored rows of the longest sequence */
    size_t n_distinct;      /* different tokens */
    uint64_t token_bytes;   /* what the tokenised pairs take */
    uint64_t reading_bytes; /* what tokenising takes at its peak, one text at a time; it
                               is over when the rest is made */
    bool is_observed;       /* somebody sees the pooled states of every document */
    /* the engine */
    uint64_t budget_bytes;    /* 0: none */
    uint64_t other_bytes;     /* reserved by others, by the model itself included */
    uint64_t ending_bytes;    /* the part of them that ends with rankings now open */
    uint64_t available_bytes; /* of the machine, for GRT_RESIDENCY_AUTO; 0: not known */
    const grt_plan_held *held; /* NULL: no ranking of the model is open */
    size_t n_loaded; /* slots that an idle model has; without a budget what is loaded
                        stays loaded.  0: none */
} grt_plan_input;

#endif /* GRT_RANK_PLAN_INPUT_H */
