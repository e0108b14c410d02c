/* clint.c - software interrupts and timers: msip at 0, mtimecmp at 0x4000, mtime at
 * 0xbff8.  mtime is the clock of the hart that asks, and cannot be written. */
#include "machine/machine_state.h"

enum { MTIMECMP = 0x4000, MTIME = 0xbff8 };

/* A register of 8 bytes, whole or one half of it. */
static uint64_t part_of(uint64_t value, uint64_t offset, unsigned n_bytes)
{
    if (n_bytes == 8) return value;
    return (uint32_t)(value >> (8 * (offset & 4)));
}

bool dv_clint_load(dv_hart *h, uint64_t offset, unsigned n_bytes, uint64_t *value)
{
    const dv_machine *m = h->machine;
    unsigned n_harts = m->options.n_harts;
    if (n_bytes < 4) return false;
    *value = 0;
    if (offset < 4 * n_harts)
        *value = m->clint.msip[offset / 4];
    else if (offset >= MTIMECMP && offset < MTIMECMP + 8 * n_harts)
        *value = part_of(m->clint.mtimecmp[(offset - MTIMECMP) / 8], offset, n_bytes);
    else if (offset >= MTIME && offset < MTIME + 8)
        *value = part_of((dv_hart_now_ns(h) + 1) / 100, offset, n_bytes);
    return true;
}

bool dv_clint_store(dv_hart *h, uint64_t offset, unsigned n_bytes, uint64_t value)
{
    dv_machine *m = h->machine;
    unsigned n_harts = m->options.n_harts, hart;
    if (n_bytes < 4) return false;
    if (offset < 4 * n_harts) {
        hart = (unsigned)offset / 4;
        m->clint.msip[hart] = value & 1;
    } else if (offset >= MTIMECMP && offset < MTIMECMP + 8 * n_harts) {
        hart = (unsigned)(offset - MTIMECMP) / 8;
        uint64_t *compare = &m->clint.mtimecmp[hart];
        if (n_bytes == 8)
            *compare = value;
        else if (offset & 4)
            *compare = (*compare & UINT32_MAX) | value << 32;
        else
            *compare = (*compare & ~(uint64_t)UINT32_MAX) | (uint32_t)value;
    } else {
        return true;
    }
    dv_hart_update_lines(m, hart);
    h->is_attended = true; /* deadlines are new */
    return true;
}

uint64_t dv_clint_deadline(const dv_machine *m, unsigned hart)
{
    uint64_t compare = m->clint.mtimecmp[hart];
    return compare > UINT64_MAX / 100 ? UINT64_MAX : compare * 100;
}
