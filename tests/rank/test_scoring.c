/* test_scoring.c - scores at a boundary against plain loops in double precision. */
#include "test.h"

#include "base/cpu.h"
#include "base/memory.h"
#include "compute/on_device.h"
#include "models/open.h"
#include "rank/scoring.h"

#include <math.h>

enum { MAX_SEQUENCES = 70, MAX_ROWS = 12, N_THREADS = 3, N_PREFIX = 4 };

static const char *const paths[] = {GRT_TEST_DATA "/golden/bert-f32",
                                    GRT_TEST_DATA "/golden/qwen3-f32-tied"};

static uint32_t seed = 1;

static size_t below(size_t n)
{
    seed = seed * 1664525u + 1013904223u;
    return (seed >> 8) % n;
}

/* Sequences of one chunk, random states in them. */
typedef struct fixture {
    grt_opened model;
    on_device on;
    grt_workspace workspace;
    grt_memory *scratch, *states;
    float *pooled; /* of a readout */
    float *hidden;
    size_t n_rows;
    grt_scored_sequence sequences[MAX_SEQUENCES];
    grt_pair_spans spans[MAX_SEQUENCES];
    grt_scored scored;
} fixture;

static void open_fixture(fixture *f, const char *path)
{
    grt_error err;
    grt_network *network = &f->model.network;
    grt_device_load load = {.n_rows = 0, .n_sharing = 1, .head_size = 1};
    memset(f, 0, sizeof(*f));
    assert_ok(grt_open(&f->model, path, &err), &err);
    on_device_open(&f->on, N_THREADS, grt_cpu_features(), GRT_ARITHMETIC_F32, &load);
    f->workspace.device = f->on.device;
    assert_ok(grt_network_place(network, f->on.device, &err), &err);
    /* exactly the promised size, so that a sanitizer sees a step too far */
    f->scratch = device_floats(f->on.device, grt_scoring_floats(network));
    size_t n_bytes = grt_readout_floats(network) * sizeof(float);
    assert_ok(grt_alloc(&f->pooled, n_bytes, "pooled states", &err), &err);
}

static void close_fixture(fixture *f)
{
    grt_free(f->hidden);
    grt_free(f->pooled);
    grt_device_release(f->on.device, f->states);
    grt_device_release(f->on.device, f->scratch);
    grt_opened_release(&f->model);
    on_device_close(&f->on);
}

/* n sequences after a prefix; some have an empty document. */
static void make_sequences(fixture *f, size_t n, size_t n_prefix)
{
    grt_error err;
    size_t d = f->model.network.hidden_size, row = n_prefix;
    for (size_t i = 0; i < n; i++) {
        size_t n_rows = 3 + below(MAX_ROWS - 3), n_query = 1 + below(2);
        grt_pair_spans *spans = &f->spans[i];
        spans->first_query =
            n_prefix; /* a query belongs to the prefix or to the pair */
        spans->n_query = n_query;
        spans->first_document = n_prefix + n_query;
        spans->n_document = below(4) ? 1 + below(n_rows - n_query) : 0;
        f->sequences[i] = (grt_scored_sequence){row, n_rows, spans};
        row += n_rows;
    }
    grt_free(f->hidden);
    assert_ok(grt_alloc(&f->hidden, row * d * sizeof(float), "states", &err), &err);
    for (size_t i = 0; i < row * d; i++)
        f->hidden[i] = (float)below(2000) / 500.0f - 2.0f;
    grt_device_release(f->on.device, f->states);
    grt_rows rows = device_rows(f->on.device, &f->states, row, d);
    to_device(f->on.device, rows, f->hidden, row);
    f->scored = (grt_scored){rows, row, f->sequences, n, n_prefix, 1};
}

static double mean_over(const fixture *f, size_t i, size_t first, size_t n,
                        size_t column)
{
    size_t d = f->model.network.hidden_size;
    size_t row = f->sequences[i].first_row + first - f->scored.n_prefix;
    double sum = 0;
    for (size_t j = 0; j < n; j++)
        sum += (double)f->hidden[(row + j) * d + column];
    return n ? sum / (double)n : 0;
}

/* What a readout reads, value by value: pooled states, and how far two of them lie
 * apart. */
static double feature(const fixture *f, size_t i, size_t at)
{
    size_t d = f->model.network.hidden_size;
    if (at >= 3 * d) return fabs(feature(f, i, at - 2 * d) - feature(f, i, at - d));
    const grt_pair_spans *spans = &f->spans[i];
    const grt_scored_sequence *sequence = &f->sequences[i];
    size_t last = sequence->first_row + sequence->n_rows - 1;
    bool is_causal = f->model.network.architecture->is_causal;
    size_t row = is_causal ? last : sequence->first_row;
    if (at < d) return (double)f->hidden[row * d + at];
    if (at < 2 * d)
        return mean_over(f, i, spans->first_document, spans->n_document, at - d);
    return mean_over(f, i, spans->first_query, spans->n_query, at - 2 * d);
}

