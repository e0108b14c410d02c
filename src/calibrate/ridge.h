/* ridge.h - a linear readout of hidden states, by ridge regression.
 *
 * Hoerl & Kennard 1970.  Samples come in groups (one query's candidates); features and
 * targets are centred per group (nearly: ridge.c, BETWEEN), so that the readout learns
 * what tells candidates of the same query apart, and features are scaled to unit
 * variance.  The system is solved on its smaller side: features x features, or samples
 * x samples (dual form). */
#ifndef GRT_CALIBRATE_RIDGE_H
#define GRT_CALIBRATE_RIDGE_H

#include "base/error.h"
#include "base/stop.h"

typedef struct grt_ridge_samples {
    const float *features;    /* [n_samples][n_features] */
    const float *targets;     /* [n_samples] */
    const size_t *group_ends; /* [n_groups] sample after each group's last; rising */
    size_t n_samples;
    size_t n_features;
    size_t n_groups;
    const grt_stop *stop; /* NULL: nobody ends it early */
} grt_ridge_samples;

/* Fits the readout  features . weights + bias ~ target  on all samples with the penalty
 * that predicts best out of fold, and gives every sample the prediction of the fit that
 * did not see its group (n_folds >= 2 folds of whole groups; group g is in fold
 * g % n_folds).  Predictions carry a bias of their own fold, so that they compare
 * within a group and, roughly, between groups. weights: [n_features], out_of_fold:
 * [n_samples]. GRT_E_INVALID_ARG (fewer than n_folds groups, or a value that is not
 * finite), GRT_E_NO_MEMORY, GRT_E_CANCELLED within a part of a second of the stop. */
GRT_NODISCARD grt_status grt_ridge_fit(const grt_ridge_samples *samples, size_t n_folds,
                                       float *weights, float *bias, float *out_of_fold,
                                       grt_error *err);

/* No less than grt_ridge_fit allocates; UINT64_MAX when it cannot be counted. */
uint64_t grt_ridge_bytes(uint64_t n_samples, uint64_t n_features);

#endif /* GRT_CALIBRATE_RIDGE_H */
