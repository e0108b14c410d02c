/* pages.h - decoded instructions, by physical page.
 *
 * An instruction is decoded when it is first run and stays until its bytes change:
 * stores to a page that holds decoded ones go through dv_pages_stored(), never through
 * a TLB hit.  Instructions that cross the end of a page are not kept. */
#ifndef DV_MACHINE_PAGES_H
#define DV_MACHINE_PAGES_H

#include "base/error.h"
#include "machine/decode.h"

enum { DV_PAGE_SLOTS = 2048 }; /* one for every 2 bytes */

typedef struct dv_page {
    const uint8_t *bytes; /* [4096], RAM or ROM */
    uint64_t lines;       /* bit n: 64 bytes from 64 n on hold decoded instructions */
    dv_insn slots[DV_PAGE_SLOTS + 1]; /* the last one is DV_OP_ELSEWHERE, always */
} dv_page;

/* Decodes the instruction at `slot`, which is DV_OP_UNDECODED. */
void dv_page_decode(dv_page *page, dv_insn *slot);

/* Forgets what n bytes at `offset` of the page may have changed. */
void dv_page_stored(dv_page *page, uint64_t offset, uint64_t n_bytes);

#endif /* DV_MACHINE_PAGES_H */
