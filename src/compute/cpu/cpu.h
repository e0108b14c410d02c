/* cpu.h - the CPU as a device: memory is the host's own, operations are done at once,
 * by a pool of threads.
 *
 *     cpu.c        the table; memory, scratch, weights, rows to the device and back
 *     rows.c       operations on rows
 *     sequences.c  attention, one task for some heads of a sequence: attention.c
 *     linear.c     matrices in storage type
 *     kernels/     what they call: one list of variants for each operation
 *
 * Work is split into tasks of fixed size, so results do not depend on the threads. */
#ifndef GRT_COMPUTE_CPU_CPU_H
#define GRT_COMPUTE_CPU_CPU_H

#include "compute/cpu/kernels/kernels.h"
#include "compute/table.h"

typedef struct grt_cpu {
    grt_device device;
    grt_kernels kernels;
    grt_pool *pool;
    void *linear_scratch;             /* grt_linear_scratch_bytes */
    unsigned char *attention_scratch; /* [n_threads][attention_bytes] */
    size_t attention_bytes;
} grt_cpu;

/* grt_device_create. */
GRT_NODISCARD grt_status grt_cpu_create(grt_device **out, grt_pool *pool,
                                        uint32_t features, grt_arithmetic arithmetic,
                                        grt_error *err);

static inline grt_cpu *grt_cpu_of(grt_device *device)
{
    return (grt_cpu *)device;
}

/* ---- Inside handles ---- */

static inline float *grt_cpu_row(grt_rows rows, size_t row)
{
    return (float *)(void *)rows.inside.memory + rows.inside.at +
           row * rows.inside.stride;
}

static inline const void *grt_cpu_data(const grt_weight *weight)
{
    return (const unsigned char *)(const void *)weight->inside.memory +
           weight->inside.at;
}

/* NULL: it is lacking. */
static inline const float *grt_cpu_vector(const grt_weight *weight)
{
    return grt_weight_is_there(weight) ? (const float *)grt_cpu_data(weight) : NULL;
}

/* ---- Operations of other files ---- */

void grt_cpu_attention(grt_device *device, const grt_attention_op *op);

void grt_cpu_layer_norm(grt_device *device, grt_rows dst, grt_rows x, size_t n_rows,
                        const grt_weight *weight, const grt_weight *bias, float eps);
void grt_cpu_rms_norm(grt_device *device, grt_rows dst, grt_rows x, size_t n_rows,
                      const grt_weight *weight, float eps);
void grt_cpu_activate(grt_device *device, grt_activation activation, grt_rows x,
                      size_t n_rows);
void grt_cpu_gate(grt_device *device, grt_activation activation, grt_rows gate,
                  grt_rows up, size_t n_rows);
void grt_cpu_rope(grt_device *device, grt_rows x, size_t n_rows, const grt_rope_op *op);
void grt_cpu_add(grt_device *device, grt_rows y, grt_rows x, size_t n_rows);
void grt_cpu_scale(grt_device *device, grt_rows x, float factor, size_t n_rows);
void grt_cpu_copy(grt_device *device, grt_rows dst, grt_rows src, size_t n_rows);
void grt_cpu_gather(grt_device *device, grt_rows dst, grt_rows src, const size_t *rows,
                    size_t n);
void grt_cpu_mean(grt_device *device, grt_rows dst, grt_rows src, const grt_span *spans,
                  size_t n);

#endif /* GRT_COMPUTE_CPU_CPU_H */
