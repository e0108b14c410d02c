/* on_device.h - a device with threads and scratch, and rows on it. */
#ifndef GRT_TESTS_ON_DEVICE_H
#define GRT_TESTS_ON_DEVICE_H

#include "test.h"

#include "compute/device.h"

typedef struct on_device {
    grt_pool *pool;
    grt_device *device;
    grt_memory *rows_scratch, *scratch;
} on_device;

/* Scratch is of the promised size exactly, so that a sanitizer sees a step too far. */
static inline void on_device_open(on_device *on, size_t n_threads, uint32_t features,
                                  grt_arithmetic arithmetic,
                                  const grt_device_load *load)
{
    grt_error err;
    memset(on, 0, sizeof(*on));
    assert_ok(grt_pool_create(&on->pool, n_threads, &err), &err);
    assert_ok(grt_device_create(&on->device, on->pool, features, arithmetic, &err),
              &err);
    uint64_t of_rows = grt_device_rows_scratch_bytes(on->device, load);
    uint64_t of_all = grt_device_scratch_bytes(on->device, load);
    assert_ok(grt_device_alloc(on->device, &on->rows_scratch, (size_t)of_rows,
                               "scratch", &err),
              &err);
    assert_ok(
        grt_device_alloc(on->device, &on->scratch, (size_t)of_all, "scratch", &err),
        &err);
    grt_device_use_scratch(on->device, load, on->rows_scratch, on->scratch);
}

static inline void on_device_close(on_device *on)
{
    grt_device_release(on->device, on->rows_scratch);
    grt_device_release(on->device, on->scratch);
    grt_device_free(on->device);
    grt_pool_free(on->pool);
}

static inline grt_memory *device_floats(grt_device *device, size_t n)
{
    grt_error err;
    grt_memory *memory = NULL;
    assert_ok(grt_device_alloc(device, &memory, n * sizeof(float), "rows", &err), &err);
    return memory;
}

/* Rows of a memory of their own, to be released. */
static inline grt_rows device_rows(grt_device *device, grt_memory **memory,
                                   size_t n_rows, size_t width)
{
    *memory = device_floats(device, n_rows * width);
    grt_space space = grt_space_of(*memory);
    return grt_space_take(&space, n_rows, width);
}

static inline void to_device(grt_device *device, grt_rows rows, const float *values,
                             size_t n_rows)
{
    grt_op_upload(device, rows, values, GRT_DTYPE_F32, n_rows);
}

static inline void from_device(grt_device *device, grt_rows rows, float *values,
                               size_t n_rows)
{
    grt_error err;
    assert_ok(grt_op_download(device, rows, n_rows, values, &err), &err);
}

#endif /* GRT_TESTS_ON_DEVICE_H */
