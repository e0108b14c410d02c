/* test_twins.c - both interpreters leave the same state after every 10,000 instructions
 * of every program, four harts run the same way twice, and a run in pieces equals one
 * run. */
#include "test.h"

#include "base/memory.h"
#include "io/file.h"
#include "machine/machine.h"

#include <unistd.h>

enum { STEP = 10000, N_STEPS = 250 };

static dv_machine *load(const char *program, unsigned n_harts, bool is_plain)
{
    dv_machine_options options = {
        .n_harts = n_harts, .ram_bytes = 64 << 20, .is_plain = is_plain};
    dv_boot boot = {0};
    grt_error err;
    dv_machine *m;
    char *bytes, path[512];
    size_t n_bytes;
    (void)snprintf(path, sizeof(path), "%s/%s.elf", DV_PROGRAMS, program);
    if (access(path, F_OK) != 0) return NULL;
    assert_ok(grt_file_load(&bytes, &n_bytes, path, 1 << 24, &err), &err);
    assert_ok(dv_machine_create(&m, &options, &err), &err);
    assert_ok(dv_machine_load_elf(m, bytes, n_bytes, &err), &err);
    assert_ok(dv_machine_boot(m, &boot, &err), &err);
    grt_free(bytes);
    return m;
}

static void compare(const char *program, unsigned n_harts, bool is_plain)
{
    dv_machine *a = load(program, n_harts, false),
               *b = load(program, n_harts, is_plain);
    if (!a || !b) {
        print_message("SKIP no %s.elf: there was no compiler for RISC-V\n", program);
        skip();
    }
    for (unsigned i = 0; i < N_STEPS; i++) {
        dv_stop stop_a = dv_machine_run(a, STEP), stop_b = dv_machine_run(b, STEP);
        assert_int_equal(stop_a.reason, stop_b.reason);
        if (dv_machine_hash(a, false) != dv_machine_hash(b, false))
            fail_msg("%s differs by instruction %u, at 0x%llx and 0x%llx", program,
                     (i + 1) * STEP, (unsigned long long)dv_machine_pc(a, 0),
                     (unsigned long long)dv_machine_pc(b, 0));
        if (stop_a.reason != DV_STOP_LIMIT) break;
    }
    assert_true(dv_machine_attempted(a) > 1000);
    assert_int_equal(dv_machine_hash(a, true), dv_machine_hash(b, true));
    dv_machine_free(a);
    dv_machine_free(b);
}

static void test_twins(void **unused)
{
    (void)unused;
    static const char *const programs[] = {
        "isa_integer", "isa_memory",  "isa_atomic", "isa_compressed",
        "priv_csr",    "priv_trap",   "h_trap",     "priv_paging",
        "h_stage2",    "random_code", "own_h",      "own_stage2",
    };
    for (size_t i = 0; i < sizeof(programs) / sizeof(programs[0]); i++)
        compare(programs[i], 1, true);
}

static void test_four_harts(void **unused)
{
    (void)unused;
    compare("smp", 4, false);
    compare("smp", 4, true);
}

static void test_pieces(void **unused)
{
    (void)unused;
    dv_machine *whole = load("priv_trap", 1, false),
               *parts = load("priv_trap", 1, false);
    if (!whole || !parts) skip();
    (void)dv_machine_run(whole, 7 * 1001);
    for (unsigned i = 0; i < 1001; i++)
        (void)dv_machine_run(parts, 7);
    assert_int_equal(dv_machine_hash(whole, true), dv_machine_hash(parts, true));
    dv_machine_free(whole);
    dv_machine_free(parts);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_twins),
        cmocka_unit_test(test_four_harts),
        cmocka_unit_test(test_pieces),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
