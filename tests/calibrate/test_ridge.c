/* test_ridge.c - ridge fits of samples whose linear model is known. */
#include "test.h"

#include "base/memory.h"
#include "calibrate/ridge.h"

#include <math.h>

enum { MAX_GROUPS = 200 };

typedef struct problem {
    grt_ridge_samples samples;
    float *features, *targets, *weights, *out_of_fold;
    float bias;
    size_t ends[MAX_GROUPS];
} problem;

static uint64_t random_state;

static double uniform(void)
{
    random_state = random_state * 6364136223846793005u + 1442695040888963407u;
    return (double)(random_state >> 11) / 9007199254740992.0;
}

static double normal(void)
{
    double sum = -6.0;
    for (int i = 0; i < 12; i++)
        sum += uniform();
    return sum;
}

static void *room_for(size_t n)
{
    void *block = calloc(n + 1, sizeof(float));
    assert_non_null(block);
    return block;
}

/* Random features in groups of the same size, and targets 0. */
static void set_up(problem *p, size_t n_groups, size_t group_size, size_t n_features)
{
    size_t n = n_groups * group_size;
    memset(p, 0, sizeof(*p));
    assert_true(n_groups <= MAX_GROUPS);
    random_state = 42;
    p->features = room_for(n * n_features);
    p->targets = room_for(n);
    p->weights = room_for(n_features);
    p->out_of_fold = room_for(n);
    for (size_t i = 0; i < n * n_features; i++)
        p->features[i] = (float)normal();
    for (size_t g = 0; g < n_groups; g++)
        p->ends[g] = (g + 1) * group_size;
    p->samples = (grt_ridge_samples){p->features, p->targets, p->ends, n,
                                     n_features,  n_groups,   NULL};
}

static void tear_down(problem *p)
{
    free(p->features);
    free(p->targets);
    free(p->weights);
    free(p->out_of_fold);
}

static double true_weight(size_t feature)
{
    return feature % 3 == 0 ? 1.0 : feature % 3 == 1 ? -0.5 : 0.0;
}

static void set_linear_targets(problem *p, double noise)
{
    size_t n_features = p->samples.n_features;
    for (size_t i = 0; i < p->samples.n_samples; i++) {
        double y = 0.25 + noise * normal();
        for (size_t j = 0; j < n_features; j++)
            y += true_weight(j) * (double)p->features[i * n_features + j];
        p->targets[i] = (float)y;
    }
}

static void fit(problem *p, size_t n_folds)
{
    grt_error err = {0};
    assert_ok(
        grt_ridge_fit(&p->samples, n_folds, p->weights, &p->bias, p->out_of_fold, &err),
        &err);
}

static double predict(const problem *p, size_t sample)
{
    double sum = (double)p->bias;
    for (size_t j = 0; j < p->samples.n_features; j++)
        sum += (double)p->features[sample * p->samples.n_features + j] *
               (double)p->weights[j];
    return sum;
}

/* Of predictions and targets within groups. */
static double correlation(const problem *p, const float *predictions)
{
    double xy = 0.0, xx = 0.0, yy = 0.0;
    for (size_t g = 0, begin = 0; g < p->samples.n_groups; begin = p->ends[g++]) {
        double x_mean = 0.0, y_mean = 0.0, n = (double)(p->ends[g] - begin);
        for (size_t i = begin; i < p->ends[g]; i++) {
            x_mean += (double)predictions[i] / n;
            y_mean += (double)p->targets[i] / n;
        }
        for (size_t i = begin; i < p->ends[g]; i++) {
            double x = (double)predictions[i] - x_mean;
            double y = (double)p->targets[i] - y_mean;
            xy += x * y;
            xx += x * x;
            yy += y * y;
        }
    }
    return xx > 0.0 && yy > 0.0 ? xy / sqrt(xx * yy) : 0.0;
}

