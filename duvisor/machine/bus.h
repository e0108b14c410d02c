/* bus.h - physical memory: RAM, the boot ROM, and the devices of "virt". */
#ifndef DV_MACHINE_BUS_H
#define DV_MACHINE_BUS_H

#include "machine/hart.h"

/* Registers of devices.  False: nothing answers there (an access fault). */
bool dv_bus_load(dv_hart *h, uint64_t pa, unsigned n_bytes, uint64_t *value);
bool dv_bus_store(dv_hart *h, uint64_t pa, unsigned n_bytes, uint64_t value);

/* The decoded page of pa, made when there is none; NULL: no memory for it. */
dv_page *dv_machine_decoded_page(dv_machine *m, uint64_t pa);

/* Decodes a slot of it. */
void dv_machine_decode(dv_machine *m, dv_page *page, dv_insn *slot);

/* Does the page of pa hold decoded instructions, so that stores to it must be told? */
bool dv_machine_has_code(const dv_machine *m, uint64_t pa);

/* n bytes of one page of RAM were written. */
void dv_machine_stored(dv_machine *m, uint64_t pa, uint64_t n_bytes);

#endif /* DV_MACHINE_BUS_H */
