/*
 * mmu.c - the page table walk of both stages, after the privileged specification 1.12,
 * sections 4.3.2 and 8.5: one walker with a level count serves Sv39, Sv48, Sv57 and
 * their x4 forms.
 *
 * What a guest's walk touches is itself translated by the second stage, and all that is
 * touched is checked by PMP.  A and D bits are set by the walker.
 */
#include "machine/mmu.h"

#include "machine/bus.h"
#include "machine/machine_state.h"

typedef struct regime_row {
    uint8_t mode;
    bool is_virtual;
    bool has_sum;
} regime_row;

static const regime_row regimes[DV_N_REGIMES] = {
    [DV_REGIME_M] = {DV_MODE_M, false, false},
    [DV_REGIME_S] = {DV_MODE_S, false, false},
    [DV_REGIME_S_SUM] = {DV_MODE_S, false, true},
    [DV_REGIME_U] = {DV_MODE_U, false, false},
    [DV_REGIME_VS] = {DV_MODE_S, true, false},
    [DV_REGIME_VS_SUM] = {DV_MODE_S, true, true},
    [DV_REGIME_VU] = {DV_MODE_U, true, false},
};

dv_regime dv_regime_of(const dv_hart *h, unsigned mode, bool is_virtual)
{
    if (mode == DV_MODE_M) return DV_REGIME_M;
    if (mode == DV_MODE_U) return is_virtual ? DV_REGIME_VU : DV_REGIME_U;
    uint64_t status = is_virtual ? h->csr.vsstatus : h->csr.mstatus;
    dv_regime plain = is_virtual ? DV_REGIME_VS : DV_REGIME_S;
    return status & RV_STATUS_SUM ? plain + 1 : plain;
}

void dv_mmu_flush(dv_hart *h)
{
    for (unsigned i = 0; i < DV_N_REGIMES; i++)
        dv_tlb_flush(&h->tlb[i]);
}

void dv_mmu_flush_host(dv_hart *h)
{
    dv_tlb_flush(&h->tlb[DV_REGIME_S]);
    dv_tlb_flush(&h->tlb[DV_REGIME_S_SUM]);
    dv_tlb_flush(&h->tlb[DV_REGIME_U]);
}

void dv_mmu_flush_guest(dv_hart *h)
{
    dv_tlb_flush(&h->tlb[DV_REGIME_VS]);
    dv_tlb_flush(&h->tlb[DV_REGIME_VS_SUM]);
    dv_tlb_flush(&h->tlb[DV_REGIME_VU]);
}

/* What is asked for: the access as the instruction made it. */
typedef struct request {
    uint64_t va;
    dv_access access;
    const regime_row *regime;
    bool is_hlvx;
} request;

typedef enum fault { FAULT_PAGE, FAULT_GUEST_PAGE, FAULT_ACCESS } fault;

/* htinst of a fault on a read or a write of a guest page table (RV64). */
enum { TINST_NONE = 0, TINST_TABLE_READ = 0x3000, TINST_TABLE_WRITE = 0x3020 };

static bool fail(dv_hart *h, const request *r, fault kind, uint64_t gpa, uint64_t tinst)
{
    static const uint8_t causes[][3] = {
        [FAULT_PAGE] = {RV_CAUSE_FETCH_PAGE, RV_CAUSE_LOAD_PAGE, RV_CAUSE_STORE_PAGE},
        [FAULT_GUEST_PAGE] = {RV_CAUSE_FETCH_GUEST_PAGE, RV_CAUSE_LOAD_GUEST_PAGE,
                              RV_CAUSE_STORE_GUEST_PAGE},
        [FAULT_ACCESS] = {RV_CAUSE_FETCH_ACCESS, RV_CAUSE_LOAD_ACCESS,
                          RV_CAUSE_STORE_ACCESS},
    };
    h->trap = (dv_trap){
        .cause = causes[kind][r->access],
        .tval = r->va,
        .tval2 = kind == FAULT_GUEST_PAGE ? gpa >> 2 : 0,
        .tinst = tinst,
        .has_guest_address = r->regime->is_virtual,
    };
    return false;
}

/* One stage: its tables, and how its entries are judged. */
typedef struct stage {
    uint64_t root; /* physical address, or guest physical for the guest's first stage */
    unsigned n_levels; /* 0: no translation */
    bool is_second;
    bool is_guest; /* a first stage whose tables are guest memory */
} stage;

