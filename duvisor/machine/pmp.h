/* pmp.h - physical memory protection: 16 entries, granules of 4 bytes. */
#ifndef DV_MACHINE_PMP_H
#define DV_MACHINE_PMP_H

#include "machine/hart.h"

typedef enum dv_access { DV_FETCH, DV_LOAD, DV_STORE } dv_access;

/* True when all n_bytes at pa may be accessed so by mode (DV_MODE_...). */
bool dv_pmp_allows(const dv_hart *h, uint64_t pa, uint64_t n_bytes, dv_access access,
                   unsigned mode);

/* True when every byte of the page at pa has the same rights. */
bool dv_pmp_is_uniform(const dv_hart *h, uint64_t page_pa);

uint8_t dv_pmp_config(const dv_hart *h, unsigned entry);

/* Writes as the CSRs do: locked entries stay. */
void dv_pmp_write_config(dv_hart *h, unsigned half, uint64_t value);
void dv_pmp_write_address(dv_hart *h, unsigned entry, uint64_t value);

#endif /* DV_MACHINE_PMP_H */
