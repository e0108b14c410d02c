/* machine.c - a machine from its options, and what can be read off it. */
#include "machine/machine_state.h"

#include "base/hash.h"
#include "base/memory.h"
#include "rv/elf.h"

static grt_status check_options(const dv_machine_options *o, grt_error *err)
{
    if (o->n_harts < 1 || o->n_harts > DV_MAX_HARTS)
        GRT_FAIL(err, GRT_E_INVALID_ARG, "%u harts: 1 to %d are possible", o->n_harts,
                 DV_MAX_HARTS);
    if (!o->ram_bytes || o->ram_bytes % (2 << 20) || o->ram_bytes > DV_MAX_RAM_BYTES)
        GRT_FAIL(err, GRT_E_INVALID_ARG,
                 "%llu bytes of memory: a multiple of 2 MiB up to 16 GiB is possible",
                 (unsigned long long)o->ram_bytes);
    return GRT_OK;
}

static grt_status allocate(dv_machine *m, grt_error *err)
{
    const dv_machine_options *o = &m->options;
    size_t n_pages = (size_t)(o->ram_bytes / DV_PAGE_BYTES);
    GRT_TRY(grt_alloc_array(&m->harts, o->n_harts, sizeof(dv_hart), "harts", err));
    GRT_TRY(grt_alloc_array(&m->pages, n_pages, sizeof(dv_page *), "a page list", err));
    return grt_alloc_array(&m->ram, (size_t)o->ram_bytes, 1, "the machine's memory",
                           err);
}

grt_status dv_machine_create(dv_machine **out, const dv_machine_options *options,
                             grt_error *err)
{
    dv_machine *m;
    GRT_TRY(check_options(options, err));
    GRT_TRY(grt_alloc_array(&m, 1, sizeof(*m), "a machine", err));
    m->options = *options;
    if (!m->options.quantum) m->options.quantum = 1000;
    grt_status status = allocate(m, err);
    if (status != GRT_OK) {
        dv_machine_free(m);
        return status;
    }
    for (unsigned i = 0; i < options->n_harts; i++) {
        m->harts[i].machine = m;
        m->harts[i].id = i;
        dv_hart_reset(&m->harts[i]);
        m->clint.mtimecmp[i] = UINT64_MAX;
    }
    *out = m;
    return GRT_OK;
}

void dv_machine_free(dv_machine *m)
{
    if (!m) return;
    for (uint64_t i = 0; m->pages && i < m->options.ram_bytes / DV_PAGE_BYTES; i++)
        grt_free(m->pages[i]);
    grt_free(m->rom_page);
    grt_free(m->pages);
    grt_free(m->harts);
    grt_free(m->ram);
    grt_free(m);
}

grt_status dv_machine_put(dv_machine *m, uint64_t pa, const void *bytes,
                          uint64_t n_bytes, grt_error *err)
{
    uint8_t *host = dv_ram(m, pa, n_bytes);
    if (!host)
        GRT_FAIL(
            err, GRT_E_INVALID_ARG,
            "%llu bytes at 0x%llx do not lie in the machine's memory (from 0x%x on, "
            "%llu MiB)",
            (unsigned long long)n_bytes, (unsigned long long)pa, RV_RAM_BASE,
            (unsigned long long)(m->options.ram_bytes >> 20));
    if (n_bytes) memcpy(host, bytes, (size_t)n_bytes);
    return GRT_OK;
}

grt_status dv_machine_load_elf(dv_machine *m, const void *file, size_t n_bytes,
                               grt_error *err)
{
    rv_elf elf;
    rv_elf_segment segment;
    const char *wrong = rv_elf_open(&elf, file, n_bytes);
    for (unsigned i = 0; !wrong && i < elf.n_segments; i++) {
        wrong = rv_elf_segment_at(&elf, i, &segment);
        if (wrong || !segment.is_loaded) continue;
        if (!dv_ram(m, segment.physical, segment.n_bytes))
            GRT_FAIL(err, GRT_E_INVALID_ARG,
                     "segment %u, %llu bytes at 0x%llx, does not lie in the machine's "
                     "memory",
                     i, (unsigned long long)segment.n_bytes,
                     (unsigned long long)segment.physical);
        GRT_TRY(dv_machine_put(m, segment.physical, segment.bytes, segment.n_file_bytes,
                               err));
    }
    if (wrong) GRT_FAIL(err, GRT_E_FORMAT, "%s", wrong);
    return GRT_OK;
}

