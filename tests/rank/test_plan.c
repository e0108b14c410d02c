/* test_plan.c - plans of requests over networks that are made up: what a budget gives,
 * in which order, and where it ends. */
#include "test.h"

#include "base/cpu.h"
#include "base/memory.h"
#include "models/architectures.h"
#include "models/blocks/decoder.h"
#include "rank/plan.h"
#include "rank/scoring.h"

enum { N_LAYERS = 28, N_PARTS = 20, MIB = 1 << 20 };

_Static_assert((int)N_PARTS == (int)GRT_DECODER_N_PARTS, "of a decoder");

static grt_part parts[N_LAYERS][N_PARTS];
static grt_layer_plan layers[N_LAYERS];
static grt_weight_shape shapes[N_LAYERS][N_PARTS];
static grt_tensor embedding;
static grt_pool *pool;
static grt_device *device;
static grt_file *file;
static uint32_t seed = 1;

static size_t below(size_t n)
{
    seed = seed * 1664525u + 1013904223u;
    return (seed >> 8) % n;
}

/* Qwen3 0.6B, or what is `scale` times narrower. */
static grt_network make_network(size_t n_layers, size_t scale)
{
    grt_network network = {.architecture = &grt_architecture_qwen3,
                           .n_layers = n_layers,
                           .hidden_size = 1024 / scale,
                           .embedding_size = 1024 / scale,
                           .n_heads = 16,
                           .n_kv_heads = 8,
                           .head_size = 128 / scale,
                           .ffn_size = 3072 / scale,
                           .vocab_size = 151669,
                           .max_tokens = 8192,
                           .n_ropes = 1,
                           .token_embedding = &embedding,
                           .layers = layers,
                           .layer_parts = shapes[0]};
    size_t d = network.hidden_size, f = network.ffn_size, q = 16 * network.head_size;
    size_t k = q / 2;
    const size_t values[N_PARTS] = {d, q * d, k * d, k * d, d * q, 0,
                                    0, d,     f * d, f * d, d * f};
    uint64_t at = 0;
    for (size_t l = 0; l < n_layers; l++) {
        for (size_t i = 0; i < N_PARTS; i++) {
            parts[l][i] = (grt_part){file, at, 2 * values[i]};
            at += 2 * values[i];
        }
        layers[l] = (grt_layer_plan){parts[l], N_PARTS};
    }
    shapes[0][0] = (grt_weight_shape){.dtype = GRT_DTYPE_BF16, .n_out = d};
    embedding.dtype = GRT_DTYPE_BF16;
    return network;
}

static int64_t read_nothing(void *payload, uint64_t offset, void *dst, size_t n)
{
    (void)payload, (void)offset, (void)dst, (void)n;
    return 0; /* a plan reads no weight */
}

static int tear_down(void **state)
{
    (void)state;
    grt_device_free(device);
    grt_pool_free(pool);
    grt_file_close(file);
    return 0;
}

static int set_up(void **state)
{
    (void)state;
    grt_file_source source = {read_nothing, NULL, NULL};
    if (grt_file_from_source(&file, "weights", &source, (uint64_t)1 << 40, NULL))
        return -1;
    if (grt_pool_create(&pool, 4, NULL) ||
        grt_device_create(&device, pool, grt_cpu_features(), GRT_ARITHMETIC_F32, NULL))
        return -1;
    return 0;
}

static grt_plan_input input_of(const grt_network *network, size_t n_documents,
                               size_t n_tokens)
{
    return (grt_plan_input){.network = network,
                            .device = device,
                            .n_layers = network->n_layers,
                            .n_documents = n_documents,
                            .n_pairs = n_documents,
                            .n_rows = n_documents * n_tokens,
                            .n_longest = n_tokens,
                            .n_sequence = n_tokens,
                            .n_distinct = n_tokens * 3,
                            .token_bytes = n_documents * n_tokens * 4,
                            .other_bytes = 40 * MIB};
}

/* How good a plan is: the step of the concessions, then what the step chose. */
typedef struct quality {
    int step; /* 0: only slots given up; 1: f32; 2: bf16; 3: small chunks; 4: a file;
                 5 to 7: one slot, with hidden states in f32, bf16, a file */
    size_t n_slots;
    size_t chunk_rows;
} quality;

