/* pages.c - see pages.h. */
#include "machine/pages.h"

#include <string.h>

enum { LINE_BYTES = 64, LINE_SLOTS = 32 };

static uint64_t line_bit(uint64_t offset)
{
    return UINT64_C(1) << (offset / LINE_BYTES);
}

void dv_page_decode(dv_page *page, dv_insn *slot)
{
    size_t offset = (size_t)(slot - page->slots) * 2;
    uint32_t word = (uint32_t)page->bytes[offset] | (uint32_t)page->bytes[offset + 1]
                                                        << 8;
    if (dv_insn_length(word) == 4) {
        if (offset + 4 > 4096) {
            /* Its other half may change without a store to this page. */
            *slot = (dv_insn){.op = DV_OP_ELSEWHERE};
            page->lines |= line_bit(offset);
            return;
        }
        word |= (uint32_t)page->bytes[offset + 2] << 16 |
                (uint32_t)page->bytes[offset + 3] << 24;
        page->lines |= line_bit(offset + 2);
    }
    page->lines |= line_bit(offset);
    *slot = dv_decode(word);
}

void dv_page_stored(dv_page *page, uint64_t offset, uint64_t n_bytes)
{
    uint64_t end = offset + n_bytes;
    for (uint64_t at = offset & ~(uint64_t)(LINE_BYTES - 1); at < end;
         at += LINE_BYTES) {
        if (!(page->lines & line_bit(at))) continue;
        page->lines &= ~line_bit(at);
        /* also an instruction that begins before the line and ends in it */
        size_t first = (size_t)(at / 2), from = first ? first - 1 : 0;
        for (size_t i = from; i < first + LINE_SLOTS; i++)
            page->slots[i].op = DV_OP_UNDECODED;
    }
}
