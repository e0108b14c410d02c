/* plic.c - the platform-level interrupt controller (RISC-V PLIC specification 1.0).
 *
 * A source whose line is up becomes pending unless it is claimed; a claim takes the
 * pending source of the highest priority (of equals, the lowest number) that the
 * context enables; completing it lets the line be seen again. */
#include "machine/machine_state.h"

enum {
    PENDING = 0x1000,
    ENABLE = 0x2000,
    ENABLE_STEP = 0x80,
    CONTEXT = 0x200000,
    CONTEXT_STEP = 0x1000
};

static bool bit_of(const uint32_t *words, unsigned source)
{
    return words[source / 32] >> (source % 32) & 1;
}

static void set_bit(uint32_t *words, unsigned source, bool value)
{
    uint32_t bit = UINT32_C(1) << (source % 32);
    words[source / 32] = value ? words[source / 32] | bit : words[source / 32] & ~bit;
}

/* The source a claim would take; 0: none. */
static unsigned best(const dv_plic *p, unsigned context)
{
    unsigned found = 0;
    uint32_t priority = p->threshold[context];
    for (unsigned w = 0; w < DV_PLIC_WORDS; w++) {
        if (!(p->pending[w] & p->enable[context][w])) continue;
        for (unsigned s = w * 32; s < w * 32 + 32; s++) {
            if (!bit_of(p->pending, s) || !bit_of(p->enable[context], s)) continue;
            if (p->priority[s] <= priority) continue;
            priority = p->priority[s];
            found = s;
        }
    }
    return found;
}

static void update(dv_machine *m)
{
    for (unsigned i = 0; i < m->options.n_harts; i++) {
        uint64_t *lines = &m->harts[i].lines;
        *lines &= ~(RV_BIT(RV_IRQ_MEI) | RV_BIT(RV_IRQ_SEI));
        if (best(&m->plic, 2 * i)) *lines |= RV_BIT(RV_IRQ_MEI);
        if (best(&m->plic, 2 * i + 1)) *lines |= RV_BIT(RV_IRQ_SEI);
        m->harts[i].is_attended = true;
    }
}

void dv_plic_set(dv_machine *m, unsigned source, bool level)
{
    dv_plic *p = &m->plic;
    if (bit_of(p->level, source) == level) return;
    set_bit(p->level, source, level);
    if (level && !bit_of(p->claimed, source)) set_bit(p->pending, source, true);
    if (!level) set_bit(p->pending, source, false);
    update(m);
}

static uint32_t claim(dv_machine *m, unsigned context)
{
    dv_plic *p = &m->plic;
    unsigned source = best(p, context);
    if (!source) return 0;
    set_bit(p->pending, source, false);
    set_bit(p->claimed, source, true);
    update(m);
    return source;
}

static void complete(dv_machine *m, unsigned context, uint32_t source)
{
    dv_plic *p = &m->plic;
    if (source >= DV_PLIC_SOURCES || !bit_of(p->enable[context], source)) return;
    set_bit(p->claimed, source, false);
    if (bit_of(p->level, source)) set_bit(p->pending, source, true);
    update(m);
}

bool dv_plic_load(dv_hart *h, uint64_t offset, unsigned n_bytes, uint64_t *value)
{
    dv_machine *m = h->machine;
    dv_plic *p = &m->plic;
    unsigned n_contexts = 2 * m->options.n_harts;
    if (n_bytes != 4) return false;
    *value = 0;
    if (offset < 4 * DV_PLIC_SOURCES) {
        *value = p->priority[offset / 4];
    } else if (offset >= PENDING && offset < PENDING + 4 * DV_PLIC_WORDS) {
        *value = p->pending[(offset - PENDING) / 4];
    } else if (offset >= ENABLE && offset < ENABLE + ENABLE_STEP * n_contexts) {
        uint64_t word = (offset - ENABLE) % ENABLE_STEP / 4;
        if (word < DV_PLIC_WORDS)
            *value = p->enable[(offset - ENABLE) / ENABLE_STEP][word];
    } else if (offset >= CONTEXT && offset < CONTEXT + CONTEXT_STEP * n_contexts) {
        unsigned context = (unsigned)((offset - CONTEXT) / CONTEXT_STEP);
        uint64_t where = (offset - CONTEXT) % CONTEXT_STEP;
        if (where == 0) *value = p->threshold[context];
        if (where == 4) *value = claim(m, context);
    }
    return true;
}

bool dv_plic_store(dv_hart *h, uint64_t offset, unsigned n_bytes, uint64_t value)
{
    dv_machine *m = h->machine;
    dv_plic *p = &m->plic;
    unsigned n_contexts = 2 * m->options.n_harts;
    if (n_bytes != 4) return false;
    if (offset >= 4 && offset < 4 * DV_PLIC_SOURCES) {
        p->priority[offset / 4] = value & 7;
    } else if (offset >= ENABLE && offset < ENABLE + ENABLE_STEP * n_contexts) {
        uint64_t word = (offset - ENABLE) % ENABLE_STEP / 4;
        if (word < DV_PLIC_WORDS)
            p->enable[(offset - ENABLE) / ENABLE_STEP][word] =
                (uint32_t)value & (word ? UINT32_MAX : ~UINT32_C(1));
    } else if (offset >= CONTEXT && offset < CONTEXT + CONTEXT_STEP * n_contexts) {
        unsigned context = (unsigned)((offset - CONTEXT) / CONTEXT_STEP);
        uint64_t where = (offset - CONTEXT) % CONTEXT_STEP;
        if (where == 0) p->threshold[context] = value & 7;
        if (where == 4) complete(m, context, (uint32_t)value);
    }
    update(m);
    return true;
}
