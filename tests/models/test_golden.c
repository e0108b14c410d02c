/* test_golden.c - every layer's hidden states and the logits of tiny checkpoints
 * against an independent float64 forward pass, on every set of kernels that this
 * machine can run. */
#include "test.h"

#include "base/cpu.h"
#include "compute/on_device.h"
#include "golden/golden.h"
#include "models/open.h"
#include "rank/scoring.h"

#include <math.h>

#define FOLDER GRT_TEST_DATA "/golden"

/* The reference computes in float64 on the weights as stored, so what is left is our
 * rounding, whatever the storage type.  Random weights take bf16 further than trained
 * ones do (tests/api/test_rank.c). */
static const double tolerance_f32 = 1e-4, tolerance_bf16 = 1e-1;
/* int8: groups of 256 numbers share a scale, and random weights have rows in which one
 * number is far from the others.  What is plainly wrong differs by 1 and more. */
static const double tolerance_int8 = 6e-1;

typedef struct instruction_set {
    uint32_t features;
    grt_arithmetic arithmetic;
    double tolerance;
} instruction_set;

typedef struct runner {
    grt_opened model;
    on_device on;
    grt_workspace workspace;
    uint32_t *positions; /* of the rows of the case */
    grt_memory *buffer, *rope, *states, *layer, *scoring;
    grt_rows hidden;
} runner;

static void *need(size_t n_bytes)
{
    void *block = malloc(n_bytes + !n_bytes);
    assert_non_null(block);
    return block;
}

static void runner_open(runner *r, const golden *g, const instruction_set *set)
{
    grt_error err;
    memset(r, 0, sizeof(*r));
    assert_ok(grt_open(&r->model, g->path, &err), &err);
    const grt_network *network = &r->model.network;
    size_t n = g->offsets[g->n_sequences], d = network->hidden_size;
    grt_device_load load = {.n_rows = n,
                            .most_inputs = grt_layer_most_inputs(network),
                            .n_longest = n,
                            .n_sharing = network->n_heads / network->n_kv_heads,
                            .head_size = network->head_size};
    on_device_open(&r->on, 2, set->features, set->arithmetic, &load);
    grt_device *device = r->on.device;
    assert_ok(grt_network_place(&r->model.network, device, &err), &err);
    r->buffer =
        device_floats(device, n * network->architecture->floats_per_row(network));
    r->hidden = device_rows(device, &r->states, n, d);
    r->layer =
        device_floats(device, grt_layer_place_bytes(network, device) / sizeof(float));
    r->scoring = device_floats(device, grt_scoring_floats(network));
    r->rope = device_floats(device, grt_rope_floats(network, n));
    r->workspace = (grt_workspace){.device = device,
                                   .memory = r->buffer,
                                   .ropes = grt_rope_fill(network, device, n, r->rope),
                                   .rope_rows = n};
}

static void runner_close(runner *r)
{
    grt_memory *blocks[] = {r->buffer, r->rope, r->states, r->layer, r->scoring};
    for (size_t i = 0; i < sizeof(blocks) / sizeof(blocks[0]); i++)
        grt_device_release(r->on.device, blocks[i]);
    free(r->positions);
    grt_opened_release(&r->model);
    on_device_close(&r->on);
}

/* Largest difference relative to the root mean square of the rows. */
static double difference(const float *found, const double *wanted, size_t n)
{
    double sum = 0.0, worst = 0.0;
    for (size_t i = 0; i < n; i++)
        sum += wanted[i] * wanted[i];
    for (size_t i = 0; i < n; i++)
        worst = fmax(worst, fabs((double)found[i] - wanted[i]));
    return worst / sqrt(sum / (double)n + 1e-12);
}

