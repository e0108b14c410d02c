/* bus.c - see bus.h. */
#include "machine/bus.h"

#include "base/memory.h"
#include "machine/machine_state.h"

static bool is_in(uint64_t pa, uint64_t base, uint64_t n_bytes)
{
    return pa - base < n_bytes;
}

bool dv_bus_load(dv_hart *h, uint64_t pa, unsigned n_bytes, uint64_t *value)
{
    dv_machine *m = h->machine;
    if (pa & (n_bytes - 1)) return false;
    if (is_in(pa, RV_UART_BASE, 0x100))
        return dv_uart_load(m, pa - RV_UART_BASE, n_bytes, value);
    if (is_in(pa, RV_CLINT_BASE, RV_CLINT_BYTES))
        return dv_clint_load(h, pa - RV_CLINT_BASE, n_bytes, value);
    if (is_in(pa, RV_PLIC_BASE, RV_PLIC_BYTES))
        return dv_plic_load(h, pa - RV_PLIC_BASE, n_bytes, value);
    if (is_in(pa, RV_VIRTIO_BASE, RV_VIRTIO_SLOTS * RV_VIRTIO_BYTES))
        return dv_virtio_load(m, pa - RV_VIRTIO_BASE, n_bytes, value);
    if (is_in(pa, RV_FINISHER_BASE, 0x1000)) {
        *value = 0;
        return true;
    }
    return false;
}

bool dv_bus_store(dv_hart *h, uint64_t pa, unsigned n_bytes, uint64_t value)
{
    dv_machine *m = h->machine;
    if (pa & (n_bytes - 1)) return false;
    if (is_in(pa, RV_UART_BASE, 0x100))
        return dv_uart_store(m, pa - RV_UART_BASE, n_bytes, value);
    if (is_in(pa, RV_CLINT_BASE, RV_CLINT_BYTES))
        return dv_clint_store(h, pa - RV_CLINT_BASE, n_bytes, value);
    if (is_in(pa, RV_PLIC_BASE, RV_PLIC_BYTES))
        return dv_plic_store(h, pa - RV_PLIC_BASE, n_bytes, value);
    if (is_in(pa, RV_VIRTIO_BASE, RV_VIRTIO_SLOTS * RV_VIRTIO_BYTES))
        return dv_virtio_store(m, pa - RV_VIRTIO_BASE, n_bytes, value);
    if (pa == RV_FINISHER_BASE) return dv_finisher_store(m, n_bytes, value);
    return false;
}

static dv_page *page_of(const dv_machine *m, uint64_t pa)
{
    uint64_t offset = pa - RV_RAM_BASE;
    return offset < m->options.ram_bytes ? m->pages[offset / DV_PAGE_BYTES] : NULL;
}

dv_page *dv_machine_decoded_page(dv_machine *m, uint64_t pa)
{
    uint64_t address = pa & ~DV_PAGE_MASK;
    const uint8_t *bytes = dv_ram(m, address, DV_PAGE_BYTES);
    dv_page **place =
        bytes ? &m->pages[(address - RV_RAM_BASE) / DV_PAGE_BYTES] : &m->rom_page;
    if (*place) return *place;
    dv_page *page;
    if (grt_alloc_array(&page, 1, sizeof(*page), "decoded instructions", NULL) !=
        GRT_OK)
        return NULL;
    page->bytes = bytes ? bytes : m->rom;
    page->slots[DV_PAGE_SLOTS].op = DV_OP_ELSEWHERE;
    *place = page;
    return page;
}

void dv_machine_decode(dv_machine *m, dv_page *page, dv_insn *slot)
{
    if (!page->lines)
        for (unsigned i = 0; i < m->options.n_harts; i++)
            for (unsigned r = 0; r < DV_N_REGIMES; r++)
                dv_tlb_drop_stores(&m->harts[i].tlb[r], page->bytes);
    dv_page_decode(page, slot);
}

bool dv_machine_has_code(const dv_machine *m, uint64_t pa)
{
    const dv_page *page = page_of(m, pa);
    return page && page->lines;
}

void dv_machine_stored(dv_machine *m, uint64_t pa, uint64_t n_bytes)
{
    dv_page *page = page_of(m, pa);
    if (page && page->lines) dv_page_stored(page, pa & DV_PAGE_MASK, n_bytes);
}
