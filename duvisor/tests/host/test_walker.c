/* test_walker.c - the machine's walk against the reference: random tables, PMP, modes
 * and accesses. */
#include "test.h"

#include "machine/machine_state.h"
#include "machine/mmu.h"
#include "reference_walker.h"

enum { RAM_BYTES = 2 << 20, N_ACCESSES = 1000000, N_PER_WORLD = 400, N_TABLES = 24 };

static uint64_t state = 88172645463325252u;

static uint64_t next(void)
{
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return state;
}

static unsigned below(unsigned n)
{
    return (unsigned)(next() >> 33) % n;
}

typedef struct world {
    dv_machine *machine;
    dv_hart *hart;
    ref_state reference;
} world;

static uint64_t table_pa(unsigned i)
{
    return RV_RAM_BASE + 0x4000 * (uint64_t)(i + 1);
}

/* Few indices are used at each level, so that walks go deep. */
static uint64_t some_index(void)
{
    static const uint16_t indices[] = {0, 1, 2, 256, 511};
    return indices[below(5)];
}

static uint64_t some_pte(unsigned level)
{
    unsigned kind = below(100);
    if (kind < 4) return next();
    if (kind < 8) return 0;
    uint64_t flags = 1;
    if (level > 0 && kind < 75) {
        if (below(40) == 0) flags |= 1ull << (4 + below(4));
        return table_pa(below(N_TABLES)) >> 12 << 10 | flags;
    }
    /* a leaf: mostly with rights, mostly aligned to its level */
    flags |= (uint64_t)below(8) << 1 | (uint64_t)(below(4) != 0) << 4 |
             (uint64_t)below(4) << 6;
    if (below(3)) flags |= 6;
    uint64_t ppn = (RV_RAM_BASE >> 12) + below(RAM_BYTES >> 12);
    if (level > 0 && below(8)) ppn &= ~((1ull << 9 * level) - 1);
    if (below(30) == 0) flags |= 1ull << (54 + below(10));
    return ppn << 10 | flags;
}

/* Tables that serve both stages at any level. */
static void make_tables(world *w)
{
    for (unsigned t = 0; t < N_TABLES; t++)
        for (unsigned i = 0; i < 12; i++) {
            uint64_t pte = some_pte(t % 4), page = below(4);
            uint64_t at = table_pa(t) + (below(3) ? 0 : page * 4096) + 8 * some_index();
            memcpy(w->machine->ram + (at - RV_RAM_BASE), &pte, 8);
            memcpy(w->reference.ram + (at - RV_RAM_BASE), &pte, 8);
        }
}

static uint64_t some_atp(void)
{
    unsigned mode = below(8);
    uint64_t ppn = table_pa(below(N_TABLES)) >> 12;
    return mode == 0 ? 0 : (uint64_t)(8 + mode % 3) << 60 | ppn;
}

static void make_pmp(world *w)
{
    dv_csrs *csr = &w->hart->csr;
    memset(csr->pmpcfg, 0, sizeof(csr->pmpcfg));
    unsigned n_narrow = below(3) ? 0 : 1 + below(4);
    for (unsigned i = 0; i < 16; i++) {
        uint8_t config = 0;
        uint64_t address = (RV_RAM_BASE + below(RAM_BYTES)) >> 2;
        if (i < n_narrow) {
            config = (uint8_t)(below(4) << 3 | below(8) | (below(8) == 0) << 7);
            address |= (1ull << below(14)) - 1;
        } else if (i == 15 && below(20)) {
            config = 0x1f;
            address = ~0ull >> 10;
        }
        csr->pmpaddr[i] = w->reference.pmp_address[i] = address;
        w->reference.pmp_config[i] = config;
        csr->pmpcfg[i / 8] |= (uint64_t)config << (8 * (i % 8));
    }
}

static void make_registers(world *w)
{
    dv_csrs *csr = &w->hart->csr;
    ref_state *r = &w->reference;
    csr->satp = r->satp = some_atp();
    csr->vsatp = r->vsatp = some_atp();
    csr->hgatp = r->hgatp = some_atp() & ~3ull;
    r->sum = below(2);
    r->mxr = below(2);
    r->vsum = below(2);
    r->vs_mxr = below(2);
    csr->mstatus = (r->sum ? RV_STATUS_SUM : 0) | (r->mxr ? RV_STATUS_MXR : 0);
    csr->vsstatus = (r->vsum ? RV_STATUS_SUM : 0) | (r->vs_mxr ? RV_STATUS_MXR : 0);
    dv_mmu_flush(w->hart);
}

