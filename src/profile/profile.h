/* profile.h - what `grating calibrate` found out about a checkpoint.
 *
 * A safetensors file of F32 tensors, L = n_layers, W = grt_features_size, or
 * grt_pooled_size where readouts do without the derived features (older profiles):
 *   fingerprint [4]       of the checkpoint (fingerprint.h), 16 bits each
 *   weights [4]           sum of its values, 16 bits each
 *   readouts [L-1][W]     weights of the readout at boundaries 1..L-1
 *   biases [L-1]
 *   spreads [L-1]         how much a difference of readouts still moves (std);
 *                         infinity: not known
 *   moves [L-1]           how much it moved since the boundary before; the first: since
 *                         before layer 1, where it is 0.  A first of 0: not known, and
 *                         the bound is silent at boundary 1
 *   precisions [P], ks [Q]   grid of the two tables
 *   margins [P][Q]        factor on the spreads that reaches the precision; infinity:
 *                         none does
 *   dispersions [P][Q]    cluster's threshold that reaches the precision
 *   first_layers [P][Q]   cluster's first layer
 * and, which older profiles lack:
 *   arithmetic [1]        in which it was made, a grt_arithmetic; 0: not known
 *   queries [2]           that it was fitted on, and judged by
 * and for each other arithmetic that was measured, A = "f32", "bf16" or "int8", what it
 * does to a part of the pairs of the calibration (widening.h):
 *   A.spreads, A.moves, A.shifts [L-1]
 *   A.logits [6]          see grt_logit_effect */
#ifndef GRT_PROFILE_PROFILE_H
#define GRT_PROFILE_PROFILE_H

#include "models/network.h"

enum { GRT_PROFILE_MAX_GRID = 64, GRT_N_ARITHMETICS = 4 };

/* A linear readout: features . weights + bias. */
typedef struct grt_readout {
    const float *weights; /* [n_features] */
    size_t n_features;    /* grt_pooled_size or grt_features_size: it reads the first */
    float bias;
} grt_readout;

/* What an arithmetic does to final logits, against the profile's own on the same pairs;
 * as the tensor A.logits has it. */
typedef struct grt_logit_effect {
    float n_pairs; /* 0: not measured */
    float mean;    /* size of a logit's difference */
    float largest; /* the same */
    float share;   /* what a difference of two logits of a query moves by, as a share of
                      such differences; both root mean squares */
    float n_queries; /* with more than 10 documents, which `kept` is about */
    float kept;      /* mean share of their 10 best that stays */
} grt_logit_effect;

/* What an arithmetic adds to a profile that was made in another one. */
typedef struct grt_widening {
    const float *spreads; /* [n_layers - 1], from boundary 1, standard deviation that is
                             added to the spread: variances add; NULL: not measured */
    const float *moves;   /* [n_layers - 1] the same of the moves */
    const float *shifts;  /* [n_layers - 1] what the final logit rises by beside the
                             readout: added to the bias */
    grt_logit_effect logits;
} grt_widening;

/* Immutable after open.  All zero: none. */
typedef struct grt_profile {
    grt_arena arena;
    const char *path;            /* NULL: no profile */
    grt_arithmetic arithmetic;   /* that it was made in; AUTO: not known */
    size_t n_fitted, n_reported; /* queries; 0: not known */
    grt_widening widenings[GRT_N_ARITHMETICS];
    size_t n_layers;
    size_t n_features;     /* of a readout */
    const float *readouts; /* [n_layers - 1][n_features] */
    const float *biases;   /* [n_layers - 1] */
    const float *spreads;  /* [n_layers]; [0] is INFINITY, [l] at boundary l */
    const float *moves;    /* [n_layers] the same */
    const float *precisions;
    size_t n_precisions;
    const float *ks;
    size_t n_ks;
    const float *margins;      /* [n_precisions][n_ks] */
    const float *dispersions;  /* [n_precisions][n_ks] */
    const float *first_layers; /* [n_precisions][n_ks] */
} grt_profile;

/* Opens the profile at `path` ("": none is wanted); with NULL there the one at `home`
 * (grt_profile_home), else the one beside the checkpoint.  GRT_OK with an empty profile
 * when there is none. */
GRT_NODISCARD grt_status grt_profile_open(grt_profile *out,
                                          const grt_checkpoint *checkpoint,
                                          const grt_network *network, const char *path,
                                          const char *home, grt_error *err);
/* Reads the profile in `file`, which is closed in any case.  GRT_E_FORMAT names the
 * tensor at fault: missing, of another type or shape, with values that make no sense
 * (not finite, or negative where a size is meant), or of other weights. */
GRT_NODISCARD grt_status grt_profile_read(grt_profile *out, grt_file *file,
                                          const grt_checkpoint *checkpoint,
                                          const grt_network *network, grt_error *err);
void grt_profile_release(grt_profile *profile);

/* Where a profile of the checkpoint is looked for first, in a grt_alloc block: under
 * its fingerprint in a folder of profiles, or beside it when that is NULL or not there.
 * GRT_E_IO when the weights cannot be read. */
GRT_NODISCARD grt_status grt_profile_home(char **out, const grt_checkpoint *checkpoint,
                                          const char *folder, grt_error *err);

/* How many queries the profile at `path` rests on, of whatever checkpoint; 0 where no
 * profile can be read, SIZE_MAX where one does not say. */
size_t grt_profile_count_queries(const char *path);

grt_readout grt_profile_readout(const grt_profile *profile, size_t boundary);

/* The most careful value of a table among the neighbours of (precision, k) in the grid:
 * the next higher precision (the highest there is when none is), and the ks on both
 * sides. */
float grt_profile_margin(const grt_profile *profile, float precision, size_t k);
void grt_profile_cluster(const grt_profile *profile, float precision, size_t k,
                         float *dispersion, size_t *first_layer);

#endif /* GRT_PROFILE_PROFILE_H */