static void assert_means_agree(const problem *p)
{
    double mean = 0.0, largest = 1.0;
    for (size_t i = 0; i < p->samples.n_samples; i++) {
        mean += predict(p, i) - (double)p->targets[i];
        largest = fmax(largest, fabs((double)p->targets[i]));
    }
    mean /= (double)p->samples.n_samples;
    assert_true(fabs(mean) < 1e-6 * largest);
}

static void test_recovers_a_linear_model(void **state)
{
    (void)state;
    const size_t widths[] = {1, 7, 64, 65, 150};
    for (size_t w = 0; w < sizeof(widths) / sizeof(*widths); w++) {
        problem p;
        set_up(&p, 60, 10, widths[w]);
        set_linear_targets(&p, 0.1);
        fit(&p, 5);
        for (size_t j = 0; j < widths[w]; j++)
            assert_true(fabs((double)p.weights[j] - true_weight(j)) < 0.03);
        assert_true(fabs((double)p.bias - 0.25) < 0.03);
        assert_true(correlation(&p, p.out_of_fold) > 0.98);
        for (size_t i = 0; i < p.samples.n_samples; i++)
            assert_true(fabs((double)p.out_of_fold[i] - predict(&p, i)) < 0.5);
        assert_means_agree(&p);
        tear_down(&p);
    }
}

/* Fewer samples than features: what the features have in common can still be found. */
static void test_recovers_a_model_of_few_factors(void **state)
{
    (void)state;
    enum { FACTORS = 4, FEATURES = 300 };
    problem p;
    set_up(&p, 15, 10, FEATURES);
    for (size_t i = 0; i < p.samples.n_samples; i++) {
        double factors[FACTORS];
        for (size_t k = 0; k < FACTORS; k++)
            factors[k] = normal();
        for (size_t j = 0; j < FEATURES; j++) {
            double x = 0.05 * normal();
            for (size_t k = 0; k < FACTORS; k++)
                x += factors[k] * sin((double)(1 + j * (k + 1)));
            p.features[i * FEATURES + j] = (float)x;
        }
        p.targets[i] = (float)(factors[0] - 2.0 * factors[1] + 0.05 * normal());
    }
    fit(&p, 5);
    assert_true(correlation(&p, p.out_of_fold) > 0.98);
    assert_means_agree(&p);
    tear_down(&p);
}

/* Sample `at` of `to`: the mean over the groups of a fold of `from`, of one size. */
static void middle_of_fold(const problem *from, size_t fold, size_t n_folds,
                           problem *to, size_t at)
{
    size_t width = from->samples.n_features, size = from->ends[0];
    for (size_t j = 0; j <= width; j++) {
        double sum = 0.0;
        size_t count = 0;
        for (size_t i = 0; i < from->samples.n_samples; i++) {
            if (i / size % n_folds != fold) continue;
            sum +=
                (double)(j < width ? from->features[i * width + j] : from->targets[i]);
            count++;
        }
        float *out = j < width ? &to->features[at * width + j] : &to->targets[at];
        *out = (float)(sum / (double)count);
    }
}

/* Groups of one sample, at the mean of their fold, are rows of zeros: they make the
 * samples more than the features and change nothing else. */
static void test_both_forms_agree(void **state)
{
    (void)state;
    enum { GROUPS = 13, SIZE = 10, FEATURES = 140, EXTRA = 20 };
    problem few, many;
    set_up(&few, GROUPS, SIZE, FEATURES);
    set_up(&many, GROUPS + EXTRA, SIZE, FEATURES);
    set_linear_targets(&few, 0.5);
    memcpy(many.targets, few.targets, few.samples.n_samples * sizeof(float));
    many.samples.n_samples = few.samples.n_samples + EXTRA;
    for (size_t i = 0; i < EXTRA; i++) {
        many.ends[GROUPS + i] = few.samples.n_samples + i + 1;
        middle_of_fold(&few, (GROUPS + i) % 3, 3, &many, few.samples.n_samples + i);
    }
    assert_true(few.samples.n_samples < FEATURES);
    assert_true(many.samples.n_samples >= FEATURES);
    fit(&few, 3);
    fit(&many, 3);
    double largest = 0.0;
    for (size_t j = 0; j < FEATURES; j++) {
        largest = fmax(largest, fabs((double)few.weights[j]));
        assert_true(fabs((double)few.weights[j] - (double)many.weights[j]) < 1e-4);
    }
    assert_true(largest > 0.5);
    /* the folds' biases differ, what tells a group's samples apart does not */
    for (size_t i = 1; i < few.samples.n_samples; i++) {
        if (i % SIZE == 0) continue;
        double a = (double)few.out_of_fold[i] - (double)few.out_of_fold[i - 1];
        double b = (double)many.out_of_fold[i] - (double)many.out_of_fold[i - 1];
        assert_true(fabs(a - b) < 1e-4);
    }
    tear_down(&few);
    tear_down(&many);
}

