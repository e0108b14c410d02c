/*
 * reference_walker.h - address translation, slowly, from the text of the privileged
 * specification 1.12 alone: sections 4.3.2 (the algorithm, by its step numbers), 4.4
 * to 4.6 (Sv39, Sv48, Sv57), 8.5 (two stages), 3.7 (PMP).  It shares nothing with mmu.c
 * but the names of bits.
 */
#ifndef DV_TESTS_REFERENCE_WALKER_H
#define DV_TESTS_REFERENCE_WALKER_H

#include <stdbool.h>
#include <stdint.h>

typedef enum ref_kind { REF_FETCH, REF_LOAD, REF_STORE } ref_kind;

/* All that translation depends on. */
typedef struct ref_state {
    uint8_t *ram; /* [ram_bytes], at ram_base; written when A and D bits are set */
    uint64_t ram_base, ram_bytes;
    uint64_t satp, vsatp, hgatp;
    bool sum, mxr;     /* of mstatus */
    bool vsum, vs_mxr; /* of vsstatus */
    uint8_t pmp_config[16];
    uint64_t pmp_address[16];
} ref_state;

typedef struct ref_access {
    uint64_t va;
    unsigned n_bytes;
    ref_kind kind;
    unsigned mode; /* 0 U, 1 S, 3 M */
    bool is_virtual;
    bool is_hlvx;
} ref_access;

typedef struct ref_result {
    bool is_ok;
    uint64_t pa;
    unsigned cause; /* of the exception, and its values */
    uint64_t tval, tval2, tinst;
    bool gva;
} ref_result;

ref_result ref_translate(ref_state *state, const ref_access *access);

#endif /* DV_TESTS_REFERENCE_WALKER_H */
