# start.S - the first instructions of a program in machine mode, and the way into less
# privileged code and back: see program.h.

    .section .text.start
    .globl _start
_start:
    csrr t0, mhartid
    la t1, rv_trapped
    csrw mtvec, t1
    # one stack of 64 KiB for each hart, from 32 MiB on
    li t1, 0x82000000
    slli t2, t0, 16
    add sp, t1, t2
    li t1, 0x10000
    add sp, sp, t1
    # everything may be accessed, by the last of the entries
    li t1, -1
    csrw pmpaddr15, t1
    li t1, 0x1f << 56
    csrw pmpcfg2, t1
    mv s0, t0
    bnez t0, 2f # memory is zero after reset, on both machines: so is .bss
    call main
    call rv_finish
2:  mv a0, s0
    call rv_other_hart
    wfi
    j 2b

    .text
# uint64_t rv_enter(uint64_t entry, uint64_t stack, uint64_t a0, uint64_t a1)
# The caller has set mstatus; returns when the next trap arrives in machine mode.
    .globl rv_enter
rv_enter:
    la t0, rv_saved
    sd ra, 0(t0)
    sd sp, 8(t0)
    sd s0, 16(t0)
    sd s1, 24(t0)
    sd s2, 32(t0)
    sd s3, 40(t0)
    sd s4, 48(t0)
    sd s5, 56(t0)
    sd s6, 64(t0)
    sd s7, 72(t0)
    sd s8, 80(t0)
    sd s9, 88(t0)
    sd s10, 96(t0)
    sd s11, 104(t0)
    sd gp, 112(t0)
    sd tp, 120(t0)
    csrw mepc, a0
    mv sp, a1
    mv a0, a2
    mv a1, a3
    mret

    .align 2
    .globl rv_trapped
rv_trapped:
    la t0, rv_saved
    sd a0, 128(t0)
    sd a1, 136(t0)
    ld ra, 0(t0)
    ld sp, 8(t0)
    ld s0, 16(t0)
    ld s1, 24(t0)
    ld s2, 32(t0)
    ld s3, 40(t0)
    ld s4, 48(t0)
    ld s5, 56(t0)
    ld s6, 64(t0)
    ld s7, 72(t0)
    ld s8, 80(t0)
    ld s9, 88(t0)
    ld s10, 96(t0)
    ld s11, 104(t0)
    ld gp, 112(t0)
    ld tp, 120(t0)
    ret

# Where stvec and vstvec point in tests: notes which of them was taken, then goes on in
# machine mode by an ecall.
    .align 2
    .globl rv_trapped_hs
rv_trapped_hs:
    li a7, 1
    ecall
    .align 2
    .globl rv_trapped_vs
rv_trapped_vs:
    li a7, 2
    ecall

    .bss
    .align 4
    .globl rv_saved
rv_saved:
    .space 256
