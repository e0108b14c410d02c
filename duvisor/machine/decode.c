/* decode.c - instructions of 32 bits, from the list in insn.inc. */
#include "machine/decode.h"

#include <assert.h>
#include <pthread.h>

typedef enum format {
    FORMAT_R,
    FORMAT_I,
    FORMAT_SHIFT,
    FORMAT_LOAD,
    FORMAT_JALR,
    FORMAT_S,
    FORMAT_B,
    FORMAT_U,
    FORMAT_J,
    FORMAT_AMO,
    FORMAT_LR,
    FORMAT_FENCE,
    FORMAT_CSR,
    FORMAT_CSRI,
    FORMAT_SFENCE,
    FORMAT_HLV,
    FORMAT_HSV,
    FORMAT_NONE,
} format;

typedef struct row {
    uint32_t mask, match;
    format format;
    dv_op op;
} row;

static const row rows[] = {
#define DV_INSN(NAME, mnemonic, format, mask, match) \
    {mask, match, FORMAT_##format, DV_OP_##NAME},
#include "machine/insn.inc"
};

enum { N_ROWS = sizeof(rows) / sizeof(rows[0]) };

static int32_t bits(uint32_t word, unsigned high, unsigned low)
{
    return (int32_t)((word >> low) & ((UINT32_C(1) << (high - low + 1)) - 1));
}

static int32_t sign_extend(int32_t value, unsigned n_bits)
{
    int32_t sign = (int32_t)(UINT32_C(1) << (n_bits - 1));
    return (value ^ sign) - sign;
}

static int32_t immediate(uint32_t word, format f)
{
    switch (f) {
    case FORMAT_I:
    case FORMAT_LOAD:
    case FORMAT_JALR: return (int32_t)word >> 20;
    case FORMAT_SHIFT: return bits(word, 25, 20);
    case FORMAT_S: return sign_extend(bits(word, 31, 25) << 5 | bits(word, 11, 7), 12);
    case FORMAT_B:
        return sign_extend(bits(word, 31, 31) << 12 | bits(word, 7, 7) << 11 |
                               bits(word, 30, 25) << 5 | bits(word, 11, 8) << 1,
                           13);
    case FORMAT_U: return (int32_t)(word & 0xfffff000);
    case FORMAT_J:
        return sign_extend(bits(word, 31, 31) << 20 | bits(word, 19, 12) << 12 |
                               bits(word, 20, 20) << 11 | bits(word, 30, 21) << 1,
                           21);
    case FORMAT_R:
    case FORMAT_AMO:
    case FORMAT_LR: return 0;
    case FORMAT_FENCE:
    case FORMAT_CSR:
    case FORMAT_CSRI:
    case FORMAT_SFENCE:
    case FORMAT_HLV:
    case FORMAT_HSV:
    case FORMAT_NONE: break;
    }
    return (int32_t)word;
}

/* Rows by major opcode and funct3: those of key k are list[start[k]] to
 * list[start[k + 1] - 1].  Made once. */
enum { N_KEYS = 256, MAX_LIST = N_ROWS + 7 * 8 };
static uint16_t start[N_KEYS + 1];
static uint8_t list[MAX_LIST];
static pthread_once_t is_indexed = PTHREAD_ONCE_INIT;

static uint32_t key_word(unsigned key)
{
    return (uint32_t)(key >> 3) << 2 | 3 | (uint32_t)(key & 7) << 12;
}

static void make_index(void)
{
    uint16_t n = 0;
    for (unsigned key = 0; key < N_KEYS; key++) {
        start[key] = n;
        for (size_t i = 0; i < N_ROWS; i++) {
            uint32_t mask = rows[i].mask & 0x707f;
            if ((key_word(key) & mask) != (rows[i].match & mask)) continue;
            assert(n < MAX_LIST);
            list[n++] = (uint8_t)i;
        }
    }
    start[N_KEYS] = n;
}

/* The row that matches, or NULL. */
static const row *find_row(uint32_t word)
{
    pthread_once(&is_indexed, make_index);
    unsigned key = (word >> 2 & 31) << 3 | (word >> 12 & 7);
    for (unsigned i = start[key]; i < start[key + 1]; i++) {
        const row *r = &rows[list[i]];
        if ((word & r->mask) == r->match) return r;
    }
    return NULL;
}

dv_insn dv_decode(uint32_t word)
{
    if (dv_insn_length(word) == 2) return dv_decode_compressed((uint16_t)word);
    const row *found = find_row(word);
    if (!found)
        return (dv_insn){.op = DV_OP_ILLEGAL, .length = 4, .imm = (int32_t)word};
    uint8_t rd = (uint8_t)bits(word, 11, 7);
    return (dv_insn){
        .op = (uint16_t)found->op,
        .rd = rd ? rd : DV_X0_SINK,
        .rs1 = (uint8_t)bits(word, 19, 15),
        .rs2 = (uint8_t)bits(word, 24, 20),
        .length = 4,
        .imm = immediate(word, found->format),
    };
}
