/* buffers.c - see buffers.h. */
#include "rank/buffers.h"

#include "base/checked.h"
#include "base/memory.h"
#include "rank/forward.h"
#include "rank/result.h"
#include "rank/scoring.h"
#include "select/decisions.h"

static uint64_t product(uint64_t a, uint64_t b)
{
    uint64_t result;
    return grt_mul_u64(&result, a, b) ? result : UINT64_MAX;
}

static uint64_t sum(uint64_t a, uint64_t b)
{
    uint64_t result;
    return grt_add_u64(&result, a, b) ? result : UINT64_MAX;
}

grt_device_load grt_load_of(const grt_network *network, size_t n_longest,
                            size_t chunk_rows)
{
    return (grt_device_load){.n_rows = chunk_rows,
                             .most_inputs = grt_layer_most_inputs(network),
                             .n_longest = n_longest,
                             .n_sharing = network->n_heads / network->n_kv_heads,
                             .head_size = network->head_size};
}

/* ---- Bytes of each ---- */

static uint64_t chunk(const grt_plan_input *in, size_t rows)
{
    size_t n = in->network->architecture->floats_per_row(in->network);
    return product(rows, n * sizeof(float));
}

static uint64_t positions(const grt_plan_input *in, size_t rows)
{
    (void)in;
    return product(rows, sizeof(uint32_t));
}

static uint64_t rows_scratch(const grt_plan_input *in, size_t rows)
{
    grt_device_load load = grt_load_of(in->network, in->n_longest, rows);
    return grt_device_rows_scratch_bytes(in->device, &load);
}

static uint64_t scratch(const grt_plan_input *in, size_t rows)
{
    grt_device_load load = grt_load_of(in->network, in->n_longest, rows);
    return grt_device_scratch_bytes(in->device, &load);
}

static uint64_t layer(const grt_plan_input *in, size_t rows)
{
    (void)rows;
    return grt_layer_place_bytes(in->network, in->device);
}

static uint64_t scoring(const grt_plan_input *in, size_t rows)
{
    (void)rows;
    return product(grt_scoring_floats(in->network), sizeof(float));
}

static uint64_t pooled(const grt_plan_input *in, size_t rows)
{
    (void)rows;
    return product(grt_readout_floats(in->network), sizeof(float));
}

static uint64_t rope(const grt_plan_input *in, size_t rows)
{
    (void)rows;
    return product(in->n_longest, grt_rope_floats(in->network, 1) * sizeof(float));
}

static uint64_t prefix(const grt_plan_input *in, size_t rows)
{
    (void)rows;
    size_t kv = in->network->n_kv_heads * in->network->head_size;
    return product(in->n_prefix, 2 * kv * sizeof(float));
}

static uint64_t decisions(const grt_plan_input *in, size_t rows)
{
    (void)rows;
    size_t n = grt_decisions_bytes(in->n_documents);
    return n == SIZE_MAX ? UINT64_MAX : n;
}

static uint64_t pass(const grt_plan_input *in, size_t rows)
{
    (void)rows;
    size_t pooled = in->is_observed ? grt_pooled_size(in->network) : 0;
    return grt_forward_bytes(in->n_pairs, pooled);
}

static uint64_t priors(const grt_plan_input *in, size_t rows)
{
    (void)rows;
    return product(in->n_documents, sizeof(float));
}

static uint64_t best(const grt_plan_input *in, size_t rows)
{
    (void)rows;
    return product(in->n_documents, sizeof(size_t));
}

static uint64_t step(const grt_plan_input *in, size_t rows)
{
    (void)rows;
    return product(in->n_documents, sizeof(size_t) + sizeof(float) + sizeof(int32_t));
}

static uint64_t result(const grt_plan_input *in, size_t rows)
{
    (void)rows;
    return sum(product(in->n_documents, sizeof(size_t)),
               grt_result_bytes(in->n_documents));
}

/* ---- The table ---- */

typedef struct buffer_spec {
    const char *name; /* for errors */
    bool is_of_device, is_of_chunk;
    uint64_t (*bytes)(const grt_plan_input *input, size_t chunk_rows);
} buffer_spec;

static const buffer_spec specs[] = {
    [GRT_BUFFER_CHUNK] = {"a chunk's intermediates", true, true, chunk},
    [GRT_BUFFER_ROWS_SCRATCH] = {"matrix scratch", true, true, rows_scratch},
    [GRT_BUFFER_SCRATCH] = {"attention scratch", true, false, scratch},
    [GRT_BUFFER_LAYER] = {"a layer's vectors", true, false, layer},
    [GRT_BUFFER_SCORING] = {"scoring", true, false, scoring},
    [GRT_BUFFER_ROPE] = {"rotary positions", true, false, rope},
    [GRT_BUFFER_POSITIONS] = {"positions", false, true, positions},
    [GRT_BUFFER_POOLED] = {"pooled states", false, false, pooled},
    [GRT_BUFFER_PREFIX] = {"the shared prefix", true, false, prefix},
    [GRT_BUFFER_DECISIONS] = {"decisions", false, false, decisions},
    [GRT_BUFFER_PASS] = {"a pass", false, false, pass},
    [GRT_BUFFER_PRIORS] = {"priors", false, false, priors},
    [GRT_BUFFER_BEST] = {"best chunks", false, false, best},
    [GRT_BUFFER_STEP] = {"a step", false, false, step},
    [GRT_BUFFER_RESULT] = {"the ranking", false, false, result},
};
_Static_assert(sizeof(specs) / sizeof(specs[0]) == GRT_N_BUFFERS,
               "every buffer has its line");

uint64_t grt_buffer_bytes(grt_buffer_id id, const grt_plan_input *input,
                          size_t chunk_rows)
{
    return sum(specs[id].bytes(input, chunk_rows), GRT_BLOCK_HEADER);
}

uint64_t grt_buffer_row_bytes(const grt_plan_input *input)
{
    uint64_t total = 0;
    for (int id = 0; id < GRT_N_SHARED_BUFFERS; id++)
        total += specs[id].is_of_chunk
                     ? (specs[id].bytes(input, 1024) - specs[id].bytes(input, 0)) / 1024
                     : 0;
    return total;
}

bool grt_buffer_is_of_chunk(grt_buffer_id id)
{
    return specs[id].is_of_chunk;
}

grt_status grt_buffer_make(grt_buffer *buffer, grt_buffer_id id, grt_device *device,
                           uint64_t n_bytes, bool fits, grt_error *err)
{
    const buffer_spec *spec = &specs[id];
    if (n_bytes < GRT_BLOCK_HEADER || n_bytes > SIZE_MAX)
        GRT_FAIL(err, GRT_E_NO_MEMORY, "no memory for %s", spec->name);
    size_t wanted = (size_t)n_bytes - GRT_BLOCK_HEADER;
    bool is_enough = (buffer->data || buffer->memory) && wanted <= buffer->n_bytes;
    if (is_enough && (!fits || wanted == buffer->n_bytes)) return GRT_OK;
    grt_buffer_release(buffer);
    if (spec->is_of_device)
        GRT_TRY(grt_device_alloc(device, &buffer->memory, wanted, spec->name, err));
    else
        GRT_TRY(grt_alloc(&buffer->data, wanted, spec->name, err));
    buffer->device = device;
    buffer->n_bytes = wanted;
    return GRT_OK;
}

void grt_buffer_release(grt_buffer *buffer)
{
    if (buffer->memory) grt_device_release(buffer->device, buffer->memory);
    grt_free(buffer->data);
    *buffer = (grt_buffer){0};
}