static stage make_stage(uint64_t atp, bool is_second, bool is_guest)
{
    unsigned mode = (unsigned)(atp >> RV_SATP_MODE_SHIFT);
    unsigned n_levels = mode == RV_MODE_BARE ? 0 : mode - RV_MODE_SV39 + 3;
    return (stage){(atp & RV_ATP_PPN) << 12, n_levels, is_second, is_guest};
}

static bool second_stage(dv_hart *h, const request *r, uint64_t gpa, dv_access access,
                         uint64_t tinst, uint64_t *pa);

/* True when no bit above those that the stage translates is set; a first stage wants
 * copies of the highest one. */
static bool is_in_range(const stage *s, uint64_t address)
{
    unsigned n_bits = 12 + 9 * s->n_levels + (s->is_second ? 2 : 0);
    if (s->is_second) return address >> n_bits == 0;
    int64_t upper = (int64_t)address >> (n_bits - 1);
    return upper == 0 || upper == -1;
}

static fault page_fault_of(const stage *s)
{
    return s->is_second ? FAULT_GUEST_PAGE : FAULT_PAGE;
}

/* May the leaf be used?  `access` is the implicit load of a guest's table entry when
 * tinst says so, else the request's own. */
static bool leaf_allows(dv_hart *h, const request *r, const stage *s, uint64_t pte,
                        dv_access access, bool is_implicit)
{
    unsigned mode = s->is_second ? DV_MODE_U : r->regime->mode;
    if (mode == DV_MODE_U) {
        if (!(pte & RV_PTE_U)) return false;
    } else if (pte & RV_PTE_U) {
        if (access == DV_FETCH || !r->regime->has_sum) return false;
    }
    if (access == DV_FETCH) return pte & RV_PTE_X;
    if (access == DV_STORE) return pte & RV_PTE_W;
    if (is_implicit) return pte & RV_PTE_R;
    if (r->is_hlvx) return pte & RV_PTE_X;
    bool has_mxr = h->csr.mstatus & RV_STATUS_MXR;
    if (s->is_guest) has_mxr |= (h->csr.vsstatus & RV_STATUS_MXR) != 0;
    return pte & RV_PTE_R || (has_mxr && pte & RV_PTE_X);
}

/* Sets A, and D for a store, in the entry at *pa of RAM; true when it could be. */
static bool set_accessed(dv_hart *h, const request *r, const stage *s,
                         uint64_t pte_address, uint64_t pte_pa, uint64_t pte,
                         dv_access access)
{
    uint64_t wanted = RV_PTE_A | (access == DV_STORE ? RV_PTE_D : 0);
    if ((pte & wanted) == wanted) return true;
    uint64_t checked_pa = pte_pa;
    if (s->is_guest &&
        !second_stage(h, r, pte_address, DV_STORE, TINST_TABLE_WRITE, &checked_pa))
        return false;
    uint8_t *host = dv_ram(h->machine, pte_pa, 8);
    if (!host || !dv_pmp_allows(h, pte_pa, 8, DV_STORE, DV_MODE_S))
        return fail(h, r, FAULT_ACCESS, 0, TINST_NONE);
    pte |= wanted;
    memcpy(host, &pte, 8);
    dv_machine_stored(h->machine, pte_pa, 8);
    return true;
}

/* Translates `address` by the tables of one stage.  `access` and tinst differ from the
 * request's own when a guest's table entry is what is being read or written. */
static bool walk(dv_hart *h, const request *r, const stage *s, uint64_t address,
                 dv_access access, uint64_t tinst, uint64_t *pa)
{
    if (!is_in_range(s, address)) return fail(h, r, page_fault_of(s), address, tinst);
    uint64_t table = s->root;
    if (s->is_second) table &= ~UINT64_C(0x3fff); /* four pages */
    for (unsigned level = s->n_levels; level-- > 0;) {
        unsigned shift = 12 + 9 * level;
        uint64_t index = address >> shift;
        index &= s->is_second && level == s->n_levels - 1 ? 0x7ff : 0x1ff;
        uint64_t pte_address = table + index * 8, pte_pa = pte_address;
        if (s->is_guest &&
            !second_stage(h, r, pte_address, DV_LOAD, TINST_TABLE_READ, &pte_pa))
            return false;
        const uint8_t *host = dv_ram(h->machine, pte_pa, 8);
        if (!host || !dv_pmp_allows(h, pte_pa, 8, DV_LOAD, DV_MODE_S))
            return fail(h, r, FAULT_ACCESS, 0, TINST_NONE);
        uint64_t pte = dv_from_host(host, 8);
        uint64_t rwx = pte & (RV_PTE_R | RV_PTE_W | RV_PTE_X);
        bool is_write_only = rwx & RV_PTE_W && !(rwx & RV_PTE_R);
        if (!(pte & RV_PTE_V) || is_write_only || pte >> 54) break;
        uint64_t next = (pte >> 10 & RV_ATP_PPN) << 12;
        if (!rwx) {
            if (pte & (RV_PTE_A | RV_PTE_D | RV_PTE_U)) break;
            table = next;
            continue;
        }
        uint64_t inside = (UINT64_C(1) << shift) - 1;
        bool is_implicit = tinst != TINST_NONE;
        if (next & inside || !leaf_allows(h, r, s, pte, access, is_implicit)) break;
        if (!set_accessed(h, r, s, pte_address, pte_pa, pte, access)) return false;
        *pa = next | (address & inside);
        return true;
    }
    return fail(h, r, page_fault_of(s), address, tinst);
}