static void test_an_offset_of_all_does_not_matter(void **state)
{
    (void)state;
    const size_t widths[] = {20, 150};
    for (size_t w = 0; w < 2; w++) {
        problem plain, moved;
        set_up(&plain, 12, 8, widths[w]);
        set_up(&moved, 12, 8, widths[w]);
        set_linear_targets(&plain, 0.2);
        for (size_t i = 0; i < plain.samples.n_samples; i++) {
            moved.targets[i] = plain.targets[i] - 64.0f;
            for (size_t j = 0; j < widths[w]; j++)
                moved.features[i * widths[w] + j] += (float)(4 + j % 5);
        }
        fit(&plain, 4);
        fit(&moved, 4);
        for (size_t j = 0; j < widths[w]; j++)
            assert_true(fabs((double)plain.weights[j] - (double)moved.weights[j]) <
                        1e-4);
        assert_means_agree(&moved);
        tear_down(&plain);
        tear_down(&moved);
    }
}

/* Feature 0 tells the noise within groups by hundredths, and lies anywhere between
 * groups: reading it would put each group's level off by hundreds. */
static void test_levels_of_groups_stay_near(void **state)
{
    (void)state;
    enum { GROUPS = 40, SIZE = 10, WIDTH = 12 };
    problem p;
    set_up(&p, GROUPS, SIZE, WIDTH);
    set_linear_targets(&p, 0.0);
    for (size_t g = 0; g < GROUPS; g++) {
        double level = 10.0 * normal();
        for (size_t i = g * SIZE; i < (g + 1) * SIZE; i++) {
            double noise = normal();
            p.targets[i] += (float)noise;
            p.features[i * WIDTH] = (float)(level + 0.01 * noise);
        }
    }
    fit(&p, 5);
    double worst = 0.0;
    for (size_t g = 0; g < GROUPS; g++) {
        double off = 0.0;
        for (size_t i = g * SIZE; i < (g + 1) * SIZE; i++)
            off += (predict(&p, i) - (double)p.targets[i]) / SIZE;
        worst = fmax(worst, fabs(off));
    }
    assert_true(worst < 5.0);
    tear_down(&p);
}

static void test_noise_cannot_be_predicted(void **state)
{
    (void)state;
    problem p;
    set_up(&p, 40, 10, 600);
    for (size_t i = 0; i < p.samples.n_samples; i++)
        p.targets[i] = (float)normal();
    fit(&p, 5);
    assert_true(fabs(correlation(&p, p.out_of_fold)) < 0.15);
    float *seen = room_for(p.samples.n_samples);
    for (size_t i = 0; i < p.samples.n_samples; i++)
        seen[i] = (float)predict(&p, i);
    assert_true(correlation(&p, seen) > 0.8);
    free(seen);
    tear_down(&p);
}