static uint64_t some_address(unsigned levels)
{
    if (below(50) == 0) return next();
    if (levels == 0) return RV_RAM_BASE + below(RAM_BYTES + 4096);
    uint64_t va = 0;
    for (unsigned i = 0; i < levels; i++)
        va = va << 9 | some_index();
    va = va << 12 | below(4096);
    unsigned unused = 64 - (12 + 9 * levels);
    if (below(30)) va = (uint64_t)((int64_t)(va << unused) >> unused);
    return va;
}

static ref_access some_access(const world *w)
{
    static const uint8_t modes[] = {0, 0, 1, 1, 1, 3};
    ref_access a = {.n_bytes = 1u << below(4), .kind = (ref_kind)below(3)};
    a.mode = modes[below(6)];
    a.is_virtual = a.mode != 3 && below(3) != 0;
    a.is_hlvx = a.is_virtual && a.kind == REF_LOAD && below(8) == 0;
    uint64_t atp = a.is_virtual ? w->reference.vsatp : w->reference.satp;
    if (a.mode == 3) atp = 0;
    if (a.is_virtual && atp == 0) atp = w->reference.hgatp;
    a.va =
        some_address(atp ? (unsigned)(atp >> 60) - 5 : 0) & ~(uint64_t)(a.n_bytes - 1);
    return a;
}

static void compare(world *w, const ref_access *a, unsigned number)
{
    uint64_t pa = 0;
    dv_regime regime = dv_regime_of(w->hart, a->mode, a->is_virtual);
    ref_result want = ref_translate(&w->reference, a);
    bool is_ok = dv_translate(w->hart, a->va, a->n_bytes, (dv_access)a->kind, regime,
                              a->is_hlvx, &pa);
    const dv_trap *t = &w->hart->trap;
    bool is_same = is_ok == want.is_ok;
    if (is_same && is_ok) is_same = pa == want.pa;
    if (is_same && !is_ok)
        is_same = t->cause == want.cause && t->tval == want.tval &&
                  t->tval2 == want.tval2 && t->tinst == want.tinst &&
                  t->has_guest_address == want.gva;
    if (!is_same)
        fail_msg(
            "access %u, kind %d at 0x%llx in mode %u%s: %d, 0x%llx, cause %llu, not "
            "%d, 0x%llx, cause %u",
            number, (int)a->kind, (unsigned long long)a->va, a->mode,
            a->is_virtual ? " with V" : "", is_ok, (unsigned long long)pa,
            (unsigned long long)t->cause, want.is_ok, (unsigned long long)want.pa,
            want.cause);
}

static void make_world(world *w)
{
    grt_error err;
    dv_machine_options options = {.n_harts = 1, .ram_bytes = RAM_BYTES};
    assert_ok(dv_machine_create(&w->machine, &options, &err), &err);
    w->hart = &w->machine->harts[0];
    w->reference = (ref_state){.ram_base = RV_RAM_BASE, .ram_bytes = RAM_BYTES};
    w->reference.ram = calloc(1, RAM_BYTES);
    assert_non_null(w->reference.ram);
}

static void test_random(void **unused)
{
    (void)unused;
    world w;
    unsigned n_ok = 0, n_causes[24] = {0};
    make_world(&w);
    for (unsigned i = 0; i < N_ACCESSES; i++) {
        if (i % N_PER_WORLD == 0) {
            assert_memory_equal(w.machine->ram, w.reference.ram, RAM_BYTES);
            memset(w.machine->ram, 0, RAM_BYTES);
            memset(w.reference.ram, 0, RAM_BYTES);
            make_tables(&w);
            make_pmp(&w);
        }
        if (i % 20 == 0) make_registers(&w);
        ref_access a = some_access(&w);
        compare(&w, &a, i);
        uint64_t pa;
        w.hart->trap.cause = 0;
        if (dv_translate(w.hart, a.va, a.n_bytes, (dv_access)a.kind,
                         dv_regime_of(w.hart, a.mode, a.is_virtual), a.is_hlvx, &pa))
            n_ok++;
        else
            n_causes[w.hart->trap.cause]++;
    }
    assert_memory_equal(w.machine->ram, w.reference.ram, RAM_BYTES);
    /* the accesses are of every kind, or the comparison would say little */
    assert_true(n_ok > N_ACCESSES / 20);
    static const uint8_t causes[] = {1, 5, 7, 12, 13, 15, 20, 21, 23};
    for (unsigned i = 0; i < sizeof(causes); i++)
        assert_true(n_causes[causes[i]] > N_ACCESSES / 1000);
    free(w.reference.ram);
    dv_machine_free(w.machine);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_random),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
