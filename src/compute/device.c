/* device.c - hands what is asked for to a device's table, and asserts first what holds
 * for all devices: that widths fit. */
#include "compute/cpu/cpu.h"
#include "compute/table.h"

#include <assert.h>

grt_status grt_device_create(grt_device **out, grt_pool *pool, uint32_t features,
                             grt_arithmetic arithmetic, grt_error *err)
{
    return grt_cpu_create(out, pool, features, arithmetic, err);
}

void grt_device_free(grt_device *device)
{
    if (device) device->table->free(device);
}

grt_arithmetic grt_device_arithmetic(const grt_device *device)
{
    return device->table->arithmetic(device);
}

const char *grt_device_isa(const grt_device *device)
{
    return device->table->isa(device);
}

/* ---- Memory ---- */

grt_status grt_device_alloc(grt_device *device, grt_memory **out, size_t n_bytes,
                            const char *what, grt_error *err)
{
    return device->table->alloc(device, out, n_bytes, what, err);
}

void grt_device_release(grt_device *device, grt_memory *memory)
{
    if (memory) device->table->release(device, memory);
}

uint64_t grt_device_rows_scratch_bytes(const grt_device *device,
                                       const grt_device_load *load)
{
    return device->table->rows_scratch_bytes(device, load);
}

uint64_t grt_device_scratch_bytes(const grt_device *device, const grt_device_load *load)
{
    return device->table->scratch_bytes(device, load);
}

void grt_device_use_scratch(grt_device *device, const grt_device_load *load,
                            grt_memory *rows_scratch, grt_memory *scratch)
{
    device->table->use_scratch(device, load, rows_scratch, scratch);
}

size_t grt_device_place_bytes(const grt_device *device, const grt_weight_shape *shapes,
                              size_t n)
{
    return device->table->place_bytes(device, shapes, n);
}

/* ---- Operations ---- */

void grt_op_place(grt_device *device, grt_memory *memory,
                  const grt_weight_shape *shapes, const void *const *data, size_t n,
                  grt_weight *out)
{
    device->table->place(device, memory, shapes, data, n, out);
}

void grt_op_upload(grt_device *device, grt_rows dst, const void *data, grt_dtype dtype,
                   size_t n_rows)
{
    device->table->upload(device, dst, data, dtype, n_rows);
}

grt_status grt_op_download(grt_device *device, grt_rows src, size_t n_rows, float *out,
                           grt_error *err)
{
    return device->table->download(device, src, n_rows, out, err);
}

grt_rows grt_op_borrow(grt_device *device, float *stored, size_t n_rows, size_t width)
{
    return device->table->borrow(device, stored, n_rows, width);
}

grt_status grt_op_give_back(grt_device *device, grt_rows rows, size_t n_rows,
                            float *stored, grt_error *err)
{
    return device->table->give_back(device, rows, n_rows, stored, err);
}

void grt_op_linear(grt_device *device, grt_linear_kind kind, grt_rows y, grt_rows x,
                   size_t n_rows, const grt_weight *weight, const grt_weight *bias)
{
    assert(x.inside.width == weight->inside.n_in);
    assert(y.inside.width == weight->inside.n_out);
    assert(grt_is_vector_or_none(bias, y.inside.width));
    device->table->linear(device, kind, y, x, n_rows, weight, bias);
}

void grt_op_attention(grt_device *device, const grt_attention_op *op)
{
    assert(op->head_size <= GRT_MAX_HEAD_SIZE && op->n_heads % op->n_kv_heads == 0);
    assert(op->queries.inside.width == op->n_heads * op->head_size);
    assert(op->out.inside.width == op->queries.inside.width);
    assert(op->keys.inside.width == op->n_kv_heads * op->head_size);
    assert(op->values.inside.width == op->keys.inside.width);
    assert(op->n_prefix == 0 ||
           (op->prefix_keys.inside.width == op->keys.inside.width &&
            op->prefix_values.inside.width == op->keys.inside.width));
    device->table->attention(device, op);
}

void grt_op_layer_norm(grt_device *device, grt_rows dst, grt_rows x, size_t n_rows,
                       const grt_weight *weight, const grt_weight *bias, float eps)
{
    assert(dst.inside.width == x.inside.width);
    assert(grt_is_vector(weight, x.inside.width) &&
           grt_is_vector(bias, x.inside.width));
    device->table->layer_norm(device, dst, x, n_rows, weight, bias, eps);
}

void grt_op_rms_norm(grt_device *device, grt_rows dst, grt_rows x, size_t n_rows,
                     const grt_weight *weight, float eps)
{
    assert(dst.inside.width == x.inside.width && grt_is_vector(weight, x.inside.width));
    device->table->rms_norm(device, dst, x, n_rows, weight, eps);
}

void grt_op_activate(grt_device *device, grt_activation activation, grt_rows x,
                     size_t n_rows)
{
    device->table->activate(device, activation, x, n_rows);
}

void grt_op_gate(grt_device *device, grt_activation activation, grt_rows gate,
                 grt_rows up, size_t n_rows)
{
    assert(gate.inside.width == up.inside.width);
    device->table->gate(device, activation, gate, up, n_rows);
}

void grt_op_rope(grt_device *device, grt_rows x, size_t n_rows, const grt_rope_op *op)
{
    assert(x.inside.width == op->n_heads * op->head_size);
    assert(op->head_size <= GRT_MAX_HEAD_SIZE);
    assert(op->cosines.inside.width == op->head_size / 2);
    assert(op->sines.inside.width == op->head_size / 2);
    assert(grt_is_vector_or_none(op->norm, op->head_size));
    device->table->rope(device, x, n_rows, op);
}

void grt_op_add(grt_device *device, grt_rows y, grt_rows x, size_t n_rows)
{
    assert(y.inside.width == x.inside.width);
    device->table->add(device, y, x, n_rows);
}

void grt_op_scale(grt_device *device, grt_rows x, float factor, size_t n_rows)
{
    device->table->scale(device, x, factor, n_rows);
}

void grt_op_copy(grt_device *device, grt_rows dst, grt_rows src, size_t n_rows)
{
    assert(dst.inside.width == src.inside.width);
    device->table->copy(device, dst, src, n_rows);
}

void grt_op_gather(grt_device *device, grt_rows dst, grt_rows src, const size_t *rows,
                   size_t n)
{
    assert(dst.inside.width == src.inside.width);
    device->table->gather(device, dst, src, rows, n);
}

void grt_op_mean(grt_device *device, grt_rows dst, grt_rows src, const grt_span *spans,
                 size_t n)
{
    assert(dst.inside.width == src.inside.width);
    device->table->mean(device, dst, src, spans, n);
}

void grt_op_embed(grt_device *device, grt_rows x, const grt_weight *table,
                  const uint32_t *ids, size_t n_rows)
{
    assert(x.inside.width == table->inside.n_in);
    device->table->embed(device, x, table, ids, n_rows);
}