/* The targets of a fold leave its own predictions as they are, to the bit. */
static void test_a_fold_does_not_see_itself(void **state)
{
    (void)state;
    const size_t widths[] = {20, 150};
    for (size_t w = 0; w < 2; w++) {
        problem p;
        set_up(&p, 11, 8, widths[w]);
        set_linear_targets(&p, 0.2);
        fit(&p, 3);
        size_t n = p.samples.n_samples, n_changed = 0;
        float *before = room_for(n);
        memcpy(before, p.out_of_fold, n * sizeof(*before));
        p.targets[4 * 8 + 3] += 0.01f; /* group 4 is in fold 1 */
        fit(&p, 3);
        for (size_t i = 0; i < n; i++) {
            if (i / 8 % 3 == 1)
                assert_true(before[i] == p.out_of_fold[i]);
            else
                n_changed += before[i] != p.out_of_fold[i];
        }
        assert_true(n_changed > n / 2);
        free(before);
        tear_down(&p);
    }
}

static void test_constant_features_weigh_nothing(void **state)
{
    (void)state;
    problem p;
    set_up(&p, 30, 6, 9);
    for (size_t i = 0; i < p.samples.n_samples; i++) {
        p.features[i * 9 + 2] = 1000.1f;
        p.features[i * 9 + 5] = (float)(i / 6) * 0.3f; /* in each group */
        p.features[i * 9 + 8] = 0.0f;
    }
    set_linear_targets(&p, 0.01);
    fit(&p, 2);
    for (size_t j = 0; j < 9; j++) {
        if (j == 2 || j == 5 || j == 8)
            assert_true(p.weights[j] == 0.0f);
        else
            assert_true(fabs((double)p.weights[j] - true_weight(j)) < 0.03);
    }
    assert_means_agree(&p);

    for (size_t i = 0; i < p.samples.n_samples * 9; i++)
        p.features[i] = 3.0f;
    fit(&p, 2);
    for (size_t j = 0; j < 9; j++)
        assert_true(p.weights[j] == 0.0f);
    assert_means_agree(&p);
    p.samples.n_features = 0;
    fit(&p, 2);
    assert_means_agree(&p);
    tear_down(&p);
}

static void test_groups_of_one_sample(void **state)
{
    (void)state;
    problem p;
    set_up(&p, 8, 1, 5);
    set_linear_targets(&p, 0.1);
    fit(&p, 8);
    double sum = 0.0;
    for (size_t i = 0; i < 8; i++)
        sum += (double)p.targets[i];
    for (size_t i = 0; i < 8; i++) {
        double others = (sum - (double)p.targets[i]) / 7.0;
        assert_true(fabs((double)p.out_of_fold[i] - others) < 1e-5);
    }
    for (size_t j = 0; j < 5; j++)
        assert_true(p.weights[j] == 0.0f);
    assert_true(fabs((double)p.bias - sum / 8.0) < 1e-5);
    tear_down(&p);
}

static void test_spreads_of_many_sizes(void **state)
{
    (void)state;
    problem p;
    set_up(&p, 30, 10, 6);
    set_linear_targets(&p, 0.01);
    const float factors[] = {1e-20f, 1e-6f, 1.0f, 1e3f, 1e12f, 1e30f};
    for (size_t i = 0; i < p.samples.n_samples; i++)
        for (size_t j = 0; j < 6; j++)
            p.features[i * 6 + j] *= factors[j];
    fit(&p, 5);
    for (size_t j = 0; j < 6; j++)
        assert_true(fabs((double)p.weights[j] * (double)factors[j] - true_weight(j)) <
                    0.01);
    for (size_t i = 0; i < p.samples.n_samples; i++) {
        p.features[i * 6] = (float)normal() * 1e-30f;
        p.targets[i] = p.features[i * 6] * 1e38f;
    }
    for (size_t i = 0; i < p.samples.n_samples; i++)
        p.targets[i] *= 1e10f;
    grt_error err = {0};
    assert_refused(
        grt_ridge_fit(&p.samples, 5, p.weights, &p.bias, p.out_of_fold, &err),
        GRT_E_INVALID_ARG, &err, "does not fit a float");
    tear_down(&p);
}