static quality quality_of(const grt_memory_plan *plan, size_t least_slots,
                          size_t most_rows)
{
    quality q = {0, plan->n_slots, plan->chunk_rows};
    if (plan->n_slots < least_slots) {
        assert_int_equal(plan->n_slots, 1);
        q.step = plan->hidden == GRT_HIDDEN_F32 ? 5 : 6;
        if (plan->hidden == GRT_HIDDEN_FILE) q.step = 7;
        return q;
    }
    if (plan->hidden == GRT_HIDDEN_FILE)
        q.step = 4;
    else if (plan->hidden == GRT_HIDDEN_BF16)
        q.step = plan->chunk_rows < 512 && plan->chunk_rows < most_rows ? 3 : 2;
    else
        q.step = plan->chunk_rows < most_rows;
    if (q.step > 0) assert_int_equal(plan->n_slots, least_slots);
    return q;
}

static void check_sum(const grt_plan *made)
{
    const grt_memory_plan *plan = &made->plan;
    uint64_t sum = plan->other_bytes + plan->layers_bytes + plan->hidden_bytes +
                   plan->chunk_bytes + plan->embedding_bytes + plan->scratch_bytes;
    assert_int_equal(plan->total_bytes, sum);
    assert_int_equal(plan->total_bytes,
                     plan->other_bytes + made->shared_bytes + made->own_bytes);
}

/* Every budget from too small to more than enough; returns the steps that were seen. */
static unsigned check_budgets(const grt_network *network, size_t n_documents,
                              size_t n_tokens)
{
    grt_error err;
    grt_plan made;
    grt_plan_input input = input_of(network, n_documents, n_tokens);
    input.residency = GRT_RESIDENCY_RESIDENT;
    assert_ok(grt_plan_make(&made, &input, &err), &err); /* no budget: all that helps */
    const grt_memory_plan best = made.plan;
    assert_int_equal(best.n_slots, network->n_layers);
    input.residency = GRT_RESIDENCY_AUTO;
    quality last = {9, 0, 0};
    unsigned seen = 0;
    input.budget_bytes = 1;
    assert_int_equal(grt_plan_make(&made, &input, &err), GRT_E_NO_MEMORY);
    uint64_t smallest = made.plan.smallest_bytes, most = best.total_bytes + 64 * MIB;
    assert_int_equal(err.smallest_bytes, smallest);
    uint64_t step = (most - smallest) / 400 + 1;
    for (uint64_t budget = smallest; budget < most; budget += 1 + below(2 * step)) {
        const grt_memory_plan *plan = &made.plan;
        input.budget_bytes = budget;
        assert_ok(grt_plan_make(&made, &input, &err), &err);
        assert_true(plan->total_bytes <= budget && plan->budget_bytes == budget);
        assert_int_equal(plan->smallest_bytes, smallest);
        assert_true(plan->chunk_rows >= n_tokens && plan->chunk_rows <= input.n_rows);
        check_sum(&made);
        quality now = quality_of(plan, network->n_layers < 2 ? 1 : 2, best.chunk_rows);
        seen |= 1u << now.step;
        assert_true(now.step <= last.step);
        if (now.step == last.step)
            assert_true(now.n_slots >= last.n_slots &&
                        now.chunk_rows >= last.chunk_rows);
        last = now;
    }
    assert_int_equal(last.step, 0);
    assert_int_equal(last.n_slots, network->n_layers);
    return seen;
}

static void test_more_memory_is_never_worse_and_never_exceeded(void **state)
{
    (void)state;
    grt_network wide = make_network(N_LAYERS, 1);
    /* hidden states of 100,000 rows outweigh all else: every concession is met */
    assert_int_equal(check_budgets(&wide, 1000, 100), 0x9F);
    (void)check_budgets(&wide, 200, 500);
    (void)check_budgets(&wide, 1, 20);
    (void)check_budgets(&wide, 3, 8192);
    (void)check_budgets(&wide, 40000, 30);
    grt_network narrow = make_network(4, 16);
    (void)check_budgets(&narrow, 200, 500);
    (void)check_budgets(&narrow, 7, 100);
    grt_network single = make_network(1, 4);
    (void)check_budgets(&single, 50, 120);
}

