/* test_stories.c - a small, really trained decoder (llama2.c's stories260K) through our
 * blocks: its published greedy continuation must come out token for token.
 *
 * All 200 steps are checked in one pass: row i, fed the published tokens 0..i, must
 * choose token i + 1.  Queries and keys are stored for rotary embedding of neighbours
 * (2i, 2i+1). */
#include "test.h"

#include "base/cpu.h"
#include "compute/on_device.h"
#include "golden/llama2c.h"
#include "models/blocks/blocks.h"

#include <jansson.h>
#include <math.h>

#define WEIGHTS GRT_SHARED_DIR "/data/weights/llama2c-stories260K/stories260K.bin"
#define GOLDEN  GRT_SHARED_DIR "/data/golden/stories260K_golden.json"

enum { MAX_ROWS = 256 };

typedef struct decoder {
    llama2c weights;
    grt_network network;
    on_device on;
    grt_workspace workspace;
    size_t n_rows;
    grt_memory *memory, *vector;
    grt_rows x, normed, gate, up, logits;
    grt_attended rows;
    uint32_t positions[MAX_ROWS];
} decoder;

static grt_weight placed(const decoder *d, const float *values, size_t n_out,
                         size_t n_in)
{
    grt_weight weight;
    grt_weight_shape shape = {GRT_DTYPE_F32, n_out, n_in, 0.0f};
    const void *data = values;
    grt_op_place(d->on.device, d->vector, &shape, &data, 1, &weight);
    return weight;
}

static void multiply(const decoder *d, const float *values, size_t n_out, size_t n_in,
                     grt_rows x, grt_rows y, grt_linear_kind kind)
{
    grt_weight weight = placed(d, values, n_out, n_in);
    grt_op_linear(d->on.device, kind, y, x, d->n_rows, &weight, NULL);
}

static void norm(const decoder *d, const float *values)
{
    grt_weight weight = placed(d, values, d->weights.dim, 0);
    grt_op_rms_norm(d->on.device, d->normed, d->x, d->n_rows, &weight, 1e-5f);
}

static void turn(const decoder *d, const grt_layer_kind *kind, grt_rows x,
                 size_t n_heads)
{
    grt_turn turn = {.kind = kind,
                     .positions = d->positions,
                     .n_heads = n_heads,
                     .is_interleaved = true};
    grt_block_turn(&d->network, &d->workspace, &turn, x, d->n_rows);
}

static void run_layer(const decoder *d, size_t l)
{
    const llama2c *w = &d->weights;
    const grt_attended *rows = &d->rows;
    size_t dim = w->dim, ffn = w->ffn_size, kv = w->n_kv_heads * w->head_size;
    const size_t offsets[] = {0, d->n_rows};
    grt_chunk chunk = {
        .hidden = d->x, .n_rows = d->n_rows, .offsets = offsets, .n_sequences = 1};
    grt_layer_kind kind = {.scale = 1.0f / sqrtf((float)w->head_size)};
    norm(d, w->att_norm + l * dim);
    multiply(d, w->query + l * dim * dim, dim, dim, d->normed, rows->queries, 0);
    multiply(d, w->key + l * kv * dim, kv, dim, d->normed, rows->keys, 0);
    multiply(d, w->value + l * kv * dim, kv, dim, d->normed, rows->values, 0);
    turn(d, &kind, rows->queries, w->n_heads);
    turn(d, &kind, rows->keys, w->n_kv_heads);
    grt_block_attention(&d->network, &d->workspace, &kind, &chunk, rows);
    multiply(d, w->output + l * dim * dim, dim, dim, rows->out, d->x, GRT_LINEAR_ADD);
    norm(d, w->ffn_norm + l * dim);
    multiply(d, w->gate + l * ffn * dim, ffn, dim, d->normed, d->gate, 0);
    multiply(d, w->up + l * ffn * dim, ffn, dim, d->normed, d->up, 0);
    grt_op_gate(d->on.device, GRT_ACTIVATION_SILU, d->gate, d->up, d->n_rows);
    multiply(d, w->down + l * dim * ffn, dim, ffn, d->gate, d->x, GRT_LINEAR_ADD);
}

