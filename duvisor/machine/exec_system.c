/*
 * exec_system.c - CSR instructions, traps by request, returns, WFI, fences, and the
 * hypervisor's loads and stores.
 *
 * Who may not execute one gets illegal-instruction (2), or, where HS could have done it
 * and V=1 is the only reason, virtual-instruction (22).
 */
#include "machine/mmu.h"

/* in->imm holds the instruction's bits. */
static bool refuse(dv_hart *h, const dv_insn *in, unsigned cause)
{
    h->trap = (dv_trap){.cause = cause, .tval = (uint32_t)in->imm};
    return false;
}

static bool is_hs(const dv_hart *h)
{
    return h->mode == DV_MODE_S && !h->is_virtual;
}

static bool has(uint64_t value, uint64_t bit)
{
    return value & bit;
}

static bool next(dv_hart *h, const dv_insn *in)
{
    h->pc += in->length;
    return true;
}

static bool exec_csr(dv_hart *h, const dv_insn *in)
{
    unsigned number = (uint32_t)in->imm >> 20;
    bool is_immediate = in->op >= DV_OP_CSRRWI;
    unsigned op = is_immediate ? in->op - DV_OP_CSRRWI + DV_OP_CSRRW : in->op;
    uint64_t operand = is_immediate ? in->rs1 : h->x[in->rs1];
    bool is_swap = op == DV_OP_CSRRW;
    bool is_write = is_swap || in->rs1 != 0;
    unsigned cause = dv_csr_check(h, number, is_write);
    if (cause) return refuse(h, in, cause);
    uint64_t value = 0;
    if (!is_swap || in->rd != DV_X0_SINK) value = dv_csr_read(h, number);
    if (is_write) {
        uint64_t before = is_swap ? 0 : dv_csr_read_to_modify(h, number);
        if (op == DV_OP_CSRRS) operand |= before;
        if (op == DV_OP_CSRRC) operand = before & ~operand;
        dv_csr_write(h, number, operand);
    }
    h->x[in->rd] = value;
    return next(h, in);
}

static bool exec_ecall(dv_hart *h)
{
    static const uint8_t of_mode[] = {RV_CAUSE_ECALL_U, RV_CAUSE_ECALL_HS, 0,
                                      RV_CAUSE_ECALL_M};
    unsigned cause = of_mode[h->mode];
    if (h->is_virtual && h->mode == DV_MODE_S) cause = RV_CAUSE_ECALL_VS;
    h->trap = (dv_trap){.cause = cause, .is_counted = true};
    return false;
}

static bool exec_ebreak(dv_hart *h)
{
    h->trap = (dv_trap){.cause = RV_CAUSE_BREAKPOINT, .is_counted = true};
    return false;
}

static bool exec_sret(dv_hart *h, const dv_insn *in)
{
    if (h->is_virtual) {
        if (h->mode == DV_MODE_U || has(h->csr.hstatus, RV_HSTATUS_VTSR))
            return refuse(h, in, RV_CAUSE_VIRTUAL_INSTRUCTION);
    } else if (h->mode == DV_MODE_U ||
               (h->mode == DV_MODE_S && has(h->csr.mstatus, RV_STATUS_TSR))) {
        return refuse(h, in, RV_CAUSE_ILLEGAL);
    }
    dv_return_from_s(h);
    return true;
}

static bool exec_mret(dv_hart *h, const dv_insn *in)
{
    if (h->mode != DV_MODE_M) return refuse(h, in, RV_CAUSE_ILLEGAL);
    dv_return_from_m(h);
    return true;
}

static bool exec_wfi(dv_hart *h, const dv_insn *in)
{
    if (h->mode != DV_MODE_M) {
        bool has_tw = has(h->csr.mstatus, RV_STATUS_TW);
        bool is_user = h->mode == DV_MODE_U;
        if (has_tw || (is_user && !h->is_virtual))
            return refuse(h, in, RV_CAUSE_ILLEGAL);
        if (h->is_virtual && (is_user || has(h->csr.hstatus, RV_HSTATUS_VTW)))
            return refuse(h, in, RV_CAUSE_VIRTUAL_INSTRUCTION);
    }
    h->is_waiting = !(dv_pending(h) & h->csr.mie);
    return next(h, in);
}

