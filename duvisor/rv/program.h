/* program.h - what a program that runs alone on the machine stands on: the console,
 * CSRs, traps, page tables.  Freestanding; one hart, unless the program says otherwise.
 *
 * main() runs in machine mode and returns the program's result: 0 is success.  Programs
 * print the same on this machine and on QEMU's "virt". */
#ifndef DV_RV_PROGRAM_H
#define DV_RV_PROGRAM_H

#include "rv/csr.h"
#include "rv/map.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

int main(void);

/* What harts other than 0 do; programs may define it (default: nothing). */
void rv_other_hart(uint64_t hart);

/* ---- Console ---- */

void rv_put(char c);
void rv_print(const char *text);
void rv_print_hex(uint64_t value); /* 16 digits */
void rv_print_number(uint64_t value);

/* Ends the run. */
void rv_finish(int result) __attribute__((noreturn));

/* ---- CSRs, by the names of csr.h ---- */

#define rv_csr_read(number)                                           \
    ({                                                                \
        uint64_t value_;                                              \
        __asm__ volatile("csrr %0, %1" : "=r"(value_) : "i"(number)); \
        value_;                                                       \
    })
#define rv_csr_write(number, value) \
    __asm__ volatile("csrw %0, %1" : : "i"(number), "r"((uint64_t)(value)) : "memory")
#define rv_csr_set(number, value) \
    __asm__ volatile("csrs %0, %1" : : "i"(number), "r"((uint64_t)(value)) : "memory")
#define rv_csr_clear(number, value) \
    __asm__ volatile("csrc %0, %1" : : "i"(number), "r"((uint64_t)(value)) : "memory")

/* ---- Less privileged code ---- */

typedef enum rv_mode { RV_U = 0, RV_S = 1, RV_M = 3, RV_VU = 4, RV_VS = 5 } rv_mode;

/* Who took a trap, and what it found in its trap registers. */
typedef struct rv_seen {
    char by; /* 'M', 'H' (HS) or 'V' (VS) */
    uint64_t cause, epc, tval, tval2, tinst;
    uint64_t status; /* mstatus, sstatus or vsstatus, as the trap left it */
    uint64_t hstatus;
    uint64_t a0, a1; /* the code's last values */
} rv_seen;

/* Runs code in a mode until it traps, wherever the trap goes: stvec and vstvec are set
 * to handlers that hand on to machine mode, so ecalls from HS and VS must not be
 * delegated. Other bits of mstatus stay as they are. */
rv_seen rv_run(rv_mode mode, uint64_t entry, uint64_t a0, uint64_t a1);

/* A function as an entry, for the modes whose addresses are translated by identity. */
#define RV_ENTRY(function) ((uint64_t)(uintptr_t)(function))

/* ---- Code made at run time ---- */

/* Writes instruction words, then an ecall, to a place of its own; returns its address.
 * The code gets a0 and a1. */
uint64_t rv_code(const uint32_t *words, size_t n_words);

/* csrrw, csrrs, csrrc: funct3 1, 2, 3 */
static inline uint32_t rv_csr_word(unsigned funct3, unsigned rd, unsigned csr,
                                   unsigned rs1)
{
    return csr << 20 | rs1 << 15 | funct3 << 12 | rd << 7 | 0x73;
}

/* ---- Page tables ---- */

/* A page of zeros; never given back. */
uint64_t *rv_page(void);
/* Four pages, naturally aligned, for the root of a second stage. */
uint64_t *rv_pages_4(void);
/* Forgets all pages that were given out. */
void rv_pages_reset(void);

/* Puts an entry for the page at `address` of size 4 KiB << (9 * level), and tables on
 * the way to it.  n_levels: 3, 4, 5.  Returns where the entry is. */
uint64_t *rv_map(uint64_t *root, unsigned n_levels, uint64_t address, unsigned level,
                 uint64_t pa, uint64_t flags);

static inline uint64_t rv_atp(unsigned n_levels, const uint64_t *root)
{
    return (uint64_t)(n_levels - 3 + RV_MODE_SV39) << RV_SATP_MODE_SHIFT |
           (uint64_t)(uintptr_t)root >> 12;
}

static inline void rv_fence_all(void)
{
    __asm__ volatile("sfence.vma\n\t.insn r 0x73, 0, 0x31, x0, x0, x0\n\t"
                     ".insn r 0x73, 0, 0x11, x0, x0, x0" ::
                         : "memory");
}

#endif /* DV_RV_PROGRAM_H */