static uint64_t hash_hart(uint64_t hash, const dv_hart *h)
{
    hash = grt_hash_bytes(hash, h->x, 32 * sizeof(h->x[0]));
    hash = grt_hash_u64(hash, h->pc);
    hash = grt_hash_u64(hash, h->mode | (uint64_t)h->is_virtual << 8 |
                                  (uint64_t)h->is_waiting << 9 |
                                  (uint64_t)h->has_reservation << 10);
    hash = grt_hash_bytes(hash, &h->csr, sizeof(h->csr));
    hash = grt_hash_u64(hash, h->n_counted);
    hash = grt_hash_u64(hash, h->n_uncounted);
    hash = grt_hash_u64(hash, h->idle_ns);
    hash = grt_hash_u64(hash, h->cycle_offset);
    hash = grt_hash_u64(hash, h->instret_offset);
    return grt_hash_u64(hash, h->lines);
}

/* Pages of zeros add nothing, and their number tells where the others stand. */
static uint64_t hash_ram(uint64_t hash, const dv_machine *m)
{
    static const uint8_t zeros[DV_PAGE_BYTES];
    for (uint64_t at = 0; at < m->options.ram_bytes; at += DV_PAGE_BYTES) {
        if (memcmp(m->ram + at, zeros, DV_PAGE_BYTES) == 0) continue;
        hash = grt_hash_u64(hash, at);
        hash = grt_hash_bytes(hash, m->ram + at, DV_PAGE_BYTES);
    }
    return hash;
}

uint64_t dv_machine_hash(dv_machine *m, bool has_ram)
{
    uint64_t hash = GRT_HASH_INIT;
    for (unsigned i = 0; i < m->options.n_harts; i++)
        hash = hash_hart(hash, &m->harts[i]);
    if (!has_ram) return hash;
    hash = grt_hash_bytes(hash, &m->clint, sizeof(m->clint));
    hash = grt_hash_bytes(hash, &m->plic, sizeof(m->plic));
    hash = grt_hash_bytes(hash, m->disk.bytes, m->disk.bytes ? m->disk.n_bytes : 0);
    return hash_ram(hash, m);
}

unsigned dv_machine_n_harts(const dv_machine *m)
{
    return m->options.n_harts;
}

const dv_hart_counters *dv_machine_counters(dv_machine *m, unsigned hart)
{
    dv_hart_count(&m->harts[hart]);
    return &m->harts[hart].counters;
}

uint64_t dv_machine_counted(const dv_machine *m, unsigned hart)
{
    return m->harts[hart].n_counted;
}

uint64_t dv_machine_attempted(const dv_machine *m)
{
    uint64_t sum = 0;
    for (unsigned i = 0; i < m->options.n_harts; i++)
        sum += m->harts[i].n_counted + m->harts[i].n_uncounted;
    return sum;
}

uint64_t dv_machine_ns(const dv_machine *m)
{
    uint64_t most = 0;
    for (unsigned i = 0; i < m->options.n_harts; i++)
        if (dv_hart_now_ns(&m->harts[i]) > most) most = dv_hart_now_ns(&m->harts[i]);
    return most;
}

uint64_t dv_machine_pc(const dv_machine *m, unsigned hart)
{
    return m->harts[hart].pc;
}

uint64_t dv_machine_register(const dv_machine *m, unsigned hart, unsigned number)
{
    return m->harts[hart].x[number];
}

void dv_machine_trace(dv_machine *m, void (*fn)(void *payload, const dv_event *event),
                      void *payload)
{
    m->trace = fn;
    m->trace_payload = payload;
}
