/* machine_state.h - what a machine consists of, for the machine's own files. */
#ifndef DV_MACHINE_MACHINE_STATE_H
#define DV_MACHINE_MACHINE_STATE_H

#include "machine/bus.h"
#include "machine/devices.h"
#include "machine/hart.h"
#include "machine/machine.h"
#include "rv/map.h"

enum { DV_ROM_BYTES = 4096 };

struct dv_machine {
    dv_machine_options options;
    dv_hart *harts; /* [options.n_harts] */
    uint8_t *ram;   /* [options.ram_bytes] */
    uint8_t rom[DV_ROM_BYTES];
    dv_page **pages; /* [RAM pages]: decoded, or NULL */
    dv_page *rom_page;

    dv_clint clint;
    dv_plic plic;
    dv_uart uart;
    dv_virtio_blk disk;

    uint64_t last_ns; /* the clock of the hart that ran last */
    bool is_stopped;
    dv_stop stop;
    void (*trace)(void *payload, const dv_event *event);
    void *trace_payload;
};

/* n bytes of RAM at pa, or NULL when not all of them are. */
static inline uint8_t *dv_ram(dv_machine *m, uint64_t pa, uint64_t n_bytes)
{
    uint64_t offset = pa - RV_RAM_BASE;
    if (offset >= m->options.ram_bytes || n_bytes > m->options.ram_bytes - offset)
        return NULL;
    return m->ram + offset;
}

/* The same, or the boot ROM: what can be read and fetched.  Nothing is written by it.
 */
static inline uint8_t *dv_memory(dv_machine *m, uint64_t pa, uint64_t n_bytes)
{
    uint64_t offset = pa - RV_ROM_BASE;
    if (offset < DV_ROM_BYTES && n_bytes <= DV_ROM_BYTES - offset)
        return m->rom + offset;
    return dv_ram(m, pa, n_bytes);
}

#endif /* DV_MACHINE_MACHINE_STATE_H */