static bool second_stage(dv_hart *h, const request *r, uint64_t gpa, dv_access access,
                         uint64_t tinst, uint64_t *pa)
{
    stage s = make_stage(h->csr.hgatp, true, false);
    *pa = gpa;
    return s.n_levels == 0 || walk(h, r, &s, gpa, access, tinst, pa);
}

bool dv_translate(dv_hart *h, uint64_t va, unsigned n_bytes, dv_access access,
                  dv_regime regime, bool is_hlvx, uint64_t *pa)
{
    request r = {va, access, &regimes[regime], is_hlvx};
    bool is_virtual = r.regime->is_virtual;
    *pa = va;
    if (r.regime->mode != DV_MODE_M) {
        stage s =
            make_stage(is_virtual ? h->csr.vsatp : h->csr.satp, false, is_virtual);
        if (s.n_levels && !walk(h, &r, &s, va, access, TINST_NONE, pa)) return false;
        if (is_virtual && !second_stage(h, &r, *pa, access, TINST_NONE, pa))
            return false;
    }
    /* HLVX needs the right to read, not to fetch */
    if (!dv_pmp_allows(h, *pa, n_bytes, access, r.regime->mode))
        return fail(h, &r, FAULT_ACCESS, 0, TINST_NONE);
    return true;
}

static bool access_fault(dv_hart *h, uint64_t va, dv_access access, dv_regime regime)
{
    request r = {va, access, &regimes[regime], false};
    return fail(h, &r, FAULT_ACCESS, 0, TINST_NONE);
}

/* May the page of pa, which an access has just reached, be hit from now on? */
static bool is_cacheable(dv_hart *h, uint64_t pa)
{
    return dv_pmp_is_uniform(h, pa & ~DV_PAGE_MASK);
}

static void fill(dv_hart *h, dv_tlb_data *entries, dv_regime regime, uint64_t va,
                 uint8_t *host)
{
    entries[dv_tlb_index(va)] =
        (dv_tlb_data){va & ~DV_PAGE_MASK, host - (va & DV_PAGE_MASK)};
    h->tlb[regime].is_used = true;
}

/* How many of n bytes at va lie on its page. */
static unsigned on_page(uint64_t va, unsigned n_bytes)
{
    uint64_t left = DV_PAGE_BYTES - (va & DV_PAGE_MASK);
    return left < n_bytes ? (unsigned)left : n_bytes;
}

static bool load_from_page(dv_hart *h, uint64_t va, unsigned n_bytes, dv_regime regime,
                           bool is_hlvx, uint64_t *value)
{
    uint64_t pa;
    if (!dv_translate(h, va, n_bytes, DV_LOAD, regime, is_hlvx, &pa)) return false;
    uint8_t *host = dv_memory(h->machine, pa, n_bytes);
    if (!host) {
        if (dv_bus_load(h, pa, n_bytes, value)) return true;
        return access_fault(h, va, DV_LOAD, regime);
    }
    *value = dv_from_host(host, n_bytes);
    if (!is_hlvx && is_cacheable(h, pa)) fill(h, h->tlb[regime].load, regime, va, host);
    return true;
}

bool dv_load_slow(dv_hart *h, uint64_t va, unsigned n_bytes, dv_regime regime,
                  bool is_hlvx, uint64_t *value)
{
    unsigned n = on_page(va, n_bytes);
    if (n == n_bytes) return load_from_page(h, va, n, regime, is_hlvx, value);
    uint64_t low, high;
    if (!load_from_page(h, va, n, regime, is_hlvx, &low)) return false;
    if (!load_from_page(h, va + n, n_bytes - n, regime, is_hlvx, &high)) return false;
    *value = low | high << (8 * n);
    return true;
}

