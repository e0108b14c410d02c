/* tlb.h - cached translations: what is hit by an access that surely succeeds.
 *
 * Each of the regimes has its own entries, so changes of mode flush nothing.  An entry
 * stands for one page of 4 KiB that is wholly RAM, that PMP treats as one, and whose
 * A bit (and D bit, for stores) is set. */
#ifndef DV_MACHINE_TLB_H
#define DV_MACHINE_TLB_H

#include "machine/pages.h"

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

/* How addresses are translated: by mode, V, and for supervisors by SUM. */
typedef enum dv_regime {
    DV_REGIME_M,
    DV_REGIME_S,
    DV_REGIME_S_SUM,
    DV_REGIME_U,
    DV_REGIME_VS,
    DV_REGIME_VS_SUM,
    DV_REGIME_VU,
    DV_N_REGIMES
} dv_regime;

enum { DV_TLB_ENTRIES = 256 };

#define DV_PAGE_BYTES UINT64_C(4096)
#define DV_PAGE_MASK  (DV_PAGE_BYTES - 1)
#define DV_TLB_NONE   UINT64_C(1) /* a tag that no address has */

typedef struct dv_tlb_data {
    uint64_t tag;  /* virtual address of the page */
    uint8_t *host; /* its bytes */
} dv_tlb_data;

typedef struct dv_tlb_fetch {
    uint64_t tag;
    dv_page *page;
} dv_tlb_fetch;

typedef struct dv_tlb {
    dv_tlb_data load[DV_TLB_ENTRIES];
    dv_tlb_data store[DV_TLB_ENTRIES];
    dv_tlb_fetch fetch[DV_TLB_ENTRIES];
    bool is_used; /* false: no entry is valid */
} dv_tlb;

static inline unsigned dv_tlb_index(uint64_t va)
{
    return (unsigned)(va >> 12) & (DV_TLB_ENTRIES - 1);
}

/* Where the bytes of an aligned access are, or NULL.  n_bytes is 1, 2, 4 or 8. */
static inline uint8_t *dv_tlb_hit(const dv_tlb_data *entries, uint64_t va,
                                  unsigned n_bytes)
{
    const dv_tlb_data *entry = &entries[dv_tlb_index(va)];
    if ((va & (~DV_PAGE_MASK | (n_bytes - 1))) != entry->tag) return NULL;
    return entry->host + (va & DV_PAGE_MASK);
}

void dv_tlb_flush(dv_tlb *tlb);

/* Drops store entries that lead to the page at `host`. */
void dv_tlb_drop_stores(dv_tlb *tlb, const uint8_t *host);

#endif /* DV_MACHINE_TLB_H */