static void test_the_smallest_budget_is_exact(void **state)
{
    (void)state;
    grt_network network = make_network(N_LAYERS, 2);
    for (int round = 0; round < 400; round++) {
        grt_error err;
        grt_plan made, refused;
        const grt_memory_plan *plan = &made.plan;
        size_t n_tokens = 1 + below(600), n_documents = 1 + below(300);
        grt_plan_input input = input_of(&network, n_documents, n_tokens);
        input.hidden = (grt_hidden_storage)below(4);
        input.residency = (grt_residency)below(3);
        input.chunk_rows = below(3) ? 0 : 1 + below(3000);
        input.n_cached_rows = below(3) ? 0 : 1 + below(3000);
        input.other_bytes = below(4) ? 0 : (1 + below(4000)) * (uint64_t)MIB;
        input.budget_bytes = 1;
        assert_refused(grt_plan_make(&refused, &input, &err), GRT_E_NO_MEMORY, &err,
                       "the smallest budget that works is ");
        assert_int_equal(err.smallest_bytes, refused.plan.smallest_bytes);
        input.budget_bytes = err.smallest_bytes - 1;
        assert_int_equal(grt_plan_make(&made, &input, &err), GRT_E_NO_MEMORY);
        assert_int_equal(plan->smallest_bytes, refused.plan.smallest_bytes);
        input.budget_bytes++;
        assert_ok(grt_plan_make(&made, &input, &err), &err);
        assert_true(plan->total_bytes <= input.budget_bytes);
        if (input.hidden) assert_int_equal(plan->hidden, input.hidden);
        if (input.residency != GRT_RESIDENCY_RESIDENT)
            assert_int_equal(plan->n_slots, 1);
        else
            assert_int_equal(plan->n_slots, N_LAYERS);
    }
}

/* Rounded to what a person reads, it still does. */
static void test_the_budget_that_is_named_works(void **state)
{
    (void)state;
    grt_network network = make_network(N_LAYERS, 2);
    for (size_t n = 1; n < 200; n += 7) {
        grt_error err;
        grt_plan made;
        grt_plan_input input = input_of(&network, n, 100);
        input.budget_bytes = 5 * MIB;
        char documents[64];
        (void)snprintf(documents, sizeof(documents),
                       "%zu documents (%zu tokens) do not fit 5.0 MiB; ", n, n * 100);
        assert_refused(grt_plan_make(&made, &input, &err), GRT_E_NO_MEMORY, &err,
                       documents);
        double mib = 0.0;
        const char *at = strstr(err.text, "works is ");
        assert_non_null(at);
        assert_int_equal(sscanf(at, "works is %lf MiB", &mib), 1);
        uint64_t named = (uint64_t)(mib * MIB);
        assert_true(named >= err.smallest_bytes);
        assert_true(named < err.smallest_bytes + MIB / 4);
        input.budget_bytes = named;
        assert_ok(grt_plan_make(&made, &input, &err), &err);
    }
}

/* ---- Beside others ---- */

/* Rankings that are open hold what fits no more. */
static void test_what_fits_when_others_have_ended_is_busy(void **state)
{
    (void)state;
    grt_network network = make_network(N_LAYERS, 2);
    size_t n_busy = 0, n_never = 0;
    for (int round = 0; round < 400; round++) {
        grt_error err;
        grt_plan made;
        grt_plan_input input = input_of(&network, 1 + below(100), 1 + below(300));
        input.budget_bytes = 1;
        assert_int_equal(grt_plan_make(&made, &input, &err), GRT_E_NO_MEMORY);
        uint64_t alone = err.smallest_bytes;
        input.ending_bytes = (1 + below(300)) * (uint64_t)MIB;
        input.other_bytes += input.ending_bytes;
        input.budget_bytes = alone - 5 * MIB + below(300) * (uint64_t)MIB;
        grt_status status = grt_plan_make(&made, &input, &err);
        uint64_t beside = alone + input.ending_bytes;
        if (input.budget_bytes >= beside) {
            assert_int_equal(status, GRT_OK);
            continue;
        }
        if (input.budget_bytes >= alone) {
            assert_refused(status, GRT_E_BUSY, &err, "beside what others have");
            assert_int_equal(err.smallest_bytes, beside);
            n_busy++;
        } else {
            assert_refused(status, GRT_E_NO_MEMORY, &err, "do not fit");
            assert_int_equal(err.smallest_bytes, alone);
            n_never++;
        }
        assert_int_equal(made.plan.smallest_bytes, err.smallest_bytes);
        if (status == GRT_E_BUSY) { /* the same beside the same */
            input.budget_bytes = err.smallest_bytes;
            assert_ok(grt_plan_make(&made, &input, &err), &err);
            assert_true(made.plan.total_bytes <= input.budget_bytes);
        }
    }
    assert_true(n_busy > 20 && n_never > 2);
}