static double compare_hidden(const runner *r, const golden *g, size_t layer)
{
    double worst = 0.0;
    size_t n_rows = g->offsets[g->n_sequences];
    float *hidden = need(n_rows * g->hidden_size * sizeof(*hidden));
    from_device(r->on.device, r->hidden, hidden, n_rows);
    for (size_t s = 0; s < g->n_sequences; s++) {
        if (!g->hidden[s]) continue;
        size_t n = (g->offsets[s + 1] - g->offsets[s]) * g->hidden_size;
        worst = fmax(worst, difference(hidden + g->offsets[s] * g->hidden_size,
                                       g->hidden[s][layer], n));
    }
    free(hidden);
    return worst;
}

static void embed(runner *r, const golden *g)
{
    grt_error err;
    size_t n = g->offsets[g->n_sequences];
    uint32_t *positions = need(n * sizeof(*positions));
    for (size_t s = 0; s < g->n_sequences; s++)
        for (size_t row = g->offsets[s]; row < g->offsets[s + 1]; row++)
            positions[row] = (uint32_t)(row - g->offsets[s]);
    grt_token_rows rows = {g->ids, g->types, positions, n};
    grt_row_cache *cache = NULL; /* smaller than the rows in use */
    assert_ok(grt_embed_cache_create(&cache, &r->model.network, 3, &err), &err);
    assert_ok(grt_embed(&r->model.network, r->on.device, cache, &rows, r->hidden, &err),
              &err);
    grt_row_cache_free(cache);
    const grt_architecture *architecture = r->model.network.architecture;
    if (architecture->widen)
        architecture->widen(&r->model.network, &r->workspace, r->hidden, n);
    free(r->positions);
    r->positions = positions;
}

/* Largest error of a logit, relative where it is above 1. */
static double compare_logits(runner *r, const golden *g)
{
    grt_scored_sequence *sequences = need(g->n_sequences * sizeof(*sequences));
    float *found = need(g->n_sequences * sizeof(*found));
    for (size_t s = 0; s < g->n_sequences; s++)
        sequences[s] = (grt_scored_sequence){g->offsets[s],
                                             g->offsets[s + 1] - g->offsets[s], NULL};
    grt_error err;
    grt_scored scored = {.hidden = r->hidden,
                         .n_rows = g->offsets[g->n_sequences],
                         .sequences = sequences,
                         .n = g->n_sequences,
                         .layer = g->n_layers};
    assert_ok(grt_score_by_head(&r->model.network, &r->workspace, &scored, found,
                                r->scoring, &err),
              &err);
    double worst = 0.0;
    for (size_t s = 0; s < g->n_sequences; s++)
        worst = fmax(worst, fabs((double)found[s] - g->logits[s]) /
                                fmax(1.0, fabs(g->logits[s])));
    free(sequences);
    free(found);
    return worst;
}

static void run_layer(runner *r, const golden *g, grt_window *window, size_t layer)
{
    grt_error err;
    const grt_network *network = &r->model.network;
    const void *const *parts;
    grt_layer_view view;
    assert_ok(grt_window_acquire(window, layer, NULL, &parts, &err), &err);
    grt_layer_view_init(&view, network, r->on.device, layer, parts, r->layer);
    grt_chunk chunk = {.hidden = r->hidden,
                       .positions = r->positions,
                       .n_rows = g->offsets[g->n_sequences],
                       .offsets = g->offsets,
                       .n_sequences = g->n_sequences};
    network->architecture->layer(network, &view, &r->workspace, &chunk);
    grt_window_release(window, layer);
}

static void check_case(const golden *g, const instruction_set *set)
{
    grt_error err;
    runner r;
    runner_open(&r, g, set);
    const grt_network *network = &r.model.network;
    assert_int_equal(network->n_layers, g->n_layers);
    assert_int_equal(network->hidden_size, g->hidden_size);
    assert_int_equal(network->max_tokens, g->max_tokens);
    grt_window *window = NULL;
    grt_window_options options = {2, true};
    assert_ok(
        grt_window_create(&window, network->layers, network->n_layers, &options, &err),
        &err);
    embed(&r, g);
    double worst = compare_hidden(&r, g, 0);
    grt_window_begin(window, 0);
    for (size_t layer = 0; layer < network->n_layers; layer++) {
        run_layer(&r, g, window, layer);
        worst = fmax(worst, compare_hidden(&r, g, layer + 1));
    }
    grt_window_end(window);
    double worst_logit = compare_logits(&r, g);
    assert_int_equal(grt_device_arithmetic(r.on.device), set->arithmetic);
    printf("%-22s %-11s %-4s hidden %.1e, logits %.1e\n", g->name,
           grt_device_isa(r.on.device), grt_arithmetic_text(set->arithmetic), worst,
           worst_logit);
    assert_true(worst < set->tolerance);
    assert_true(worst_logit < set->tolerance);
    grt_window_free(window);
    runner_close(&r);
}

