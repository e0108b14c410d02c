/* plan.h - how a request fits into memory; docs/algorithms/memory.md.
 *
 * Made from metadata and token counts alone, before the first token is computed. */
#ifndef GRT_RANK_PLAN_H
#define GRT_RANK_PLAN_H

#include "models/network.h"

#include "stream/row_store.h"

typedef struct grt_plan_input {
    const grt_network *network;
    const grt_kernels *kernels;
    size_t n_threads;
    const grt_session_options *options;
    /* the request */
    size_t n_documents;
    size_t n_rows;     /* stored: the shared prefix once, then each pair's own */
    size_t n_prefix;   /* shared rows */
    size_t n_longest;  /* rows of the longest pair, prefix included */
    size_t n_sequence; /* stored rows of the longest sequence */
    size_t n_distinct; /* different tokens */
    bool is_observed;  /* somebody sees the pooled states of every document */
    /* the process */
    uint64_t resident_bytes;  /* without what the plan counts */
    uint64_t peak_bytes;      /* most that was resident so far: no budget goes below */
    uint64_t available_bytes; /* of the machine, for GRT_RESIDENCY_AUTO; 0: not known */
} grt_plan_input;

/* Smallest chunk that a plan chooses, but for requests with fewer rows. */
enum { GRT_CHUNK_MIN_ROWS = 128 };

/* Concessions in this order: fewer slots; chunks down to the rows that fill the
 * kernels; bf16; the smallest chunks; a file.  GRT_E_NO_MEMORY when nothing fits, with
 * *out the smallest plan. */
GRT_NODISCARD grt_status grt_plan_make(grt_memory_plan *out,
                                       const grt_plan_input *input, grt_error *err);

/* Layers that requests run through. */
size_t grt_plan_n_layers(const grt_network *network,
                         const grt_session_options *options);

/* What a plan adds for the allocator and for stacks, which no part counts. */
enum { GRT_PLAN_MARGIN_BYTES = 2 << 20 };

/* How a row store keeps what a plan calls `hidden`. */
grt_row_storage grt_plan_row_storage(grt_hidden_storage hidden);

/* Attention scratch of one thread, in whole cache lines. */
size_t grt_plan_attention_bytes(const grt_plan_input *input);

#endif /* GRT_RANK_PLAN_H */