/* What the rankings of a model share is as large as each of them needs it. */
static void test_shared_buffers_serve_those_that_are_open(void **state)
{
    (void)state;
    grt_error err;
    grt_plan small, large, beside;
    grt_network network = make_network(N_LAYERS, 2);
    grt_plan_input wide = input_of(&network, 100, 500);
    assert_ok(grt_plan_make(&large, &wide, &err), &err);
    grt_plan_held held = {large.plan.n_slots, large.plan.n_cached_rows,
                          large.plan.chunk_rows, wide.n_longest};
    grt_plan_input narrow = input_of(&network, 3, 20);
    assert_ok(grt_plan_make(&small, &narrow, &err), &err);
    narrow.held = &held;
    assert_ok(grt_plan_make(&beside, &narrow, &err), &err);
    assert_int_equal(beside.plan.n_slots, held.n_slots);
    assert_int_equal(beside.plan.n_cached_rows, held.n_cached_rows);
    for (int id = 0; id < GRT_N_SHARED_BUFFERS; id++) {
        assert_true(beside.buffers[id] >= large.buffers[id]);
        assert_true(beside.buffers[id] >= small.buffers[id]);
    }
    assert_int_equal(beside.own_bytes, small.own_bytes);
    /* under a budget slots may be given up, but there are never more than are held */
    held.n_slots = 5;
    narrow.budget_bytes = large.plan.total_bytes * 2;
    assert_ok(grt_plan_make(&beside, &narrow, &err), &err);
    assert_int_equal(beside.plan.n_slots, 5);
    assert_int_equal(beside.plan.n_cached_rows, held.n_cached_rows);
    narrow.budget_bytes = beside.plan.total_bytes - 1;
    assert_ok(grt_plan_make(&beside, &narrow, &err), &err);
    assert_true(beside.plan.n_slots < 5);
}

/* ---- Without a budget ---- */

static void test_residency_without_a_budget_follows_free_memory(void **state)
{
    (void)state;
    grt_error err;
    grt_plan made;
    const grt_memory_plan *plan = &made.plan;
    grt_network network = make_network(N_LAYERS, 1);
    uint64_t all = grt_window_bytes(layers, N_LAYERS, N_LAYERS);
    const struct {
        uint64_t available;
        size_t n_slots;
    } cases[] = {{0, N_LAYERS}, {2 * all + 2, N_LAYERS}, {2 * all, 2}, {MIB, 2}};
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        grt_plan_input input = input_of(&network, 20, 100);
        input.available_bytes = cases[i].available;
        assert_ok(grt_plan_make(&made, &input, &err), &err);
        assert_int_equal(plan->n_slots, cases[i].n_slots);
        assert_int_equal(plan->hidden, GRT_HIDDEN_F32);
        check_sum(&made);
        input.residency = GRT_RESIDENCY_RESIDENT;
        assert_ok(grt_plan_make(&made, &input, &err), &err);
        assert_int_equal(plan->n_slots, N_LAYERS);
        input.residency = GRT_RESIDENCY_STREAMED;
        input.hidden = GRT_HIDDEN_BF16;
        assert_ok(grt_plan_make(&made, &input, &err), &err);
        assert_int_equal(plan->n_slots, 2);
        assert_int_equal(plan->hidden, GRT_HIDDEN_BF16);
    }
}

/* Without a budget: its slots, and the bytes that they take. */
static void test_what_is_loaded_stays_and_is_counted(void **state)
{
    (void)state;
    grt_error err;
    grt_network network = make_network(N_LAYERS, 1);
    grt_plan_input input = input_of(&network, 20, 256);
    for (size_t n = 2; n <= N_LAYERS; n += 13) {
        grt_plan plan;
        input.n_loaded = n;
        assert_ok(grt_plan_make(&plan, &input, &err), &err);
        assert_int_equal(plan.plan.n_slots, n);
        assert_int_equal(plan.plan.layers_bytes, grt_window_bytes(layers, N_LAYERS, n));
        check_sum(&plan);
    }
}

static void test_chunks_hold_the_longest_sequence(void **state)
{
    (void)state;
    grt_network network = make_network(N_LAYERS, 1);
    for (size_t wanted = 0; wanted < 10000; wanted = wanted * 3 + 1)
        for (size_t n_tokens = 1; n_tokens <= 8192; n_tokens *= 2) {
            grt_error err;
            grt_plan made;
            grt_plan_input input = input_of(&network, 4, n_tokens);
            input.chunk_rows = wanted;
            assert_ok(grt_plan_make(&made, &input, &err), &err);
            size_t rows = made.plan.chunk_rows;
            assert_true(rows >= n_tokens && rows <= 4 * n_tokens);
            if (wanted >= n_tokens && wanted <= 4 * n_tokens)
                assert_int_equal(rows, wanted);
        }
}

