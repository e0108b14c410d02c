/* fit.h - from samples to a profile, and to a report on queries it has not seen.
 *
 *     fit.c       which queries, readouts, spreads, and the profile
 *     compare.c   what other arithmetics add to spreads
 *     tables.c    margins and thresholds that reach a precision
 *     report.c    what the profile does on the other queries
 *
 * The maths: docs/algorithms/calibration.md. */
#ifndef GRT_CALIBRATE_FIT_H
#define GRT_CALIBRATE_FIT_H

#include "calibrate/history.h"
#include "calibrate/samples.h"
#include "rank/policy.h"

enum { GRT_FIT_QUERIES_MIN = 8 };

/* Queries of one purpose, by the model's head and by the readouts. */
typedef struct grt_fit_part {
    size_t *queries; /* [n_queries] records of the samples */
    size_t *ends;    /* [n_queries] candidate after each query's last */
    grt_histories head;
    grt_histories readout; /* of the fit's own queries: out of fold */
} grt_fit_part;

typedef struct grt_fit {
    const grt_samples *samples;
    const grt_network *network;
    size_t k_max;
    grt_fit_part fitted;   /* readouts, spreads and tables come from these */
    grt_fit_part reported; /* and are judged by these */
    grt_profile profile;
    grt_calibration_fit_fn *progress; /* NULL: none */
    void *payload;
    const grt_stop *stop; /* NULL: none */
    size_t n_done, n_steps;
} grt_fit;

/* Everything up to the profile.  GRT_E_INVALID_ARG with fewer than GRT_FIT_QUERIES_MIN
 * queries, GRT_E_CANCELLED, and as grt_samples_pooled and grt_ridge_fit.  On failure
 * release all the same. */
GRT_NODISCARD grt_status grt_fit_run(grt_fit *fit, const grt_samples *samples,
                                     const grt_network *network, size_t k_max,
                                     const grt_stop *stop,
                                     grt_calibration_fit_fn *progress, void *payload,
                                     grt_error *err);
void grt_fit_release(grt_fit *fit);

/* How many samples a fit is made from. */
typedef struct grt_fit_size {
    size_t n_queries, n_documents;
    size_t n_longest; /* documents of the query that has most */
} grt_fit_size;

grt_fit_size grt_fit_size_of(const grt_samples *samples);
/* No less than grt_fit_run and the report allocate; UINT64_MAX when it cannot be
 * counted. */
uint64_t grt_fit_bytes(const grt_fit_size *size, const grt_network *network);

/* One more step is done; GRT_E_CANCELLED when the caller has had enough. */
GRT_NODISCARD grt_status grt_fit_step(grt_fit *fit, grt_error *err);

/* Features of a record at a boundary: [n][n_features], of its n candidates. */
GRT_NODISCARD grt_status grt_fit_features(const grt_fit *fit,
                                          const grt_samples_record *record,
                                          size_t layer, float *features,
                                          grt_error *err);

/* compare.c: fills the profile's widenings from the samples' comparisons; readouts are
 * fitted. */
GRT_NODISCARD grt_status grt_fit_compare(grt_fit *fit, grt_error *err);

/* tables.c: fills precisions, ks, margins, dispersions and first_layers. */
size_t grt_fit_table_steps(size_t k_max);
GRT_NODISCARD grt_status grt_fit_tables(grt_fit *fit, grt_error *err);

enum { GRT_FIT_MAX_ROWS = 32 };

/* What a fit reached. */
typedef struct grt_fit_report {
    size_t n_fitted, n_reported; /* queries */
    size_t n_layers;
    size_t n_rows;
    grt_calibration_row rows[GRT_FIT_MAX_ROWS];
    float gamma_head[GRT_MAX_LAYERS]; /* [n_layers - 1]; see grt_calibration_gamma */
    float gamma_readout[GRT_MAX_LAYERS];
} grt_fit_report;

/* report.c: what the profile does on the queries that are reported. */
GRT_NODISCARD grt_status grt_fit_make_report(const grt_fit *fit, float precision,
                                             grt_fit_report *out, grt_error *err);

#endif /* GRT_CALIBRATE_FIT_H */
