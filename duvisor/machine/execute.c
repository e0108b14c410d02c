/*
 * execute.c - the interpreter: one switch over decoded instructions.
 *
 * `in` runs along the slots of a decoded page; its end, and instructions that no page
 * holds, are slots of their own (DV_OP_ELSEWHERE), so that straight code needs no
 * check. What can change the mode, the tables or the pending interrupts ends in
 * `again`: there interrupts are taken, and the page is looked up anew.
 *
 * Time is counted in `left`, and written to the hart (SYNC) before anything looks at
 * it.
 */
#include "machine/alu.h"
#include "machine/hart.h"
#include "machine/mmu.h"

/* After SYNC: the instruction at h->pc trapped. */
static void trap(dv_hart *h)
{
    if (h->trap.is_counted)
        h->n_counted++;
    else
        h->n_uncounted++;
    dv_take_trap(h);
}

#define SYNC() (h->n_counted += synced - left, synced = left, h->pc = pc)
#define NEXT()                     \
    {                              \
        pc += in->length;          \
        in += in->length >> 1;     \
        if (--left == 0) goto out; \
        continue;                  \
    }
#define JUMP(target)                                     \
    {                                                    \
        const uint64_t to = (target);                    \
        const bool is_near = base && !((to ^ pc) >> 12); \
        pc = to;                                         \
        if (--left == 0) goto out;                       \
        if (!is_near) goto lookup;                       \
        in = base + ((to & DV_PAGE_MASK) >> 1);          \
        continue;                                        \
    }

void dv_execute(dv_hart *h, uint64_t n_attempts)
{
    uint64_t *const x = h->x;
    uint64_t pc = h->pc, left = n_attempts, synced = left;
    const dv_insn *in, *base; /* base: the page's first slot, or NULL */
again:
    if (left == 0 || h->is_attended || h->is_waiting) return;
    dv_take_interrupt(h);
    pc = h->pc;
lookup:
    in = dv_fetch(h, pc);
    if (!in) goto trapped;
    base = in == h->elsewhere ? NULL : in - ((pc & DV_PAGE_MASK) >> 1);
    for (;;) {
        const uint64_t a = x[in->rs1], r = x[in->rs2], imm = (uint64_t)(int64_t)in->imm;
        uint64_t value;
        switch (in->op) {
#define DV_RR(NAME, result)             \
    case DV_OP_##NAME: {                \
        const uint64_t b = r;           \
        x[in->rd] = (uint64_t)(result); \
        NEXT()                          \
    }
#define DV_RI(NAME, result)             \
    case DV_OP_##NAME: {                \
        const uint64_t b = imm;         \
        x[in->rd] = (uint64_t)(result); \
        NEXT()                          \
    }
#define DV_BRANCH(NAME, is_taken)    \
    case DV_OP_##NAME: {             \
        const uint64_t b = r;        \
        if (is_taken) JUMP(pc + imm) \
        NEXT()                       \
    }
#define DV_LOAD(NAME, n_bytes, type)                                           \
    case DV_OP_##NAME: {                                                       \
        const uint8_t *host =                                                  \
            dv_tlb_hit(h->tlb[h->data_regime].load, a + imm, n_bytes);         \
        if (__builtin_expect(host != NULL, 1)) {                               \
            value = dv_from_host(host, n_bytes);                               \
            x[in->rd] = (uint64_t)(int64_t)(type)value;                        \
            NEXT()                                                             \
        }                                                                      \
        SYNC();                                                                \
        if (!dv_load_slow(h, a + imm, n_bytes, h->data_regime, false, &value)) \
            goto trapped;                                                      \
        x[in->rd] = (uint64_t)(int64_t)(type)value;                            \
        goto stepped;                                                          \
    }
#define DV_STORE(NAME, n_bytes)                                                     \
    case DV_OP_##NAME: {                                                            \
        uint8_t *host = dv_tlb_hit(h->tlb[h->data_regime].store, a + imm, n_bytes); \
        if (__builtin_expect(host != NULL, 1)) {                                    \
            memcpy(host, &r, n_bytes);                                              \
            NEXT()                                                                  \
        }                                                                           \
        SYNC();                                                                     \
        if (!dv_store_slow(h, a + imm, n_bytes, h->data_regime, r)) goto trapped;   \
        goto stepped;                                                               \
    }
#include "machine/alu.inc"
#include "machine/control.inc"
        case DV_OP_AUIPC: x[in->rd] = pc + imm; NEXT()
        case DV_OP_JAL: x[in->rd] = pc + in->length; JUMP(pc + imm)
        case DV_OP_JALR: x[in->rd] = pc + in->length; JUMP((a + imm) & ~UINT64_C(1))
        case DV_OP_FENCE:
        case DV_OP_FENCE_I: NEXT() /* decoded pages follow every store */
        case DV_OP_UNDECODED:
        case DV_OP_ELSEWHERE: goto lookup;
        case DV_OP_ILLEGAL: dv_raise_illegal(h, (uint32_t)in->imm); goto trapped;
        default: break;
        }
        SYNC();
        if (in->op < DV_OP_CSRRW) {
            if (!dv_exec_atomic(h, in)) goto trapped;
            goto stepped;
        }
        if (!dv_exec_system(h, in)) goto trapped;
        h->n_counted++;
        synced = --left;
        goto again;
    }
stepped: /* by a slow path: SYNC was done, and anything may have changed */
    h->pc = pc + in->length;
    h->n_counted++;
    synced = --left;
    goto again;
trapped:
    SYNC();
    trap(h);
    synced = --left;
    goto again;
out:
    SYNC();
}
