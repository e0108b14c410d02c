/* test_bench_schedule.c - recorded decisions for other depths, N and K. */
#include "bench/bench.h"
#include "test.h"

static void expect(const bench_schedule *schedule, const grt_schedule_entry *wanted,
                   size_t n)
{
    assert_int_equal(schedule->n, n);
    for (size_t i = 0; i < n; i++) {
        assert_int_equal(schedule->entries[i].layer, wanted[i].layer);
        assert_int_equal(schedule->entries[i].n_select, wanted[i].n_select);
        assert_int_equal(schedule->entries[i].n_drop, wanted[i].n_drop);
    }
}

static bench_schedule scaled(size_t n_layers, size_t n_documents, size_t k)
{
    bench_schedule out = {.n_layers = n_layers, .n_documents = n_documents, .k = k};
    bench_schedule_scale(&out, &bench_published_schedule);
    return out;
}

static void test_published(void **state)
{
    (void)state;
    bench_schedule same = scaled(28, 20, 10);
    expect(&same, (grt_schedule_entry[]){{9, 2, 2}, {11, 8, 8}}, 2);
    /* 3 candidates for each of the example; 10 of them wanted as there */
    bench_schedule more = scaled(28, 60, 10);
    expect(&more, (grt_schedule_entry[]){{9, 2, 10}, {11, 8, 40}}, 2);
    bench_schedule deeper = scaled(36, 20, 10);
    expect(&deeper, (grt_schedule_entry[]){{12, 2, 2}, {14, 8, 8}}, 2);
}

/* Whatever the sizes, all are decided, and no layer comes twice. */
static void test_complete(void **state)
{
    (void)state;
    for (size_t layers = 2; layers <= 40; layers++) {
        for (size_t n = 2; n <= 30; n++) {
            for (size_t k = 1; k < n; k++) {
                bench_schedule out = scaled(layers, n, k);
                size_t selected = 0, dropped = 0, last = 0;
                for (size_t i = 0; i < out.n; i++) {
                    assert_true(out.entries[i].layer > last);
                    last = out.entries[i].layer;
                    selected += out.entries[i].n_select;
                    dropped += out.entries[i].n_drop;
                }
                assert_true(last > 0 && last < layers);
                assert_int_equal(selected, k);
                assert_int_equal(dropped, n - k);
            }
        }
    }
}

static void test_nothing_to_decide(void **state)
{
    (void)state;
    assert_int_equal(scaled(28, 10, 10).n, 0);
    assert_int_equal(scaled(28, 5, 10).n, 0);
    assert_int_equal(scaled(28, 5, 0).n, 0);
    assert_int_equal(scaled(1, 20, 10).n, 0); /* no boundary before the end */
}

/* Steps that fall on one layer become one. */
static void test_shallow(void **state)
{
    (void)state;
    bench_schedule shallow = scaled(8, 20, 10);
    expect(&shallow, (grt_schedule_entry[]){{3, 10, 10}}, 1);
}

/* A schedule that leaves some undecided leaves them undecided at any size. */
static void test_incomplete(void **state)
{
    (void)state;
    bench_schedule from = {.n_layers = 4, .n_documents = 8, .k = 2};
    bench_schedule to = {.n_layers = 8, .n_documents = 16, .k = 4};
    assert_null(bench_schedule_parse(&from, "1:1:0,3:0:4"));
    bench_schedule_scale(&to, &from);
    expect(&to, (grt_schedule_entry[]){{2, 2, 0}, {6, 0, 8}}, 2);
}

static void test_parse(void **state)
{
    (void)state;
    bench_schedule out = {0};
    assert_null(bench_schedule_parse(&out, "9:2:2,11:8:8"));
    expect(&out, (grt_schedule_entry[]){{9, 2, 2}, {11, 8, 8}}, 2);
    static const char *const shapes[] = {
        "",        "9",      "9:2",         "9:2:",  "9:2:2,", ",9:2:2",
        "9:2:2:",  "9:2:2 ", "9:-2:2",      "a:b:c", "9:2,2",  "9:2:2;11:8:8",
        "9:2:1e3", "9::2",   "99999999:1:1"};
    for (size_t i = 0; i < sizeof shapes / sizeof shapes[0]; i++)
        assert_string_equal(bench_schedule_parse(&out, shapes[i]),
                            "an entry is LAYER:SELECT:DROP");
    assert_string_equal(bench_schedule_parse(&out, "0:1:1"), "layers count from 1");
    assert_string_equal(bench_schedule_parse(&out, "9:1:1,9:1:1"),
                        "its layers do not ascend");
    char many[8 * 80] = "1:0:0";
    for (int i = 2; i <= BENCH_SCHEDULE_MAX; i++)
        snprintf(many + strlen(many), 8, ",%d:0:0", i);
    assert_null(bench_schedule_parse(&out, many));
    assert_int_equal(out.n, BENCH_SCHEDULE_MAX);
    snprintf(many + strlen(many), 8, ",65:0:0");
    assert_string_equal(bench_schedule_parse(&out, many),
                        "it has more than 64 entries");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_published),  cmocka_unit_test(test_complete),
        cmocka_unit_test(test_shallow),    cmocka_unit_test(test_nothing_to_decide),
        cmocka_unit_test(test_incomplete), cmocka_unit_test(test_parse),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
