/* reference_walker.c - see reference_walker.h. */
#include "reference_walker.h"

#include <string.h>

enum { V = 1, R = 2, W = 4, X = 8, U = 16, A = 64, D = 128 };

typedef struct context {
    ref_state *state;
    const ref_access *access;
    ref_result result;
} context;

/* ---- Exceptions ---- */

static bool raise_fault(context *c, unsigned of_fetch, unsigned of_load,
                        unsigned of_store, uint64_t gpa, uint64_t tinst)
{
    ref_kind kind = c->access->kind;
    c->result = (ref_result){
        .cause = kind == REF_FETCH  ? of_fetch
                 : kind == REF_LOAD ? of_load
                                    : of_store,
        .tval = c->access->va,
        .tval2 = gpa / 4,
        .tinst = tinst,
        .gva = c->access->is_virtual,
    };
    return false;
}

static bool access_fault(context *c)
{
    return raise_fault(c, 1, 5, 7, 0, 0);
}

static bool page_fault(context *c)
{
    return raise_fault(c, 12, 13, 15, 0, 0);
}

static bool guest_page_fault(context *c, uint64_t gpa, uint64_t tinst)
{
    return raise_fault(c, 20, 21, 23, gpa, tinst);
}

/* ---- Section 3.7: PMP, byte by byte ---- */

static bool entry_matches(const ref_state *s, unsigned i, uint64_t byte)
{
    uint64_t word = byte >> 2;
    switch (s->pmp_config[i] >> 3 & 3) {
    case 1: return word >= (i ? s->pmp_address[i - 1] : 0) && word < s->pmp_address[i];
    case 2: return word == s->pmp_address[i];
    case 3: {
        unsigned n_ones = 0; /* yyy0111 with n ones: 2^(n+3) bytes */
        while (n_ones < 54 && s->pmp_address[i] >> n_ones & 1)
            n_ones++;
        unsigned shift = n_ones + 1;
        return word >> shift == s->pmp_address[i] >> shift;
    }
    default: return false;
    }
}

static bool pmp_allows(const ref_state *s, uint64_t pa, unsigned n_bytes, ref_kind kind,
                       unsigned mode)
{
    unsigned right = kind == REF_FETCH ? 4 : kind == REF_LOAD ? 1 : 2;
    for (unsigned i = 0; i < 16; i++) {
        unsigned n_matching = 0;
        for (unsigned b = 0; b < n_bytes; b++)
            n_matching += entry_matches(s, i, pa + b);
        if (n_matching == 0) continue;
        if (n_matching != n_bytes) return false;
        bool is_locked = s->pmp_config[i] >> 7 & 1;
        if (mode == 3 && !is_locked) return true;
        return s->pmp_config[i] & right;
    }
    return mode == 3;
}

/* ---- Page table entries in physical memory, read and written as by S ---- */

static uint64_t *entry_at(ref_state *s, uint64_t pa)
{
    if (pa < s->ram_base || pa + 8 > s->ram_base + s->ram_bytes) return NULL;
    return (uint64_t *)(void *)(s->ram + (pa - s->ram_base));
}

static bool read_entry(context *c, uint64_t pa, uint64_t *value)
{
    uint64_t *at = entry_at(c->state, pa);
    if (!at || !pmp_allows(c->state, pa, 8, REF_LOAD, 1)) return access_fault(c);
    memcpy(value, at, 8);
    return true;
}

static bool write_entry(context *c, uint64_t pa, uint64_t value)
{
    uint64_t *at = entry_at(c->state, pa);
    if (!at || !pmp_allows(c->state, pa, 8, REF_STORE, 1)) return access_fault(c);
    memcpy(at, &value, 8);
    return true;
}

static unsigned levels_of(uint64_t atp)
{
    switch (atp >> 60) {
    case 8: return 3;
    case 9: return 4;
    case 10: return 5;
    default: return 0;
    }
}

static bool is_malformed(uint64_t pte)
{
    return !(pte & V) || (!(pte & R) && (pte & W)) || pte >> 54;
}

/* ---- Section 8.5: the second stage ---- */

