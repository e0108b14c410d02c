/* tlb.c - see tlb.h. */
#include "machine/tlb.h"

void dv_tlb_flush(dv_tlb *tlb)
{
    if (!tlb->is_used) return;
    for (unsigned i = 0; i < DV_TLB_ENTRIES; i++) {
        tlb->load[i].tag = DV_TLB_NONE;
        tlb->store[i].tag = DV_TLB_NONE;
        tlb->fetch[i].tag = DV_TLB_NONE;
    }
    tlb->is_used = false;
}

void dv_tlb_drop_stores(dv_tlb *tlb, const uint8_t *host)
{
    if (!tlb->is_used) return;
    for (unsigned i = 0; i < DV_TLB_ENTRIES; i++)
        if (tlb->store[i].host == host) tlb->store[i].tag = DV_TLB_NONE;
}
