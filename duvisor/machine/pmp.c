/* pmp.c - see pmp.h; privileged specification 1.12, section 3.7. */
#include "machine/pmp.h"

uint8_t dv_pmp_config(const dv_hart *h, unsigned entry)
{
    return (uint8_t)(h->csr.pmpcfg[entry / 8] >> (entry % 8 * 8));
}

/* The bytes that an entry describes: first to last, both included. */
typedef struct range {
    bool is_on;
    uint64_t first, last;
} range;

static range entry_range(const dv_hart *h, unsigned entry)
{
    const uint64_t *address = h->csr.pmpaddr;
    uint64_t here = address[entry];
    switch (dv_pmp_config(h, entry) & RV_PMP_A) {
    case RV_PMP_TOR: {
        uint64_t below = entry ? address[entry - 1] : 0;
        return (range){below < here, below << 2, (here << 2) - 1};
    }
    case RV_PMP_NA4: return (range){true, here << 2, (here << 2) + 3};
    case RV_PMP_NAPOT: {
        uint64_t ones = here ^ (here + 1); /* the trailing ones, and the zero above */
        return (range){true, (here & ~ones) << 2, ((here | ones) << 2) | 3};
    }
    default: return (range){false, 0, 0};
    }
}

bool dv_pmp_allows(const dv_hart *h, uint64_t pa, uint64_t n_bytes, dv_access access,
                   unsigned mode)
{
    static const uint8_t right[] = {RV_PMP_X, RV_PMP_R, RV_PMP_W};
    uint64_t last = pa + (n_bytes - 1);
    for (unsigned i = 0; i < DV_N_PMP; i++) {
        range r = entry_range(h, i);
        if (!r.is_on || last < r.first || pa > r.last) continue;
        if (pa < r.first || last > r.last) return false; /* only in part */
        uint8_t config = dv_pmp_config(h, i);
        if (mode == DV_MODE_M && !(config & RV_PMP_L)) return true;
        return config & right[access];
    }
    return mode == DV_MODE_M;
}

bool dv_pmp_is_uniform(const dv_hart *h, uint64_t page_pa)
{
    uint64_t last = page_pa + 4095;
    for (unsigned i = 0; i < DV_N_PMP; i++) {
        range r = entry_range(h, i);
        if (!r.is_on || last < r.first || page_pa > r.last) continue;
        return page_pa >= r.first && last <= r.last;
    }
    return true;
}

/* A locked TOR entry also locks the address before it. */
static bool is_address_locked(const dv_hart *h, unsigned entry)
{
    if (dv_pmp_config(h, entry) & RV_PMP_L) return true;
    if (entry + 1 == DV_N_PMP) return false;
    uint8_t next = dv_pmp_config(h, entry + 1);
    return (next & RV_PMP_L) && (next & RV_PMP_A) == RV_PMP_TOR;
}

void dv_pmp_write_config(dv_hart *h, unsigned half, uint64_t value)
{
    for (unsigned i = 0; i < 8; i++) {
        if (dv_pmp_config(h, half * 8 + i) & RV_PMP_L) continue;
        uint64_t byte = value >> (i * 8) & (RV_PMP_L | RV_PMP_A | 7);
        h->csr.pmpcfg[half] &= ~(UINT64_C(0xff) << (i * 8));
        h->csr.pmpcfg[half] |= byte << (i * 8);
    }
}

void dv_pmp_write_address(dv_hart *h, unsigned entry, uint64_t value)
{
    if (is_address_locked(h, entry)) return;
    h->csr.pmpaddr[entry] = value & ((UINT64_C(1) << 54) - 1);
}
