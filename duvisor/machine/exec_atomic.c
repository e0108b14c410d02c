/* exec_atomic.c - LR, SC and the read-modify-write instructions.
 *
 * All harts run in one thread, so an instruction is atomic by itself.  A reservation is
 * an address and the value seen there: SC stores when both still hold, and nothing in
 * between (a trap, another SC) took it away. */
#include "machine/alu.h"
#include "machine/bus.h"
#include "machine/mmu.h"

/* What is stored, of what was there (a) and rs2 (b); both are sign-extended words, or
 * doublewords.  The unsigned comparisons hold for sign-extended words too. */
static uint64_t combine(unsigned op, uint64_t a, uint64_t b)
{
    switch (op) {
    case DV_OP_AMOADD_W:
    case DV_OP_AMOADD_D: return a + b;
    case DV_OP_AMOXOR_W:
    case DV_OP_AMOXOR_D: return a ^ b;
    case DV_OP_AMOAND_W:
    case DV_OP_AMOAND_D: return a & b;
    case DV_OP_AMOOR_W:
    case DV_OP_AMOOR_D: return a | b;
    case DV_OP_AMOMIN_W:
    case DV_OP_AMOMIN_D: return DV_S64(a) < DV_S64(b) ? a : b;
    case DV_OP_AMOMAX_W:
    case DV_OP_AMOMAX_D: return DV_S64(a) > DV_S64(b) ? a : b;
    case DV_OP_AMOMINU_W:
    case DV_OP_AMOMINU_D: return a < b ? a : b;
    case DV_OP_AMOMAXU_W:
    case DV_OP_AMOMAXU_D: return a > b ? a : b;
    default: return b; /* AMOSWAP */
    }
}

static uint64_t extend(uint64_t value, unsigned n_bytes)
{
    return n_bytes == 4 ? DV_W(value) : value;
}

static bool load_reserved(dv_hart *h, const dv_insn *in, unsigned n_bytes)
{
    uint64_t va = h->x[in->rs1], value;
    if (va & (n_bytes - 1)) return dv_raise_address(h, RV_CAUSE_LOAD_MISALIGNED, va);
    if (!dv_load(h, va, n_bytes, &value)) return false;
    h->has_reservation = true;
    h->reserved_address = va;
    h->reserved_value = h->x[in->rd] = extend(value, n_bytes);
    return true;
}

static bool store_conditional(dv_hart *h, const dv_insn *in, unsigned n_bytes)
{
    uint64_t va = h->x[in->rs1], pa, value = h->x[in->rs2];
    uint8_t *host;
    bool is_held = h->has_reservation && h->reserved_address == va;
    if (is_held && va & (n_bytes - 1))
        return dv_raise_address(h, RV_CAUSE_STORE_MISALIGNED, va);
    if (is_held) {
        if (!dv_modify_slow(h, va, n_bytes, &host, &pa)) return false;
        is_held = extend(dv_from_host(host, n_bytes), n_bytes) == h->reserved_value;
        if (is_held) {
            memcpy(host, &value, n_bytes);
            dv_machine_stored(h->machine, pa, n_bytes);
        }
    }
    h->has_reservation = false;
    h->x[in->rd] = !is_held;
    return true;
}

static bool modify(dv_hart *h, const dv_insn *in, unsigned n_bytes)
{
    uint64_t va = h->x[in->rs1], pa;
    uint8_t *host;
    if (va & (n_bytes - 1)) return dv_raise_address(h, RV_CAUSE_STORE_MISALIGNED, va);
    if (!dv_modify_slow(h, va, n_bytes, &host, &pa)) return false;
    uint64_t before = extend(dv_from_host(host, n_bytes), n_bytes);
    uint64_t after = combine(in->op, before, extend(h->x[in->rs2], n_bytes));
    memcpy(host, &after, n_bytes);
    dv_machine_stored(h->machine, pa, n_bytes);
    h->x[in->rd] = before;
    return true;
}

bool dv_exec_atomic(dv_hart *h, const dv_insn *in)
{
    unsigned n_bytes = in->op >= DV_OP_LR_D ? 8 : 4;
    switch (in->op) {
    case DV_OP_LR_W:
    case DV_OP_LR_D: return load_reserved(h, in, n_bytes);
    case DV_OP_SC_W:
    case DV_OP_SC_D: return store_conditional(h, in, n_bytes);
    default: return modify(h, in, n_bytes);
    }
}