static bool exec_sfence_vma(dv_hart *h, const dv_insn *in)
{
    if (h->is_virtual) {
        if (h->mode == DV_MODE_U || has(h->csr.hstatus, RV_HSTATUS_VTVM))
            return refuse(h, in, RV_CAUSE_VIRTUAL_INSTRUCTION);
        dv_mmu_flush_guest(h);
        return next(h, in);
    }
    if (h->mode == DV_MODE_U || (is_hs(h) && has(h->csr.mstatus, RV_STATUS_TVM)))
        return refuse(h, in, RV_CAUSE_ILLEGAL);
    dv_mmu_flush_host(h);
    return next(h, in);
}

static bool exec_hfence(dv_hart *h, const dv_insn *in)
{
    if (h->is_virtual) return refuse(h, in, RV_CAUSE_VIRTUAL_INSTRUCTION);
    bool is_stopped =
        in->op == DV_OP_HFENCE_GVMA && is_hs(h) && has(h->csr.mstatus, RV_STATUS_TVM);
    if (h->mode == DV_MODE_U || is_stopped) return refuse(h, in, RV_CAUSE_ILLEGAL);
    dv_mmu_flush_guest(h);
    return next(h, in);
}

/* HLV, HLVX, HSV: funct7 bits 2:1 give the size, rs2 of a load what to do with it. */
static bool exec_guest_access(dv_hart *h, const dv_insn *in)
{
    if (h->is_virtual) return refuse(h, in, RV_CAUSE_VIRTUAL_INSTRUCTION);
    if (h->mode == DV_MODE_U && !has(h->csr.hstatus, RV_HSTATUS_HU))
        return refuse(h, in, RV_CAUSE_ILLEGAL);
    uint32_t word = (uint32_t)in->imm;
    unsigned n_bytes = 1u << (word >> 26 & 3);
    unsigned mode = has(h->csr.hstatus, RV_HSTATUS_SPVP) ? DV_MODE_S : DV_MODE_U;
    dv_regime regime = dv_regime_of(h, mode, true);
    uint64_t va = h->x[in->rs1], value;
    if (word >> 25 & 1) {
        if (!dv_store_slow(h, va, n_bytes, regime, h->x[in->rs2])) return false;
        return next(h, in);
    }
    bool is_unsigned = in->rs2 & 1, is_hlvx = in->rs2 & 2;
    if (!dv_load_slow(h, va, n_bytes, regime, is_hlvx, &value)) return false;
    unsigned spare = 64 - 8 * n_bytes;
    if (!is_unsigned && !is_hlvx)
        value = (uint64_t)((int64_t)(value << spare) >> spare);
    h->x[in->rd] = value;
    return next(h, in);
}

bool dv_exec_system(dv_hart *h, const dv_insn *in)
{
    switch (in->op) {
    case DV_OP_CSRRW:
    case DV_OP_CSRRS:
    case DV_OP_CSRRC:
    case DV_OP_CSRRWI:
    case DV_OP_CSRRSI:
    case DV_OP_CSRRCI: return exec_csr(h, in);
    case DV_OP_ECALL: return exec_ecall(h);
    case DV_OP_EBREAK: return exec_ebreak(h);
    case DV_OP_SRET: return exec_sret(h, in);
    case DV_OP_MRET: return exec_mret(h, in);
    case DV_OP_WFI: return exec_wfi(h, in);
    case DV_OP_SFENCE_VMA: return exec_sfence_vma(h, in);
    case DV_OP_HFENCE_VVMA:
    case DV_OP_HFENCE_GVMA: return exec_hfence(h, in);
    default: return exec_guest_access(h, in);
    }
}