/* Writes n bytes to physical memory or a device. */
static bool store_at(dv_hart *h, uint64_t va, uint64_t pa, unsigned n_bytes,
                     dv_regime regime, uint64_t value)
{
    uint8_t *host = dv_ram(h->machine, pa, n_bytes);
    if (!host) {
        if (dv_bus_store(h, pa, n_bytes, value)) return true;
        return access_fault(h, va, DV_STORE, regime);
    }
    memcpy(host, &value, n_bytes);
    dv_machine_stored(h->machine, pa, n_bytes);
    if (!dv_machine_has_code(h->machine, pa) && is_cacheable(h, pa))
        fill(h, h->tlb[regime].store, regime, va, host);
    return true;
}

bool dv_store_slow(dv_hart *h, uint64_t va, unsigned n_bytes, dv_regime regime,
                   uint64_t value)
{
    unsigned n = on_page(va, n_bytes);
    uint64_t first, second;
    if (!dv_translate(h, va, n, DV_STORE, regime, false, &first)) return false;
    if (n == n_bytes) return store_at(h, va, first, n, regime, value);
    if (!dv_translate(h, va + n, n_bytes - n, DV_STORE, regime, false, &second))
        return false;
    /* Both halves are RAM, or nothing is written. */
    if (!dv_ram(h->machine, first, n)) return access_fault(h, va, DV_STORE, regime);
    if (!dv_ram(h->machine, second, n_bytes - n))
        return access_fault(h, va + n, DV_STORE, regime);
    return store_at(h, va, first, n, regime, value) &&
           store_at(h, va + n, second, n_bytes - n, regime, value >> (8 * n));
}

bool dv_modify_slow(dv_hart *h, uint64_t va, unsigned n_bytes, uint8_t **host,
                    uint64_t *pa)
{
    dv_regime regime = h->data_regime;
    if (!dv_translate(h, va, n_bytes, DV_STORE, regime, false, pa)) return false;
    *host = dv_ram(h->machine, *pa, n_bytes);
    if (!*host || !dv_pmp_allows(h, *pa, n_bytes, DV_LOAD, regimes[regime].mode))
        return access_fault(h, va, DV_STORE, regime);
    return true;
}

/* Two bytes of an instruction; *pa gets where. */
static bool fetch_half(dv_hart *h, uint64_t va, uint64_t *pa, uint32_t *half)
{
    if (!dv_translate(h, va, 2, DV_FETCH, h->fetch_regime, false, pa)) return false;
    const uint8_t *host = dv_memory(h->machine, *pa, 2);
    if (!host) return access_fault(h, va, DV_FETCH, h->fetch_regime);
    *half = (uint32_t)dv_from_host(host, 2);
    return true;
}

bool dv_fetch_word(dv_hart *h, uint64_t va, uint32_t *word)
{
    uint64_t pa;
    uint32_t high = 0;
    if (!fetch_half(h, va, &pa, word)) return false;
    if (dv_insn_length(*word) == 2) return true;
    if (!fetch_half(h, va + 2, &pa, &high)) return false;
    *word |= high << 16;
    return true;
}

static const dv_insn *fetch_elsewhere(dv_hart *h, uint64_t va)
{
    uint32_t word;
    if (!dv_fetch_word(h, va, &word)) return NULL;
    h->elsewhere[0] = dv_decode(word);
    return &h->elsewhere[0];
}

const dv_insn *dv_fetch(dv_hart *h, uint64_t va)
{
    dv_tlb_fetch *entry = &h->tlb[h->fetch_regime].fetch[dv_tlb_index(va)];
    dv_page *page = entry->page;
    if (entry->tag != (va & ~DV_PAGE_MASK)) {
        uint64_t pa;
        uint32_t half;
        if (!fetch_half(h, va, &pa, &half)) return NULL;
        page = is_cacheable(h, pa) ? dv_machine_decoded_page(h->machine, pa) : NULL;
        if (!page) return fetch_elsewhere(h, va);
        *entry = (dv_tlb_fetch){va & ~DV_PAGE_MASK, page};
        h->tlb[h->fetch_regime].is_used = true;
    }
    dv_insn *slot = &page->slots[(va & DV_PAGE_MASK) >> 1];
    if (slot->op == DV_OP_UNDECODED) dv_machine_decode(h->machine, page, slot);
    return slot->op == DV_OP_ELSEWHERE ? fetch_elsewhere(h, va) : slot;
}