static void test_states_are_pooled_as_written(void **state)
{
    (void)state;
    for (size_t m = 0; m < 2; m++)
        for (size_t n = 1; n <= MAX_SEQUENCES; n += 13) {
            fixture f;
            grt_error err;
            open_fixture(&f, paths[m]);
            size_t size = grt_pooled_size(&f.model.network);
            assert_int_equal(size, (m == 0 ? 3 : 2) * f.model.network.hidden_size);
            make_sequences(&f, n, m == 0 ? 0 : N_PREFIX);
            float *pooled;
            assert_ok(grt_alloc(&pooled, n * size * sizeof(float), "pooled", &err),
                      &err);
            assert_ok(grt_pool_states(&f.model.network, &f.workspace, &f.scored, pooled,
                                      f.scratch, &err),
                      &err);
            for (size_t i = 0; i < n; i++)
                for (size_t at = 0; at < size; at++) {
                    double wanted = feature(&f, i, at);
                    assert_true(fabs((double)pooled[i * size + at] - wanted) < 1e-5);
                }
            grt_free(pooled);
            close_fixture(&f);
        }
}

static void check_readout(fixture *f, size_t n_features)
{
    static float weights[4096], scores[MAX_SEQUENCES];
    assert_true(n_features <= 4096);
    for (size_t i = 0; i < 4096; i++) /* those past n_features are not read */
        weights[i] = i < n_features ? (float)below(100) / 50.0f - 1.0f : NAN;
    grt_readout readout = {weights, n_features, 0.75f};
    grt_error err;
    assert_ok(grt_score_by_readout(&f->model.network, &f->workspace, &f->scored,
                                   &readout, scores, f->scratch, f->pooled, f->on.pool,
                                   &err),
              &err);
    for (size_t i = 0; i < f->scored.n; i++) {
        double wanted = 0.75;
        for (size_t at = 0; at < n_features; at++)
            wanted += feature(f, i, at) * (double)weights[at];
        assert_true(fabs((double)scores[i] - wanted) < 1e-4);
    }
}

static void test_readouts_are_products(void **state)
{
    (void)state;
    for (size_t m = 0; m < 2; m++)
        for (size_t n = 1; n <= MAX_SEQUENCES; n += 23) {
            fixture f;
            open_fixture(&f, paths[m]);
            make_sequences(&f, n, m == 0 ? 0 : N_PREFIX);
            check_readout(&f, grt_pooled_size(&f.model.network));
            check_readout(&f, grt_features_size(&f.model.network));
            close_fixture(&f);
        }
}

/* Two sequences of two columns, apart and in place. */
static void test_features_are_derived_of_two_means(void **state)
{
    (void)state;
    const grt_architecture encoder = {.name = "encoder"};
    const grt_architecture decoder = {.name = "decoder", .is_causal = true};
    grt_network network = {.architecture = &encoder, .hidden_size = 2};
    const float pooled[] = {1, -2, 3, 4, 5, -6, 0, 0.5f, -7, 8, -7, 6.5f};
    const float wanted[] = {1, -2,   3,  4, 5,  -6,   2, 10,
                            0, 0.5f, -7, 8, -7, 6.5f, 0, 1.5f};
    float features[16];
    assert_int_equal(grt_pooled_size(&network), 6);
    assert_int_equal(grt_features_size(&network), 8);
    grt_derive_features(&network, pooled, 2, features);
    assert_memory_equal(features, wanted, sizeof(wanted));
    memcpy(features, pooled, sizeof(pooled));
    grt_derive_features(&network, features, 2, features);
    assert_memory_equal(features, wanted, sizeof(wanted));

    network.architecture = &decoder;
    assert_int_equal(grt_pooled_size(&network), 4);
    assert_int_equal(grt_features_size(&network), 4);
    memset(features, 0, sizeof(features));
    grt_derive_features(&network, pooled, 3, features);
    assert_memory_equal(features, pooled, sizeof(pooled));
}

/* In one go or one by one: the same bits. */
static void test_the_head_reads_each_sequence_alone(void **state)
{
    (void)state;
    for (size_t m = 0; m < 2; m++)
        for (size_t n = 1; n <= MAX_SEQUENCES; n += 23) {
            fixture f;
            float all[MAX_SEQUENCES], one, wanted;
            open_fixture(&f, paths[m]);
            const grt_network *network = &f.model.network;
            make_sequences(&f, n, 0);
            grt_error err;
            grt_space scratch = grt_space_of(f.scratch);
            assert_ok(grt_score_by_head(network, &f.workspace, &f.scored, all,
                                        f.scratch, &err),
                      &err);
            for (size_t i = 0; i < n; i++) {
                grt_scored single = f.scored;
                single.sequences = &f.sequences[i];
                single.n = 1;
                assert_ok(grt_score_by_head(network, &f.workspace, &single, &one,
                                            f.scratch, &err),
                          &err);
                assert_true(one == all[i]);
                size_t row =
                    f.sequences[i].first_row + (m == 0 ? 0 : f.sequences[i].n_rows - 1);
                assert_ok(
                    network->architecture->logits(network, f.on.device, 1,
                                                  grt_rows_from(f.scored.hidden, row),
                                                  1, &wanted, scratch, &err),
                    &err);
                assert_true(one == wanted);
            }
            close_fixture(&f);
        }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_states_are_pooled_as_written),
        cmocka_unit_test(test_readouts_are_products),
        cmocka_unit_test(test_features_are_derived_of_two_means),
        cmocka_unit_test(test_the_head_reads_each_sequence_alone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
