/* test_stories.c - a small, really trained decoder (llama2.c's stories260K) through our
 * blocks: its published greedy continuation must come out token for token.
 *
 * All 200 steps are checked in one pass: row i, fed the published tokens 0..i, must
 * choose token i + 1.  Queries and keys are stored for rotary embedding of neighbours
 * (2i, 2i+1); their rows are put in half-split order, which turns the same pairs. */
#include "test.h"

#include "base/cpu.h"
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
    grt_kernels kernels;
    grt_workspace workspace;
    size_t n_rows;
    float *x, *normed, *queries, *keys, *values, *attended, *gate, *up, *rope;
} decoder;

static float *floats(size_t n)
{
    float *block = aligned_alloc(64, (n * sizeof(float) + 127) / 64 * 64);
    assert_non_null(block);
    return block;
}

static void multiply(const decoder *d, const float *weight, size_t n_out, size_t n_in,
                     const float *x, float *y, int is_added)
{
    grt_weight view = {weight, GRT_DTYPE_F32, n_out, n_in};
    grt_block_linear(&d->workspace, &view, NULL, x, y, d->n_rows, is_added);
}

/* y = x * W^T with each head's rows 2i, 2i+1 moved to i, i + half, then rotated. */
static void multiply_rotated(const decoder *d, const float *weight, size_t n_heads,
                             const float *x, float *y)
{
    size_t dim = d->weights.dim, size = d->weights.head_size, half = size / 2;
    float *split = floats(n_heads * size * dim);
    for (size_t row = 0; row < n_heads * size; row++) {
        size_t head = row / size, i = row % size;
        size_t to = head * size + (i % 2) * half + i / 2;
        memcpy(split + to * dim, weight + row * dim, dim * sizeof(float));
    }
    multiply(d, split, n_heads * size, dim, x, y, 0);
    for (size_t row = 0; row < d->n_rows; row++)
        for (size_t head = 0; head < n_heads; head++)
            d->kernels.rope(y + (row * n_heads + head) * size, d->rope + row * half,
                            d->rope + (MAX_ROWS + row) * half, size);
    free(split);
}

static void run_layer(const decoder *d, size_t l)
{
    const llama2c *w = &d->weights;
    size_t dim = w->dim, kv = w->n_kv_heads * w->head_size, n = d->n_rows;
    const size_t offsets[] = {0, n};
    grt_chunk chunk = {
        .hidden = d->x, .n_rows = n, .offsets = offsets, .n_sequences = 1};
    d->kernels.rms_norm(d->normed, dim, d->x, dim, w->att_norm + l * dim, 1e-5f, n,
                        dim);
    multiply_rotated(d, w->query + l * dim * dim, w->n_heads, d->normed, d->queries);
    multiply_rotated(d, w->key + l * kv * dim, w->n_kv_heads, d->normed, d->keys);
    multiply(d, w->value + l * kv * dim, kv, dim, d->normed, d->values, 0);
    grt_layer_kind kind = {.scale = 1.0f / sqrtf((float)w->head_size)};
    grt_block_attention(&d->network, &d->workspace, &kind, &chunk, d->queries, d->keys,
                        d->values, d->attended, 1);
    multiply(d, w->output + l * dim * dim, dim, dim, d->attended, d->x, 1);
    d->kernels.rms_norm(d->normed, dim, d->x, dim, w->ffn_norm + l * dim, 1e-5f, n,
                        dim);
    multiply(d, w->gate + l * w->ffn_size * dim, w->ffn_size, dim, d->normed, d->gate,
             0);
    multiply(d, w->up + l * w->ffn_size * dim, w->ffn_size, dim, d->normed, d->up, 0);
    d->kernels.silu_mul(d->gate, d->up, n * w->ffn_size);
    multiply(d, w->down + l * dim * w->ffn_size, dim, w->ffn_size, d->gate, d->x, 1);
}

static void check_continuation(decoder *d, json_t *tokens, json_t *first_logits)
{
    const llama2c *w = &d->weights;
    for (size_t i = 0; i < d->n_rows; i++)
        memcpy(d->x + i * w->dim,
               w->embedding +
                   (size_t)json_integer_value(json_array_get(tokens, i)) * w->dim,
               w->dim * sizeof(float));
    for (size_t l = 0; l < w->n_layers; l++)
        run_layer(d, l);
    d->kernels.rms_norm(d->normed, w->dim, d->x, w->dim, w->final_norm, 1e-5f,
                        d->n_rows, w->dim);
    float *logits = floats(d->n_rows * w->vocab_size);
    multiply(d, w->classifier, w->vocab_size, w->dim, d->normed, logits, 0);
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

static void decoder_init(decoder *d, uint32_t features, grt_pool *pool)
{
    const llama2c *w = &d->weights;
    d->network = (grt_network){
        .n_heads = w->n_heads, .n_kv_heads = w->n_kv_heads, .head_size = w->head_size};
    grt_kernels_choose(&d->kernels, features, GRT_ARITHMETIC_F32);
    size_t attention =
        grt_attention_scratch_bytes(MAX_ROWS, w->n_heads / w->n_kv_heads, w->head_size);
    attention = (attention + 63) / 64 * 64;
    d->workspace = (grt_workspace){
        .kernels = &d->kernels,
        .pool = pool,
        .linear_scratch = floats(grt_linear_scratch_bytes(&d->kernels, 2, 0, 0)),
        .attention_scratch = (unsigned char *)floats(2 * attention),
        .attention_scratch_bytes = attention};
    float **buffers[] = {&d->x,      &d->normed,   &d->queries, &d->keys,
                         &d->values, &d->attended, &d->gate,    &d->up};
    for (size_t i = 0; i < 8; i++)
        *buffers[i] = floats(MAX_ROWS * w->ffn_size);
    size_t half = w->head_size / 2;
    d->rope = floats(2 * MAX_ROWS * half);
    for (size_t p = 0; p < MAX_ROWS; p++)
        for (size_t i = 0; i < half; i++) {
            double angle =
                (double)p * pow(10000.0, -2.0 * (double)i / (double)w->head_size);
            d->rope[p * half + i] = (float)cos(angle);
            d->rope[(MAX_ROWS + p) * half + i] = (float)sin(angle);
        }
}

static void decoder_release(decoder *d)
{
    float *buffers[] = {d->x,        d->normed, d->queries, d->keys, d->values,
                        d->attended, d->gate,   d->up,      d->rope};
    for (size_t i = 0; i < sizeof(buffers) / sizeof(buffers[0]); i++)
        free(buffers[i]);
    free(d->workspace.linear_scratch);
    free(d->workspace.attention_scratch);
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
    grt_pool *pool = NULL;
    grt_error err;
    assert_ok(grt_pool_create(&pool, 2, &err), &err);
    const uint32_t sets[] = {0, GRT_CPU_AVX2, GRT_CPU_AVX2 | GRT_CPU_AVX512,
                             GRT_CPU_NEON};
    for (size_t i = 0; i < sizeof(sets) / sizeof(sets[0]); i++) {
        if (sets[i] & ~grt_cpu_features()) continue;
        decoder_init(&d, sets[i], pool);
        check_continuation(&d, tokens, json_object_get(golden, "logits_pos0_bos"));
        printf("%zu tokens reproduced (%s)\n", d.n_rows, d.kernels.isa);
        decoder_release(&d);
    }
    grt_pool_free(pool);
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
