/* rows.h - what a device holds, as handles: rows of values, and weights.
 *
 * Outside compute/ a handle is made, cut and handed to operations (device.h), and
 * nothing else: behind it may be memory that the host cannot see.
 * tools/check_rows.py fails where another folder looks inside. */
#ifndef GRT_COMPUTE_ROWS_H
#define GRT_COMPUTE_ROWS_H

#include "base/dtype.h"

#include <stdbool.h>
#include <stddef.h>

enum { GRT_MAX_HEAD_SIZE = 512 }; /* values of a head of attention */

/* A block of a device's memory (grt_device_alloc). */
typedef struct grt_memory grt_memory;

/* Some rows of many. */
typedef struct grt_span {
    size_t first, n;
} grt_span;

/* ---- Rows of f32 values ---- */

typedef struct grt_rows {
    struct {
        grt_memory *memory;
        size_t at;     /* value of the memory at which row 0 begins */
        size_t width;  /* values of a row */
        size_t stride; /* values from a row to the next */
    } inside;
} grt_rows;

/* Row 0 becomes row `first`. */
static inline grt_rows grt_rows_from(grt_rows rows, size_t first)
{
    rows.inside.at += first * rows.inside.stride;
    return rows;
}

/* `width` values of each row, from value `first` on. */
static inline grt_rows grt_rows_columns(grt_rows rows, size_t first, size_t width)
{
    rows.inside.at += first;
    rows.inside.width = width;
    return rows;
}

/* Memory that is dealt out from its start. */
typedef struct grt_space {
    struct {
        grt_memory *memory;
        size_t at; /* values dealt out */
    } inside;
} grt_space;

static inline grt_space grt_space_of(grt_memory *memory)
{
    return (grt_space){{memory, 0}};
}

/* The next n_rows rows of `width` values, side by side. */
static inline grt_rows grt_space_take(grt_space *space, size_t n_rows, size_t width)
{
    grt_rows rows = {{space->inside.memory, space->inside.at, width, width}};
    space->inside.at += n_rows * width;
    return rows;
}

/* ---- Weights ---- */

/* Shape and type of a weight as a checkpoint holds it. */
typedef struct grt_weight_shape {
    grt_dtype dtype;
    size_t n_out; /* 0: it is lacking */
    size_t n_in;  /* 0: a vector */
    float offset; /* of a vector: added to each value */
} grt_weight_shape;

/* A weight on a device (grt_op_place): a matrix in storage type, or a vector of f32.
 * All zero: it is lacking. */
typedef struct grt_weight {
    struct {
        const grt_memory *memory;
        size_t at; /* byte of the memory at which row 0 begins; any alignment */
        grt_dtype dtype;
        size_t n_out; /* rows; values of a vector */
        size_t n_in;  /* fills whole blocks; 0: a vector */
    } inside;
} grt_weight;

static inline bool grt_weight_is_there(const grt_weight *weight)
{
    return weight && weight->inside.n_out > 0;
}

/* n rows of a matrix, from row `first` on. */
static inline grt_weight grt_weight_rows(const grt_weight *weight, size_t first,
                                         size_t n)
{
    grt_weight part = *weight;
    uint64_t row_bytes = 0;
    (void)grt_dtype_bytes(&row_bytes, part.inside.dtype, part.inside.n_in);
    part.inside.at += first * (size_t)row_bytes;
    part.inside.n_out = n;
    return part;
}

#endif /* GRT_COMPUTE_ROWS_H */
