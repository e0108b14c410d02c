/* step_plain.c - the interpreter without any cache: each instruction is translated,
 * fetched and decoded anew.  The twin that tests compare execute.c with, and the
 * yardstick of its speed. */
#include "machine/alu.h"
#include "machine/hart.h"
#include "machine/mmu.h"

/* Everything but system instructions and atomics; *next is the address after it, or
 * where it jumps.  False: h->trap. */
static bool step(dv_hart *h, const dv_insn *in, uint64_t *next)
{
    uint64_t *x = h->x;
    const uint64_t a = x[in->rs1], r = x[in->rs2], imm = (uint64_t)(int64_t)in->imm;
    uint64_t value;
    switch (in->op) {
#define DV_RR(NAME, result)             \
    case DV_OP_##NAME: {                \
        const uint64_t b = r;           \
        x[in->rd] = (uint64_t)(result); \
        return true;                    \
    }
#define DV_RI(NAME, result)             \
    case DV_OP_##NAME: {                \
        const uint64_t b = imm;         \
        x[in->rd] = (uint64_t)(result); \
        return true;                    \
    }
#define DV_BRANCH(NAME, is_taken)          \
    case DV_OP_##NAME: {                   \
        const uint64_t b = r;              \
        if (is_taken) *next = h->pc + imm; \
        return true;                       \
    }
#define DV_LOAD(NAME, n_bytes, type)                                           \
    case DV_OP_##NAME:                                                         \
        if (!dv_load_slow(h, a + imm, n_bytes, h->data_regime, false, &value)) \
            return false;                                                      \
        x[in->rd] = (uint64_t)(int64_t)(type)value;                            \
        return true;
#define DV_STORE(NAME, n_bytes) \
    case DV_OP_##NAME:          \
        return dv_store_slow(h, a + imm, n_bytes, h->data_regime, r);
#include "machine/alu.inc"
#include "machine/control.inc"
    case DV_OP_AUIPC: x[in->rd] = h->pc + imm; return true;
    case DV_OP_JAL:
        x[in->rd] = *next;
        *next = h->pc + imm;
        return true;
    case DV_OP_JALR:
        x[in->rd] = *next;
        *next = (a + imm) & ~UINT64_C(1);
        return true;
    case DV_OP_FENCE:
    case DV_OP_FENCE_I: return true;
    case DV_OP_ILLEGAL: return dv_raise_illegal(h, (uint32_t)in->imm);
    default: return dv_exec_atomic(h, in);
    }
}

/* One instruction; false: h->trap. */
static bool attempt(dv_hart *h)
{
    uint32_t word;
    if (!dv_fetch_word(h, h->pc, &word)) return false;
    dv_insn in = dv_decode(word);
    if (in.op >= DV_OP_CSRRW) return dv_exec_system(h, &in);
    uint64_t next = h->pc + in.length;
    if (!step(h, &in, &next)) return false;
    h->pc = next;
    return true;
}

void dv_execute_plain(dv_hart *h, uint64_t n_attempts)
{
    for (uint64_t i = 0; i < n_attempts && !h->is_attended && !h->is_waiting; i++) {
        dv_take_interrupt(h);
        if (attempt(h)) {
            h->n_counted++;
            continue;
        }
        if (h->trap.is_counted)
            h->n_counted++;
        else
            h->n_uncounted++;
        dv_take_trap(h);
    }
}
