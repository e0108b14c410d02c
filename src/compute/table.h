/* table.h - what a device fills in; see device.h for what each function does.  For
 * compute/ only. */
#ifndef GRT_COMPUTE_TABLE_H
#define GRT_COMPUTE_TABLE_H

#include "compute/device.h"

typedef struct grt_device_table {
    void (*free)(grt_device *device);
    grt_arithmetic (*arithmetic)(const grt_device *device);
    const char *(*isa)(const grt_device *device);
    /* memory */
    grt_status (*alloc)(grt_device *device, grt_memory **out, size_t n_bytes,
                        const char *what, grt_error *err);
    void (*release)(grt_device *device, grt_memory *memory);
    uint64_t (*rows_scratch_bytes)(const grt_device *device,
                                   const grt_device_load *load);
    uint64_t (*scratch_bytes)(const grt_device *device, const grt_device_load *load);
    void (*use_scratch)(grt_device *device, const grt_device_load *load,
                        grt_memory *rows_scratch, grt_memory *scratch);
    size_t (*place_bytes)(const grt_device *device, const grt_weight_shape *shapes,
                          size_t n);
    /* operations */
    void (*place)(grt_device *device, grt_memory *memory,
                  const grt_weight_shape *shapes, const void *const *data, size_t n,
                  grt_weight *out);
    void (*upload)(grt_device *device, grt_rows dst, const void *data, grt_dtype dtype,
                   size_t n_rows);
    grt_status (*download)(grt_device *device, grt_rows src, size_t n_rows, float *out,
                           grt_error *err);
    grt_rows (*borrow)(grt_device *device, float *stored, size_t n_rows, size_t width);
    grt_status (*give_back)(grt_device *device, grt_rows rows, size_t n_rows,
                            float *stored, grt_error *err);
    void (*linear)(grt_device *device, grt_linear_kind kind, grt_rows y, grt_rows x,
                   size_t n_rows, const grt_weight *weight, const grt_weight *bias);
    void (*attention)(grt_device *device, const grt_attention_op *op);
    void (*layer_norm)(grt_device *device, grt_rows dst, grt_rows x, size_t n_rows,
                       const grt_weight *weight, const grt_weight *bias, float eps);
    void (*rms_norm)(grt_device *device, grt_rows dst, grt_rows x, size_t n_rows,
                     const grt_weight *weight, float eps);
    void (*activate)(grt_device *device, grt_activation activation, grt_rows x,
                     size_t n_rows);
    void (*gate)(grt_device *device, grt_activation activation, grt_rows gate,
                 grt_rows up, size_t n_rows);
    void (*rope)(grt_device *device, grt_rows x, size_t n_rows, const grt_rope_op *op);
    void (*add)(grt_device *device, grt_rows y, grt_rows x, size_t n_rows);
    void (*scale)(grt_device *device, grt_rows x, float factor, size_t n_rows);
    void (*copy)(grt_device *device, grt_rows dst, grt_rows src, size_t n_rows);
    void (*gather)(grt_device *device, grt_rows dst, grt_rows src, const size_t *rows,
                   size_t n);
    void (*mean)(grt_device *device, grt_rows dst, grt_rows src, const grt_span *spans,
                 size_t n);
    void (*embed)(grt_device *device, grt_rows x, const grt_weight *table,
                  const uint32_t *ids, size_t n_rows);
} grt_device_table;

/* What a device's own struct begins with. */
struct grt_device {
    const grt_device_table *table;
};

/* What tables may rely on (device.c asserts it). */
static inline bool grt_is_vector(const grt_weight *weight, size_t n)
{
    return weight->inside.n_in == 0 && weight->inside.n_out == n;
}

static inline bool grt_is_vector_or_none(const grt_weight *weight, size_t n)
{
    return !grt_weight_is_there(weight) || grt_is_vector(weight, n);
}

#endif /* GRT_COMPUTE_TABLE_H */
