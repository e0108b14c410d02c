/* passes.h - the full passes over one query that a calibration keeps, a layer at a
 * time.
 *
 * The first is in the arithmetic of the model, unless the samples hold it already.  For
 * the first few queries, and every so many after them, the others that this CPU has
 * units for follow, as comparisons. */
#ifndef GRT_CALIBRATE_PASSES_H
#define GRT_CALIBRATE_PASSES_H

#include "calibrate/samples.h"
#include "rank/ranking.h"

/* The model once more, in another arithmetic; opened when it is wanted. */
typedef struct grt_pass_model {
    grt_model *model; /* NULL: not opened */
    bool is_missing;  /* the CPU has no units for it, or the memory does not suffice */
} grt_pass_model;

/* One thread at a time; the model, samples and stop are kept. */
typedef struct grt_passes {
    grt_model *model;
    grt_samples *samples;
    const grt_stop *stop; /* NULL: none */
    grt_observer observer;
    grt_pass_model others[GRT_N_ARITHMETICS];
    /* the query at hand */
    grt_request request;
    grt_policy_options policy;
    uint64_t key;
    grt_arithmetic list[GRT_N_ARITHMETICS]; /* [n] AUTO: the samples' own */
    size_t n, n_done;
    grt_ranking *ranking; /* of the pass that runs; NULL: none does */
} grt_passes;

/* *passes must not be moved afterwards. */
void grt_passes_init(grt_passes *passes, grt_model *model, grt_samples *samples,
                     const grt_stop *stop);
void grt_passes_release(grt_passes *passes);

/* Begins with the query whose key that is; texts are borrowed until all is done or has
 * failed.  GRT_E_INVALID_ARG: the samples were computed in another arithmetic. */
GRT_NODISCARD grt_status grt_passes_start(grt_passes *passes,
                                          const grt_request *request, uint64_t key,
                                          grt_error *err);

bool grt_passes_are_done(const grt_passes *passes);

/* Layers computed, and in all. */
void grt_passes_count(const grt_passes *passes, size_t *done, size_t *total);

/* One layer of the pass that runs, or its texts.  A failure ends the query; the samples
 * stay as they were before the pass.  Errors as of grt_ranking_take_step and samples.
 */
GRT_NODISCARD grt_status grt_passes_step(grt_passes *passes, grt_error *err);

#endif /* GRT_CALIBRATE_PASSES_H */
