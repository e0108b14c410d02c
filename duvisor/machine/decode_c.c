/*
 * decode_c.c - compressed instructions (the C extension of RV64, without the floating
 * point ones), expanded to instructions of 32 bits.
 *
 * Bit positions of immediates are those of the tables in the unprivileged
 * specification, chapter "C": each FIELD moves one run of bits of the word to its
 * place.
 */
#include "machine/decode.h"

#define FIELD(high, low, to) \
    ((int32_t)(((uint32_t)word >> (low)) & ((1u << ((high) - (low) + 1)) - 1)) << (to))

static dv_insn make(dv_op op, unsigned rd, unsigned rs1, unsigned rs2, int32_t imm)
{
    return (dv_insn){.op = (uint16_t)op,
                     .rd = (uint8_t)(rd ? rd : DV_X0_SINK),
                     .rs1 = (uint8_t)rs1,
                     .rs2 = (uint8_t)rs2,
                     .length = 2,
                     .imm = imm};
}

static dv_insn illegal(uint16_t word)
{
    return make(DV_OP_ILLEGAL, 0, 0, 0, word);
}

/* Makes a signed number of one whose highest bit is `bit`. */
static int32_t extend(int32_t value, unsigned bit)
{
    int32_t sign = (int32_t)(1u << bit);
    return (value ^ sign) - sign;
}

static dv_insn quadrant_0(uint16_t word)
{
    unsigned low = 8u + (word >> 2 & 7), high = 8u + (word >> 7 & 7);
    int32_t words = FIELD(12, 10, 3) | FIELD(6, 6, 2) | FIELD(5, 5, 6);
    int32_t doubles = FIELD(12, 10, 3) | FIELD(6, 5, 6);
    switch (word >> 13) {
    case 0: {
        int32_t imm =
            FIELD(12, 11, 4) | FIELD(10, 7, 6) | FIELD(6, 6, 2) | FIELD(5, 5, 3);
        return imm ? make(DV_OP_ADDI, low, 2, 0, imm) : illegal(word);
    }
    case 2: return make(DV_OP_LW, low, high, 0, words);
    case 3: return make(DV_OP_LD, low, high, 0, doubles);
    case 6: return make(DV_OP_SW, 0, high, low, words);
    case 7: return make(DV_OP_SD, 0, high, low, doubles);
    default: return illegal(word);
    }
}

static dv_insn arithmetic(uint16_t word, int32_t imm)
{
    static const dv_op ops[8] = {DV_OP_SUB,  DV_OP_XOR,  DV_OP_OR,      DV_OP_AND,
                                 DV_OP_SUBW, DV_OP_ADDW, DV_OP_ILLEGAL, DV_OP_ILLEGAL};
    unsigned rd = 8u + (word >> 7 & 7), rs2 = 8u + (word >> 2 & 7);
    switch (word >> 10 & 3) {
    case 0: return make(DV_OP_SRLI, rd, rd, 0, imm & 63);
    case 1: return make(DV_OP_SRAI, rd, rd, 0, imm & 63);
    case 2: return make(DV_OP_ANDI, rd, rd, 0, imm);
    default: break;
    }
    dv_op op = ops[(word >> 10 & 4) | (word >> 5 & 3)];
    return op == DV_OP_ILLEGAL ? illegal(word) : make(op, rd, rd, rs2, 0);
}

static dv_insn quadrant_1(uint16_t word)
{
    unsigned rd = word >> 7 & 31, high = 8u + (word >> 7 & 7);
    int32_t imm = extend(FIELD(12, 12, 5) | FIELD(6, 2, 0), 5);
    int32_t branch = extend(FIELD(12, 12, 8) | FIELD(11, 10, 3) | FIELD(6, 5, 6) |
                                FIELD(4, 3, 1) | FIELD(2, 2, 5),
                            8);
    switch (word >> 13) {
    case 0: return make(DV_OP_ADDI, rd, rd, 0, imm);
    case 1: return rd ? make(DV_OP_ADDIW, rd, rd, 0, imm) : illegal(word);
    case 2: return make(DV_OP_ADDI, rd, 0, 0, imm);
    case 3: {
        if (imm == 0) return illegal(word);
        if (rd != 2) return make(DV_OP_LUI, rd, 0, 0, (int32_t)((uint32_t)imm << 12));
        int32_t step = extend(FIELD(12, 12, 9) | FIELD(6, 6, 4) | FIELD(5, 5, 6) |
                                  FIELD(4, 3, 7) | FIELD(2, 2, 5),
                              9);
        return make(DV_OP_ADDI, 2, 2, 0, step);
    }
    case 4: return arithmetic(word, imm);
    case 5: {
        int32_t jump = extend(FIELD(12, 12, 11) | FIELD(11, 11, 4) | FIELD(10, 9, 8) |
                                  FIELD(8, 8, 10) | FIELD(7, 7, 6) | FIELD(6, 6, 7) |
                                  FIELD(5, 3, 1) | FIELD(2, 2, 5),
                              11);
        return make(DV_OP_JAL, 0, 0, 0, jump);
    }
    case 6: return make(DV_OP_BEQ, 0, high, 0, branch);
    default: return make(DV_OP_BNE, 0, high, 0, branch);
    }
}

static dv_insn quadrant_2(uint16_t word)
{
    unsigned rd = word >> 7 & 31, rs2 = word >> 2 & 31;
    bool bit_12 = word >> 12 & 1;
    switch (word >> 13) {
    case 0: return make(DV_OP_SLLI, rd, rd, 0, FIELD(12, 12, 5) | FIELD(6, 2, 0));
    case 2:
        if (!rd) return illegal(word);
        return make(DV_OP_LW, rd, 2, 0,
                    FIELD(12, 12, 5) | FIELD(6, 4, 2) | FIELD(3, 2, 6));
    case 3:
        if (!rd) return illegal(word);
        return make(DV_OP_LD, rd, 2, 0,
                    FIELD(12, 12, 5) | FIELD(6, 5, 3) | FIELD(4, 2, 6));
    case 4:
        if (rs2) return make(DV_OP_ADD, rd, bit_12 ? rd : 0, rs2, 0);
        if (rd) return make(DV_OP_JALR, bit_12 ? 1 : 0, rd, 0, 0);
        return bit_12 ? make(DV_OP_EBREAK, 0, 0, 0, word) : illegal(word);
    case 6: return make(DV_OP_SW, 0, 2, rs2, FIELD(12, 9, 2) | FIELD(8, 7, 6));
    case 7: return make(DV_OP_SD, 0, 2, rs2, FIELD(12, 10, 3) | FIELD(9, 7, 6));
    default: return illegal(word);
    }
}

dv_insn dv_decode_compressed(uint16_t word)
{
    switch (word & 3) {
    case 0: return quadrant_0(word);
    case 1: return quadrant_1(word);
    default: return quadrant_2(word);
    }
}