static void test_refusals(void **state)
{
    (void)state;
    problem p;
    grt_error err = {0};
    set_up(&p, 3, 4, 5);
    set_linear_targets(&p, 0.1);
#define REFUSED(n_folds, fragment)                                                     \
    assert_refused(                                                                    \
        grt_ridge_fit(&p.samples, (n_folds), p.weights, &p.bias, p.out_of_fold, &err), \
        GRT_E_INVALID_ARG, &err, (fragment))
    REFUSED(4, "too few");
    REFUSED(1, "2 folds");
    REFUSED(0, "2 folds");
    p.features[5 * 7 + 3] = NAN;
    REFUSED(2, "feature 3 of sample 7");
    p.features[5 * 7 + 3] = -INFINITY;
    REFUSED(2, "feature 3 of sample 7");
    p.features[5 * 7 + 3] = 0.0f;
    p.targets[11] = NAN;
    REFUSED(2, "target of sample 11");
    p.targets[11] = 0.0f;
    p.ends[1] = p.ends[0];
    REFUSED(2, "group 1");
    p.ends[1] = 8;
    p.samples.n_samples = 11;
    REFUSED(2, "end at sample 12 of 11");
    p.samples.n_samples = 12;
    p.samples.n_groups = 0;
    REFUSED(2, "too few");
    p.samples.n_groups = 3;
#undef REFUSED
    fit(&p, 3);
    tear_down(&p);
}

static void test_every_allocation_may_fail(void **state)
{
    (void)state;
    const size_t widths[] = {6, 40};
    for (size_t w = 0; w < 2; w++) {
        problem p;
        set_up(&p, 5, 4, widths[w]);
        set_linear_targets(&p, 0.1);
        uint64_t before = grt_memory_now(), n_failed = 0;
        for (;;) {
            grt_error err = {0};
            grt_memory_fail_nth(n_failed + 1);
            grt_status status =
                grt_ridge_fit(&p.samples, 2, p.weights, &p.bias, p.out_of_fold, &err);
            grt_memory_fail_nth(0);
            assert_true(grt_memory_now() == before);
            if (status == GRT_OK) break;
            assert_int_equal(status, GRT_E_NO_MEMORY);
            assert_true(err.text[0] != '\0');
            n_failed++;
        }
        assert_true(n_failed > 10);
        tear_down(&p);
    }
}

/* A fit that takes many seconds ends soon after it is asked to, in either form. */
static void test_a_stop_ends_a_fit_in_its_middle(void **state)
{
    (void)state;
    const size_t sizes[2][2] = {{60, 1500}, {200, 1500}}; /* groups, features */
    for (size_t i = 0; i < 2; i++) {
        grt_error err;
        problem p;
        grt_stop stop = {.is_cancelled = false};
        set_up(&p, sizes[i][0], 20, sizes[i][1]);
        set_linear_targets(&p, 0.5);
        p.samples.stop = &stop;
        stop.deadline_ns = grt_clock_ns() + 300000000;
        assert_refused(
            grt_ridge_fit(&p.samples, 5, p.weights, &p.bias, p.out_of_fold, &err),
            GRT_E_CANCELLED, &err, "while a readout was fitted");
        uint64_t late = grt_clock_ns() - stop.deadline_ns;
        if (late > 1000000000u) fail_msg("ended %.2f s late", (double)late / 1e9);
        tear_down(&p);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_recovers_a_linear_model),
        cmocka_unit_test(test_a_stop_ends_a_fit_in_its_middle),
        cmocka_unit_test(test_recovers_a_model_of_few_factors),
        cmocka_unit_test(test_both_forms_agree),
        cmocka_unit_test(test_an_offset_of_all_does_not_matter),
        cmocka_unit_test(test_levels_of_groups_stay_near),
        cmocka_unit_test(test_noise_cannot_be_predicted),
        cmocka_unit_test(test_a_fold_does_not_see_itself),
        cmocka_unit_test(test_constant_features_weigh_nothing),
        cmocka_unit_test(test_groups_of_one_sample),
        cmocka_unit_test(test_spreads_of_many_sizes),
        cmocka_unit_test(test_refusals),
        cmocka_unit_test(test_every_allocation_may_fail),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
