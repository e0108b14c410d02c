/* cpu.c - see cpu.h. */
#include "compute/cpu/cpu.h"

#include "base/checked.h"
#include "base/memory.h"
#include "compute/cpu/attention.h"
#include "compute/cpu/linear.h"

#include <string.h>

static const grt_cpu *cpu_of(const grt_device *device)
{
    return (const grt_cpu *)device;
}

static void cpu_free(grt_device *device)
{
    grt_free(grt_cpu_of(device));
}

static grt_arithmetic cpu_arithmetic(const grt_device *device)
{
    return cpu_of(device)->kernels.arithmetic;
}

static const char *cpu_isa(const grt_device *device)
{
    return cpu_of(device)->kernels.isa;
}

/* ---- Memory: blocks of the host ---- */

static grt_status cpu_alloc(grt_device *device, grt_memory **out, size_t n_bytes,
                            const char *what, grt_error *err)
{
    (void)device;
    return grt_alloc(out, n_bytes, what, err);
}

static void cpu_release(grt_device *device, grt_memory *memory)
{
    (void)device;
    grt_free(memory);
}

static uint64_t rows_scratch_bytes(const grt_device *device,
                                   const grt_device_load *load)
{
    const grt_cpu *cpu = cpu_of(device);
    size_t n_threads = grt_pool_n_threads(cpu->pool);
    uint64_t row = grt_linear_scratch_bytes(&cpu->kernels, 0, 1, load->most_inputs);
    uint64_t total;
    bool fits = grt_mul_u64(&total, row, load->n_rows) &&
                grt_add_u64(&total, total,
                            grt_linear_scratch_bytes(&cpu->kernels, n_threads, 0, 0));
    return fits ? total : UINT64_MAX;
}

/* Of one thread, in whole cache lines. */
static size_t attention_bytes(const grt_device_load *load)
{
    size_t n =
        grt_attention_scratch_bytes(load->n_longest, load->n_sharing, load->head_size);
    return (n + 63) / 64 * 64;
}

static uint64_t scratch_bytes(const grt_device *device, const grt_device_load *load)
{
    uint64_t n;
    size_t n_threads = grt_pool_n_threads(cpu_of(device)->pool);
    return grt_mul_u64(&n, attention_bytes(load), n_threads) ? n : UINT64_MAX;
}

static void use_scratch(grt_device *device, const grt_device_load *load,
                        grt_memory *rows_scratch, grt_memory *scratch)
{
    grt_cpu *cpu = grt_cpu_of(device);
    cpu->linear_scratch = rows_scratch;
    cpu->attention_scratch = (void *)scratch;
    cpu->attention_bytes = attention_bytes(load);
}

/* ---- To the device and back ---- */

/* Vectors only: a matrix stays where it is. */
static size_t place_bytes(const grt_device *device, const grt_weight_shape *shapes,
                          size_t n)
{
    size_t total = 0;
    (void)device;
    for (size_t i = 0; i < n; i++)
        if (shapes[i].n_in == 0) total += shapes[i].n_out * sizeof(float);
    return total;
}

static void place(grt_device *device, grt_memory *memory,
                  const grt_weight_shape *shapes, const void *const *data, size_t n,
                  grt_weight *out)
{
    const grt_kernels *kernels = &grt_cpu_of(device)->kernels;
    float *vectors = (void *)memory;
    for (size_t i = 0; i < n; i++) {
        const grt_weight_shape *shape = &shapes[i];
        out[i] = (grt_weight){{NULL, 0, shape->dtype, shape->n_out, shape->n_in}};
        if (shape->n_in != 0) {
            out[i].inside.memory = data[i];
            continue;
        }
        if (shape->n_out == 0) continue;
        kernels->unpack_row[shape->dtype](vectors, data[i], shape->n_out);
        for (size_t j = 0; shape->offset != 0.0f && j < shape->n_out; j++)
            vectors[j] += shape->offset;
        out[i].inside.memory = (const void *)vectors;
        out[i].inside.dtype = GRT_DTYPE_F32;
        vectors += shape->n_out;
    }
}

static void upload(grt_device *device, grt_rows dst, const void *data, grt_dtype dtype,
                   size_t n_rows)
{
    const grt_kernels *kernels = &grt_cpu_of(device)->kernels;
    uint64_t row_bytes = 0;
    size_t n = dst.inside.width;
    (void)grt_dtype_bytes(&row_bytes, dtype, n);
    for (size_t i = 0; i < n_rows; i++)
        kernels->unpack_row[dtype](grt_cpu_row(dst, i),
                                   (const unsigned char *)data + i * row_bytes, n);
}

