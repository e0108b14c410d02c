/* elf.c - see elf.h (ELF-64 object file format, version 1.5). */
#include "rv/elf.h"

enum { HEADER_BYTES = 64, SEGMENT_BYTES = 56, SECTION_BYTES = 64, SYMBOL_BYTES = 24 };
enum {
    MACHINE_RISCV = 243,
    TYPE_EXECUTABLE = 2,
    LOAD = 1,
    SYMBOL_TABLE = 2,
    FUNCTION = 2
};

static uint64_t number(const uint8_t *at, unsigned n_bytes)
{
    uint64_t value = 0;
    for (unsigned i = 0; i < n_bytes; i++)
        value |= (uint64_t)at[i] << (8 * i);
    return value;
}

/* n bytes at an offset, or NULL when they are not all in the file. */
static const uint8_t *part(const rv_elf *elf, uint64_t offset, uint64_t n_bytes)
{
    if (offset > elf->n_bytes || n_bytes > elf->n_bytes - offset) return NULL;
    return elf->bytes + offset;
}

const char *rv_elf_open(rv_elf *elf, const void *bytes, size_t n_bytes)
{
    *elf = (rv_elf){.bytes = (const uint8_t *)bytes, .n_bytes = n_bytes};
    const uint8_t *h = part(elf, 0, HEADER_BYTES);
    if (!h || number(h, 4) != 0x464c457f) return "no ELF file";
    if (h[4] != 2 || h[5] != 1) return "not of 64 bits, little-endian";
    if (number(h + 18, 2) != MACHINE_RISCV) return "not for RISC-V";
    if (number(h + 16, 2) != TYPE_EXECUTABLE) return "no executable";
    elf->entry = number(h + 24, 8);
    elf->segments_at = number(h + 32, 8);
    elf->sections_at = number(h + 40, 8);
    if (number(h + 54, 2) != SEGMENT_BYTES)
        return "its program headers have another size";
    elf->n_segments = (uint16_t)number(h + 56, 2);
    if (!part(elf, elf->segments_at, (uint64_t)elf->n_segments * SEGMENT_BYTES))
        return "its program headers go past the end";
    elf->n_sections = (uint16_t)number(h + 60, 2);
    if (number(h + 58, 2) != SECTION_BYTES ||
        !part(elf, elf->sections_at, (uint64_t)elf->n_sections * SECTION_BYTES))
        elf->n_sections = 0;
    return NULL;
}

const char *rv_elf_segment_at(const rv_elf *elf, unsigned i, rv_elf_segment *segment)
{
    if (i >= elf->n_segments) return "no such segment";
    const uint8_t *s = elf->bytes + elf->segments_at + (uint64_t)i * SEGMENT_BYTES;
    segment->is_loaded = number(s, 4) == LOAD && number(s + 40, 8) != 0;
    segment->physical = number(s + 24, 8);
    segment->n_file_bytes = number(s + 32, 8);
    segment->n_bytes = number(s + 40, 8);
    segment->bytes = part(elf, number(s + 8, 8), segment->n_file_bytes);
    if (!segment->is_loaded) return NULL;
    if (!segment->bytes) return "a segment goes past the end of the file";
    if (segment->n_file_bytes > segment->n_bytes)
        return "a segment is smaller in memory than in the file";
    return NULL;
}

/* The name at `offset` of a string section, or NULL when it does not end there. */
static const char *name_at(const uint8_t *strings, uint64_t n_bytes, uint64_t offset)
{
    for (uint64_t i = offset; i < n_bytes; i++)
        if (!strings[i]) return (const char *)strings + offset;
    return NULL;
}

static void read_table(const rv_elf *elf, const uint8_t *section,
                       void (*fn)(void *payload, const rv_elf_symbol *symbol),
                       void *payload)
{
    uint64_t link = number(section + 40, 4);
    if (link >= elf->n_sections) return;
    const uint8_t *names = elf->bytes + elf->sections_at + link * SECTION_BYTES;
    uint64_t n_string_bytes = number(names + 32, 8), n_bytes = number(section + 32, 8);
    const uint8_t *strings = part(elf, number(names + 24, 8), n_string_bytes);
    const uint8_t *symbols = part(elf, number(section + 24, 8), n_bytes);
    if (!strings || !symbols) return;
    for (uint64_t at = 0; at + SYMBOL_BYTES <= n_bytes; at += SYMBOL_BYTES) {
        const uint8_t *s = symbols + at;
        const char *name = name_at(strings, n_string_bytes, number(s, 4));
        if (!name || !*name) continue;
        rv_elf_symbol symbol = {number(s + 8, 8), number(s + 16, 8), name,
                                (s[4] & 15) == FUNCTION};
        fn(payload, &symbol);
    }
}

void rv_elf_symbols(const rv_elf *elf,
                    void (*fn)(void *payload, const rv_elf_symbol *symbol),
                    void *payload)
{
    for (unsigned i = 0; i < elf->n_sections; i++) {
        const uint8_t *section =
            elf->bytes + elf->sections_at + (uint64_t)i * SECTION_BYTES;
        if (number(section + 4, 4) == SYMBOL_TABLE)
            read_table(elf, section, fn, payload);
    }
}
