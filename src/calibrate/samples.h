/* samples.h - what full passes gave, in a file that grows query by query.
 *
 * Little-endian.  A header of 64 bytes:
 *   "GRTSAMPL", u32 version (2), u32 n_layers, u32 pooled size, u32 arithmetic (a
 *   grt_arithmetic; 0: not known), f32 fingerprint[4], u64 weights, zeros
 * then records, one for each query with n candidates:
 *   u64 mark, u64 key, u64 n, u64 check (grt_hash_u64 of key and n)
 *   for each boundary 1..n_layers-1: f32 scores[n] by the head, f32 pooled[n][size]
 *   f32 scores[n] of the last layer
 *
 * A mark is "gtrecord", or of a comparison, which has the candidates of an earlier
 * record in another arithmetic, "gtrecor" and the digit of that one.  It is written
 * last, after all else is on the disk: a record without it, or one that the file ends
 * in, was cut off by an interruption and is dropped when the file is opened. */
#ifndef GRT_CALIBRATE_SAMPLES_H
#define GRT_CALIBRATE_SAMPLES_H

#include "io/file.h"
#include "io/output.h"
#include "profile/fingerprint.h"

/* One query in the file. */
typedef struct grt_samples_record {
    uint64_t offset;
    uint64_t key;
    size_t n;                  /* candidates */
    grt_arithmetic arithmetic; /* of a comparison; AUTO: the file's own */
} grt_samples_record;

typedef struct grt_samples_list {
    grt_samples_record *records; /* [n] */
    size_t n;
    size_t capacity;
} grt_samples_list;

/* Which model's samples. */
typedef struct grt_samples_shape {
    size_t n_layers; /* at least 2 */
    size_t pooled_size;
    grt_fingerprint fingerprint;
    grt_arithmetic arithmetic; /* of a file that holds nothing yet */
} grt_samples_shape;

/* One thread at a time. */
typedef struct grt_samples {
    grt_samples_shape shape; /* with the file's arithmetic; AUTO: it does not say */
    grt_output *output;
    grt_file *file;
    grt_samples_list own;
    grt_samples_list compared;
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

/* The record of a query in the file's own arithmetic (AUTO) or in another one; NULL:
 * there is none. */
const grt_samples_record *grt_samples_find(const grt_samples *samples, uint64_t key,
                                           grt_arithmetic arithmetic);

/* A record, of a query in the file's own arithmetic (AUTO) or in another one, is begun,
 * put together in any order, and finished; or abandoned, which leaves the file as it
 * was before.  layer: 1..n_layers; pooled: [n][pooled size], NULL at the last layer. */
GRT_NODISCARD grt_status grt_samples_begin(grt_samples *samples, uint64_t key, size_t n,
                                           grt_arithmetic arithmetic, grt_error *err);
GRT_NODISCARD grt_status grt_samples_put(grt_samples *samples, size_t layer,
                                         size_t first, size_t n, const float *scores,
                                         const float *pooled, grt_error *err);
GRT_NODISCARD grt_status grt_samples_finish(grt_samples *samples, grt_error *err);
void grt_samples_abandon(grt_samples *samples);

/* Of a record: scores[n] after `layer` layers; pooled[n][pooled size], layer <
 * n_layers. GRT_E_FORMAT for values that are not finite. */
GRT_NODISCARD grt_status grt_samples_scores(const grt_samples *samples,
                                            const grt_samples_record *record,
                                            size_t layer, float *scores,
                                            grt_error *err);
GRT_NODISCARD grt_status grt_samples_pooled(const grt_samples *samples,
                                            const grt_samples_record *record,
                                            size_t layer, float *pooled,
                                            grt_error *err);

#endif /* GRT_CALIBRATE_SAMPLES_H */
