/* mmu.h - virtual to physical: both stages, with every implicit access checked. */
#ifndef DV_MACHINE_MMU_H
#define DV_MACHINE_MMU_H

#include "machine/hart.h"
#include "machine/pmp.h"

/* Of an access to n_bytes of one page.  Sets A and D.  False: h->trap is to be taken.
 */
bool dv_translate(dv_hart *h, uint64_t va, unsigned n_bytes, dv_access access,
                  dv_regime regime, bool is_hlvx, uint64_t *pa);

/* Values are zero-extended; n_bytes is 1, 2, 4 or 8; misaligned ones work, except to
 * devices.  False: h->trap is to be taken, and nothing was written. */
bool dv_load_slow(dv_hart *h, uint64_t va, unsigned n_bytes, dv_regime regime,
                  bool is_hlvx, uint64_t *value);
bool dv_store_slow(dv_hart *h, uint64_t va, unsigned n_bytes, dv_regime regime,
                   uint64_t value);

/* The bytes of an aligned access that reads and writes RAM, and their physical address:
 * the caller tells the machine what it stores.  False: h->trap. */
bool dv_modify_slow(dv_hart *h, uint64_t va, unsigned n_bytes, uint8_t **host,
                    uint64_t *pa);

/* The slot of the decoded instruction at va (h->elsewhere for one that no page holds),
 * or NULL: h->trap. */
const dv_insn *dv_fetch(dv_hart *h, uint64_t va);

/* The same without any cache: the instruction's bits. */
bool dv_fetch_word(dv_hart *h, uint64_t va, uint32_t *word);

/* Regimes of the guest for HLV and HSV, and of loads under MPRV. */
dv_regime dv_regime_of(const dv_hart *h, unsigned mode, bool is_virtual);

void dv_mmu_flush(dv_hart *h);       /* everything */
void dv_mmu_flush_host(dv_hart *h);  /* S and U with V=0 */
void dv_mmu_flush_guest(dv_hart *h); /* V=1 */

static inline uint64_t dv_from_host(const uint8_t *host, unsigned n_bytes)
{
    uint64_t value = 0;
    memcpy(&value, host, n_bytes); /* both sides are little-endian */
    return value;
}

static inline bool dv_load(dv_hart *h, uint64_t va, unsigned n_bytes, uint64_t *value)
{
    const uint8_t *host = dv_tlb_hit(h->tlb[h->data_regime].load, va, n_bytes);
    if (__builtin_expect(!host, 0))
        return dv_load_slow(h, va, n_bytes, h->data_regime, false, value);
    *value = dv_from_host(host, n_bytes);
    return true;
}

static inline bool dv_store(dv_hart *h, uint64_t va, unsigned n_bytes, uint64_t value)
{
    uint8_t *host = dv_tlb_hit(h->tlb[h->data_regime].store, va, n_bytes);
    if (__builtin_expect(!host, 0))
        return dv_store_slow(h, va, n_bytes, h->data_regime, value);
    memcpy(host, &value, n_bytes);
    return true;
}

#endif /* DV_MACHINE_MMU_H */