/* For a load, store or fetch of the guest itself (tinst 0), or of the walker. */
static bool g_stage(context *c, uint64_t gpa, ref_kind kind, uint64_t tinst,
                    uint64_t *pa)
{
    ref_state *s = c->state;
    unsigned levels = levels_of(s->hgatp);
    if (levels == 0) {
        *pa = gpa;
        return true;
    }
    if (gpa >> (12 + 9 * levels + 2)) return guest_page_fault(c, gpa, tinst);
    uint64_t a = (s->hgatp & 0xffffffffffc) << 12; /* step 1; 16 KiB alignment */
    int i = (int)levels - 1;
    for (;;) {
        uint64_t index = gpa >> (12 + 9 * i);
        index %= i == (int)levels - 1 ? 2048 : 512;
        uint64_t pte, at = a + 8 * index;
        if (!read_entry(c, at, &pte)) return false;                    /* 2 */
        if (is_malformed(pte)) return guest_page_fault(c, gpa, tinst); /* 3 */
        uint64_t page = (pte >> 10 & 0xfffffffffff) << 12;
        if (!(pte & (R | X))) { /* 4 */
            if (pte & (A | D | U) || i == 0) return guest_page_fault(c, gpa, tinst);
            a = page;
            i--;
            continue;
        }
        bool is_own = tinst == 0; /* the access of the instruction */
        bool can_read = pte & R || (is_own && s->mxr && pte & X);
        if (is_own && c->access->is_hlvx) can_read = pte & X;
        bool is_allowed = kind == REF_FETCH  ? (pte & X) != 0
                          : kind == REF_LOAD ? can_read
                                             : (pte & W) != 0;
        if (!(pte & U) || !is_allowed) return guest_page_fault(c, gpa, tinst); /* 5 */
        uint64_t size = 1ull << (12 + 9 * i);
        if (page % size) return guest_page_fault(c, gpa, tinst); /* 6 */
        uint64_t wanted = pte | A | (kind == REF_STORE ? D : 0); /* 7 */
        if (wanted != pte && !write_entry(c, at, wanted)) return false;
        *pa = page + gpa % size; /* 8 */
        return true;
    }
}

/* ---- Section 4.3.2: the first stage, of the host or of the guest ---- */

static bool first_stage(context *c, uint64_t *out)
{
    ref_state *s = c->state;
    const ref_access *access = c->access;
    bool v = access->is_virtual;
    uint64_t atp = v ? s->vsatp : s->satp, va = access->va;
    unsigned levels = levels_of(atp);
    *out = va;
    if (levels == 0) return true;
    unsigned unused = 64 - (12 + 9 * levels);
    if ((uint64_t)((int64_t)(va << unused) >> unused) != va) return page_fault(c);
    uint64_t a = (atp & 0xfffffffffff) << 12;
    for (int i = (int)levels - 1;; i--) {
        uint64_t at = a + 8 * (va >> (12 + 9 * i) & 511), pa = at, pte;
        if (v && !g_stage(c, at, REF_LOAD, 0x3000, &pa)) return false;
        if (!read_entry(c, pa, &pte)) return false;
        if (is_malformed(pte)) return page_fault(c);
        uint64_t page = (pte >> 10 & 0xfffffffffff) << 12;
        if (!(pte & (R | X))) {
            if (pte & (A | D | U) || i == 0) return page_fault(c);
            a = page;
            continue;
        }
        bool sum = v ? s->vsum : s->sum, mxr = s->mxr || (v && s->vs_mxr);
        if (access->mode == 0 && !(pte & U)) return page_fault(c);
        if (access->mode == 1 && pte & U && (!sum || access->kind == REF_FETCH))
            return page_fault(c);
        bool can_read = access->is_hlvx ? pte & X : pte & R || (mxr && pte & X);
        if (access->kind == REF_FETCH && !(pte & X)) return page_fault(c);
        if (access->kind == REF_LOAD && !can_read) return page_fault(c);
        if (access->kind == REF_STORE && !(pte & W)) return page_fault(c);
        uint64_t size = 1ull << (12 + 9 * i);
        if (page % size) return page_fault(c);
        uint64_t wanted = pte | A | (access->kind == REF_STORE ? D : 0);
        if (wanted != pte) {
            if (v && !g_stage(c, at, REF_STORE, 0x3020, &pa)) return false;
            if (!write_entry(c, pa, wanted)) return false;
        }
        *out = page + va % size;
        return true;
    }
}

ref_result ref_translate(ref_state *state, const ref_access *access)
{
    context c = {state, access, {0}};
    uint64_t address = access->va, pa = address;
    if (access->mode != 3) {
        if (!first_stage(&c, &address)) return c.result;
        pa = address;
        if (access->is_virtual && !g_stage(&c, address, access->kind, 0, &pa))
            return c.result;
    }
    if (!pmp_allows(state, pa, access->n_bytes, access->kind, access->mode))
        (void)access_fault(&c);
    else
        c.result = (ref_result){.is_ok = true, .pa = pa};
    return c.result;
}