static void test_what_cannot_be_counted_does_not_fit(void **state)
{
    (void)state;
    grt_error err;
    grt_plan made;
    grt_network network = make_network(N_LAYERS, 1);
    for (size_t n_tokens = 1; n_tokens <= 8192; n_tokens *= 8)
        for (size_t n = SIZE_MAX / n_tokens; n > (size_t)1 << 48; n -= n / 7) {
            grt_plan_input input = input_of(&network, n, n_tokens);
            input.budget_bytes = (uint64_t)1 << 50;
            assert_refused(grt_plan_make(&made, &input, &err), GRT_E_NO_MEMORY, &err,
                           "do not fit");
            assert_true(made.plan.smallest_bytes > input.budget_bytes);
        }
    grt_network narrow = make_network(4, 16);
    for (size_t each = 1; each < 500; each++) { /* sums that come round to little */
        grt_plan_input input = input_of(&narrow, SIZE_MAX / each, 1);
        input.token_bytes = 0;
        input.budget_bytes = (uint64_t)1 << 50;
        assert_int_equal(grt_plan_make(&made, &input, &err), GRT_E_NO_MEMORY);
    }
}

/* ---- The table of buffers ---- */

/* What an observer is shown of every document is counted, too. */
static void test_observed_states_are_counted(void **state)
{
    (void)state;
    grt_error err;
    grt_plan plain, observed;
    grt_network network = make_network(N_LAYERS, 1);
    grt_plan_input input = input_of(&network, 1000, 50);
    assert_ok(grt_plan_make(&plain, &input, &err), &err);
    input.is_observed = true;
    assert_ok(grt_plan_make(&observed, &input, &err), &err);
    assert_true(observed.plan.total_bytes >=
                plain.plan.total_bytes +
                    1000 * grt_pooled_size(&network) * sizeof(float));
}

/* A buffer is made as large as the plan says, and no line of the table stands for
 * nothing. */
static void test_buffers_are_what_the_plan_counts(void **state)
{
    (void)state;
    grt_error err;
    grt_plan made;
    grt_network network = make_network(N_LAYERS, 2);
    grt_plan_input input = input_of(&network, 50, 60);
    input.n_prefix = 17;
    input.n_pairs = 70;
    assert_ok(grt_plan_make(&made, &input, &err), &err);
    for (int id = 0; id < GRT_N_BUFFERS; id++) {
        grt_buffer buffer = {0};
        uint64_t before = grt_memory_now();
        assert_true(made.buffers[id] > 64); /* more than what comes with a block */
        assert_ok(grt_buffer_make(&buffer, (grt_buffer_id)id, device, made.buffers[id],
                                  false, &err),
                  &err);
        assert_true(!buffer.data != !buffer.memory);
        assert_true(grt_memory_now() - before <= made.buffers[id]);
        grt_buffer first = buffer;
        assert_ok(grt_buffer_make(&buffer, (grt_buffer_id)id, device,
                                  made.buffers[id] / 2, false, &err),
                  &err);
        assert_memory_equal(&buffer, &first, sizeof(first)); /* large enough */
        grt_buffer_release(&buffer);
        assert_int_equal(grt_memory_now(), before);
        grt_memory_fail_nth(1);
        assert_int_equal(grt_buffer_make(&buffer, (grt_buffer_id)id, device,
                                         made.buffers[id], false, &err),
                         GRT_E_NO_MEMORY);
        grt_memory_fail_nth(0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_more_memory_is_never_worse_and_never_exceeded),
        cmocka_unit_test(test_the_smallest_budget_is_exact),
        cmocka_unit_test(test_the_budget_that_is_named_works),
        cmocka_unit_test(test_what_fits_when_others_have_ended_is_busy),
        cmocka_unit_test(test_shared_buffers_serve_those_that_are_open),
        cmocka_unit_test(test_residency_without_a_budget_follows_free_memory),
        cmocka_unit_test(test_what_is_loaded_stays_and_is_counted),
        cmocka_unit_test(test_chunks_hold_the_longest_sequence),
        cmocka_unit_test(test_what_cannot_be_counted_does_not_fit),
        cmocka_unit_test(test_observed_states_are_counted),
        cmocka_unit_test(test_buffers_are_what_the_plan_counts),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