static grt_status download(grt_device *device, grt_rows src, size_t n_rows, float *out,
                           grt_error *err)
{
    (void)device, (void)err;
    size_t n = src.inside.width;
    for (size_t i = 0; i < n_rows; i++)
        memcpy(out + i * n, grt_cpu_row(src, i), n * sizeof(*out));
    return GRT_OK;
}

static grt_rows borrow(grt_device *device, float *stored, size_t n_rows, size_t width)
{
    (void)device, (void)n_rows;
    return (grt_rows){{(void *)stored, 0, width, width}};
}

static grt_status give_back(grt_device *device, grt_rows rows, size_t n_rows,
                            float *stored, grt_error *err)
{
    (void)device, (void)rows, (void)n_rows, (void)stored, (void)err;
    return GRT_OK;
}

/* ---- Matrices ---- */

static void linear(grt_device *device, grt_linear_kind kind, grt_rows y, grt_rows x,
                   size_t n_rows, const grt_weight *weight, const grt_weight *bias)
{
    const grt_cpu *cpu = cpu_of(device);
    grt_matrix matrix = {grt_cpu_data(weight), weight->inside.dtype,
                         weight->inside.n_out, weight->inside.n_in};
    grt_linear_args args = {.x = grt_cpu_row(x, 0),
                            .ld_x = x.inside.stride,
                            .n_rows = n_rows,
                            .weight = &matrix,
                            .bias = grt_cpu_vector(bias),
                            .y = grt_cpu_row(y, 0),
                            .ld_y = y.inside.stride,
                            .is_added = kind == GRT_LINEAR_ADD,
                            .is_precise = kind == GRT_LINEAR_PRECISE};
    grt_linear(&cpu->kernels, cpu->pool, cpu->linear_scratch, &args);
}

/* A row of the table is unpacked in pieces, then added. */
static void embed(grt_device *device, grt_rows x, const grt_weight *table,
                  const uint32_t *ids, size_t n_rows)
{
    enum { PIECE = 1024 }; /* values; whole blocks of every type */
    const grt_kernels *kernels = &grt_cpu_of(device)->kernels;
    grt_dtype dtype = table->inside.dtype;
    float values[PIECE];
    uint64_t row_bytes = 0, piece_bytes = 0;
    (void)grt_dtype_bytes(&row_bytes, dtype, table->inside.n_in);
    (void)grt_dtype_bytes(&piece_bytes, dtype, PIECE);
    for (size_t i = 0; i < n_rows; i++) {
        const unsigned char *row =
            (const unsigned char *)grt_cpu_data(table) + ids[i] * row_bytes;
        for (size_t j = 0; j < table->inside.n_in; j += PIECE, row += piece_bytes) {
            size_t n = table->inside.n_in - j < PIECE ? table->inside.n_in - j : PIECE;
            kernels->unpack_row[dtype](values, row, n);
            kernels->add(grt_cpu_row(x, i) + j, values, n);
        }
    }
}

#define GRT_X(name, values, bytes) \
    _Static_assert(1024 % (values) == 0, #name " blocks cross a piece of a row");
GRT_DTYPE_LIST(GRT_X)
#undef GRT_X

/* ---- The table ---- */

static const grt_device_table cpu_table = {
    .free = cpu_free,
    .arithmetic = cpu_arithmetic,
    .isa = cpu_isa,
    .alloc = cpu_alloc,
    .release = cpu_release,
    .rows_scratch_bytes = rows_scratch_bytes,
    .scratch_bytes = scratch_bytes,
    .use_scratch = use_scratch,
    .place_bytes = place_bytes,
    .place = place,
    .upload = upload,
    .download = download,
    .borrow = borrow,
    .give_back = give_back,
    .linear = linear,
    .attention = grt_cpu_attention,
    .layer_norm = grt_cpu_layer_norm,
    .rms_norm = grt_cpu_rms_norm,
    .activate = grt_cpu_activate,
    .gate = grt_cpu_gate,
    .rope = grt_cpu_rope,
    .add = grt_cpu_add,
    .scale = grt_cpu_scale,
    .copy = grt_cpu_copy,
    .gather = grt_cpu_gather,
    .mean = grt_cpu_mean,
    .embed = embed,
};

grt_status grt_cpu_create(grt_device **out, grt_pool *pool, uint32_t features,
                          grt_arithmetic arithmetic, grt_error *err)
{
    grt_cpu *cpu;
    GRT_TRY(grt_alloc_array(&cpu, 1, sizeof(*cpu), "the device", err));
    cpu->device.table = &cpu_table;
    cpu->pool = pool;
    grt_kernels_choose(&cpu->kernels, features, arithmetic);
    *out = &cpu->device;
    return GRT_OK;
}
