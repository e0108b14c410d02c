/* decode.h - instruction words to decoded instructions, and to text. */
#ifndef DV_MACHINE_DECODE_H
#define DV_MACHINE_DECODE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef enum dv_op {
    DV_OP_UNDECODED, /* a slot of a page that was not looked at yet */
    DV_OP_ELSEWHERE, /* the instruction goes on, or stands, on another page */
    DV_OP_ILLEGAL,
#define DV_INSN(NAME, mnemonic, format, mask, match) DV_OP_##NAME,
#include "machine/insn.inc"
    DV_N_OPS
} dv_op;

enum {
    DV_X0_SINK = 32, /* the register that takes what is written to x0 */
    DV_N_REGISTERS = 33
};

/* The immediate is sign-extended; a system instruction (from CSRRW on) and an illegal
 * one carry the instruction's bits there instead. */
typedef struct dv_insn {
    uint16_t op;
    uint8_t rd; /* 1-31, or DV_X0_SINK */
    uint8_t rs1;
    uint8_t rs2;
    uint8_t length; /* bytes: 2 or 4 */
    int32_t imm;
} dv_insn;

/* `word` holds the instruction in its low 16 or 32 bits. */
dv_insn dv_decode(uint32_t word);

/* Of the compressed instruction in the low 16 bits. */
dv_insn dv_decode_compressed(uint16_t word);

/* 2 or 4: all that the first 16 bits tell. */
static inline unsigned dv_insn_length(uint32_t word)
{
    return (word & 3) == 3 ? 4 : 2;
}

#endif /* DV_MACHINE_DECODE_H */