static void check_continuation(decoder *d, json_t *tokens, json_t *first_logits)
{
    const llama2c *w = &d->weights;
    for (size_t i = 0; i < d->n_rows; i++) {
        size_t token = (size_t)json_integer_value(json_array_get(tokens, i));
        to_device(d->on.device, grt_rows_from(d->x, i), w->embedding + token * w->dim,
                  1);
    }
    for (size_t l = 0; l < w->n_layers; l++)
        run_layer(d, l);
    norm(d, w->final_norm);
    multiply(d, w->classifier, w->vocab_size, w->dim, d->normed, d->logits, 0);
    float *logits = malloc(d->n_rows * w->vocab_size * sizeof(*logits));
    assert_non_null(logits);
    from_device(d->on.device, d->logits, logits, d->n_rows);
    for (size_t i = 0; i < w->vocab_size; i++) {
        double wanted = json_number_value(json_array_get(first_logits, i));
        assert_true(fabs((double)logits[i] - wanted) < 1e-4);
    }
    for (size_t i = 0; i < d->n_rows; i++) {
        size_t best = 0;
        const float *row = logits + i * w->vocab_size;
        for (size_t j = 1; j < w->vocab_size; j++)
            if (row[j] > row[best]) best = j;
        assert_int_equal(best, json_integer_value(json_array_get(tokens, i + 1)));
    }
    free(logits);
}

static void decoder_init(decoder *d, uint32_t features)
{
    static const grt_architecture causal = {.is_causal = true};
    static double angles[GRT_MAX_HEAD_SIZE / 2];
    const llama2c *w = &d->weights;
    size_t n = d->n_rows;
    d->network = (grt_network){.architecture = &causal,
                               .n_heads = w->n_heads,
                               .n_kv_heads = w->n_kv_heads,
                               .head_size = w->head_size,
                               .ropes = {angles},
                               .n_ropes = 1};
    for (size_t i = 0; i < w->head_size / 2; i++)
        angles[i] = pow(10000.0, -2.0 * (double)i / (double)w->head_size);
    grt_device_load load = {n, w->ffn_size, n, w->n_heads / w->n_kv_heads,
                            w->head_size};
    on_device_open(&d->on, 2, features, GRT_ARITHMETIC_F32, &load);
    size_t rope = grt_rope_floats(&d->network, n);
    size_t row =
        4 * w->dim + 2 * w->n_kv_heads * w->head_size + 2 * w->ffn_size + w->vocab_size;
    d->vector = device_floats(d->on.device, w->dim);
    d->memory = device_floats(d->on.device, rope + n * row);
    d->workspace =
        (grt_workspace){.device = d->on.device,
                        .ropes = grt_rope_fill(&d->network, d->on.device, n, d->memory),
                        .rope_rows = n};
    grt_space space = grt_space_of(d->memory);
    (void)grt_space_take(&space, 1, rope);
    d->x = grt_space_take(&space, n, w->dim);
    d->normed = grt_space_take(&space, n, w->dim);
    d->rows = grt_attended_take(&space, &d->network, n);
    d->gate = grt_space_take(&space, n, w->ffn_size);
    d->up = grt_space_take(&space, n, w->ffn_size);
    d->logits = grt_space_take(&space, n, w->vocab_size);
    for (uint32_t i = 0; i < n; i++)
        d->positions[i] = i;
}

static void decoder_release(decoder *d)
{
    grt_device_release(d->on.device, d->memory);
    grt_device_release(d->on.device, d->vector);
    on_device_close(&d->on);
}

static void test_greedy_continuation(void **state)
{
    (void)state;
    decoder d = {0};
    if (!llama2c_open(&d.weights, WEIGHTS)) {
        printf("SKIP stories260K: %s is not there\n", WEIGHTS);
        skip();
    }
    json_t *golden = json_load_file(GOLDEN, 0, NULL);
    assert_non_null(golden);
    json_t *tokens = json_object_get(golden, "tokens");
    d.n_rows = json_array_size(tokens) - 1;
    assert_in_range(d.n_rows, 100, MAX_ROWS);
    const uint32_t sets[] = {0, GRT_CPU_AVX2, GRT_CPU_AVX2 | GRT_CPU_AVX512,
                             GRT_CPU_NEON};
    for (size_t i = 0; i < sizeof(sets) / sizeof(sets[0]); i++) {
        if (sets[i] & ~grt_cpu_features()) continue;
        decoder_init(&d, sets[i]);
        check_continuation(&d, tokens, json_object_get(golden, "logits_pos0_bos"));
        printf("%zu tokens reproduced (%s)\n", d.n_rows, grt_device_isa(d.on.device));
        decoder_release(&d);
    }
    json_decref(golden);
    llama2c_close(&d.weights);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_greedy_continuation),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