static void test_every_case_on_every_instruction_set(void **state)
{
    (void)state;
    static char names[GOLDEN_MAX_CASES][GOLDEN_MAX_NAME];
    const uint32_t avx512 = GRT_CPU_AVX2 | GRT_CPU_AVX512;
    const uint32_t bf16 = avx512 | GRT_CPU_AVX512_BF16;
    const instruction_set sets[] = {
        {0, GRT_ARITHMETIC_F32, tolerance_f32},
        {GRT_CPU_AVX2, GRT_ARITHMETIC_F32, tolerance_f32},
        {avx512, GRT_ARITHMETIC_F32, tolerance_f32},
        {bf16, GRT_ARITHMETIC_BF16, tolerance_bf16},
        {bf16 | GRT_CPU_AMX_BF16, GRT_ARITHMETIC_BF16, tolerance_bf16},
        {GRT_CPU_AVX2, GRT_ARITHMETIC_INT8, tolerance_int8},
        {GRT_CPU_AVX2 | GRT_CPU_AVX_VNNI, GRT_ARITHMETIC_INT8, tolerance_int8},
        {avx512 | GRT_CPU_AVX512_VNNI, GRT_ARITHMETIC_INT8, tolerance_int8},
        {avx512 | GRT_CPU_AMX_INT8, GRT_ARITHMETIC_INT8, tolerance_int8},
        {GRT_CPU_NEON, GRT_ARITHMETIC_F32, tolerance_f32},
        {GRT_CPU_NEON | GRT_CPU_NEON_BF16, GRT_ARITHMETIC_BF16, tolerance_bf16}};
    size_t n = golden_names(names, FOLDER), n_run = 0;
    for (size_t i = 0; i < n; i++) {
        golden g;
        golden_open(&g, FOLDER, names[i]);
        for (size_t s = 0; !g.refused && s < sizeof(sets) / sizeof(sets[0]); s++) {
            if (sets[s].features & ~grt_cpu_features()) {
                printf("SKIP %s: this CPU lacks feature set %zu\n", g.name, s);
                continue;
            }
            check_case(&g, &sets[s]);
            n_run++;
        }
        golden_close(&g);
    }
    assert_true(n_run >= 10);
}

static void test_refused_checkpoints_say_why(void **state)
{
    (void)state;
    static char names[GOLDEN_MAX_CASES][GOLDEN_MAX_NAME];
    static const struct {
        const char *name, *fragment;
    } wanted[] = {{"bert-gguf-no-pooler", "pooler"},
                  {"roberta-three-labels", "a classifier with 3 labels"}};
    size_t n = golden_names(names, FOLDER), n_refused = 0;
    for (size_t i = 0; i < n; i++) {
        golden g;
        golden_open(&g, FOLDER, names[i]);
        for (size_t w = 0; w < sizeof(wanted) / sizeof(wanted[0]); w++) {
            if (strcmp(g.name, wanted[w].name) != 0) continue;
            grt_error err;
            grt_opened model = {0};
            assert_refused(grt_open(&model, g.path, &err), GRT_E_UNSUPPORTED, &err,
                           wanted[w].fragment);
            grt_opened_release(&model);
        }
        n_refused += g.refused != NULL;
        golden_close(&g);
    }
    assert_int_equal(n_refused, sizeof(wanted) / sizeof(wanted[0]));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_case_on_every_instruction_set),
        cmocka_unit_test(test_refused_checkpoints_say_why),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
