/* samples.h - what full passes gave, in a file that grows query by query.
 *
 * Little-endian.  A header of 64 bytes:
 *   "GRTSAMPL", u32 version (2), u32 n_layers, u32 pooled size, u32 0,
 *   f32 fingerprint[4], u64 weights, zeros
 * then records, one for each query with n candidates:
 *   u64 mark, u64 key, u64 n, u64 check (grt_hash_u64 of key and n)
 *   for each boundary 1..n_layers-1: f32 scores[n] by the head, f32 pooled[n][size]
 *   f32 scores[n] of the last layer
 *
 * The mark is written last, after all else is on the disk: a record without it, or one
 * that the file ends in, was cut off by an interruption and is dropped when the file is
 * opened. */
#ifndef GRT_CALIBRATE_SAMPLES_H
#define GRT_CALIBRATE_SAMPLES_H

#include "io/file.h"
#include "io/output.h"
#include "profile/fingerprint.h"

/* One query in the file. */
typedef struct grt_samples_record {
    uint64_t offset;
    uint64_t key;
    size_t n; /* candidates */
} grt_samples_record;

/* Which model's samples. */
typedef struct grt_samples_shape {
    size_t n_layers; /* at least 2 */
    size_t pooled_size;
    grt_fingerprint fingerprint;
} grt_samples_shape;

/* One thread at a time. */
typedef struct grt_samples {
    grt_samples_shape shape;
    grt_output *output;
    grt_file *file;
    grt_samples_record *records; /* [n_records] */
    size_t n_records;
    size_t capacity;
    uint64_t end;               /* of the last whole record */
    grt_samples_record writing; /* between begin and finish */
} grt_samples;

/* Opens the file at `path` or creates it.  GRT_E_FORMAT: not such a file, of another
 * model or other weights, or damaged; it is left as it is then.  On failure release all
 * the same. */
GRT_NODISCARD grt_status grt_samples_open(grt_samples *samples, const char *path,
                                          const grt_samples_shape *shape,
                                          grt_error *err);
void grt_samples_close(grt_samples *samples);

bool grt_samples_has(const grt_samples *samples, uint64_t key);

/* A record is begun, put together in any order, and finished; or abandoned, which
 * leaves the file as it was before.  layer: 1..n_layers; pooled: [n][pooled size], NULL
 * at the last layer. */
GRT_NODISCARD grt_status grt_samples_begin(grt_samples *samples, uint64_t key, size_t n,
                                           grt_error *err);
GRT_NODISCARD grt_status grt_samples_put(grt_samples *samples, size_t layer,
                                         size_t first, size_t n, const float *scores,
                                         const float *pooled, grt_error *err);
GRT_NODISCARD grt_status grt_samples_finish(grt_samples *samples, grt_error *err);
void grt_samples_abandon(grt_samples *samples);

/* Of record i: scores[n] after `layer` layers; pooled[n][pooled size], layer <
 * n_layers. GRT_E_FORMAT for values that are not finite. */
GRT_NODISCARD grt_status grt_samples_scores(const grt_samples *samples, size_t i,
                                            size_t layer, float *scores,
                                            grt_error *err);
GRT_NODISCARD grt_status grt_samples_pooled(const grt_samples *samples, size_t i,
                                            size_t layer, float *pooled,
                                            grt_error *err);

#endif /* GRT_CALIBRATE_SAMPLES_H */
