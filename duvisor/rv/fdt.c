/* fdt.c - see fdt.h. */
#include "rv/fdt.h"

enum { BEGIN_NODE = 1, END_NODE = 2, PROPERTY = 3, END = 9 };
enum {
    HEADER_BYTES = 40,
    RESERVATION_BYTES = 16,
    STRUCT_AT = HEADER_BYTES + RESERVATION_BYTES
};

static void put_be32(uint8_t *at, uint32_t value)
{
    for (unsigned i = 0; i < 4; i++)
        at[i] = (uint8_t)(value >> (24 - 8 * i));
}

static size_t length_of(const char *text)
{
    size_t n = 0;
    while (text[n])
        n++;
    return n;
}

/* n bytes, and zeros up to a multiple of four. */
static void append(rv_fdt *fdt, const void *bytes, size_t n_bytes)
{
    size_t padded = (n_bytes + 3) & ~(size_t)3;
    if (fdt->is_full || padded < n_bytes || padded > fdt->n_bytes - fdt->at) {
        fdt->is_full = true;
        return;
    }
    const uint8_t *from = (const uint8_t *)bytes;
    for (size_t i = 0; i < padded; i++)
        fdt->bytes[fdt->at + i] = i < n_bytes ? from[i] : 0;
    fdt->at += padded;
}

static void append_u32(rv_fdt *fdt, uint32_t value)
{
    uint8_t cell[4];
    put_be32(cell, value);
    append(fdt, cell, sizeof(cell));
}

/* The offset of a property's name among the strings, which hold each once. */
static uint32_t name_offset(rv_fdt *fdt, const char *name)
{
    size_t n = length_of(name) + 1;
    for (size_t at = 0; at < fdt->n_string_bytes;) {
        const char *known = fdt->strings + at;
        size_t i = 0;
        while (i < n && known[i] == name[i])
            i++;
        if (i == n) return (uint32_t)at;
        at += length_of(known) + 1;
    }
    if (n > RV_FDT_STRINGS - fdt->n_string_bytes) {
        fdt->is_full = true;
        return 0;
    }
    uint32_t offset = (uint32_t)fdt->n_string_bytes;
    for (size_t i = 0; i < n; i++)
        fdt->strings[fdt->n_string_bytes++] = name[i];
    return offset;
}

void rv_fdt_begin(rv_fdt *fdt, void *bytes, size_t n_bytes)
{
    *fdt = (rv_fdt){.bytes = (uint8_t *)bytes, .n_bytes = n_bytes, .at = STRUCT_AT};
    fdt->is_full = n_bytes < STRUCT_AT;
    for (size_t i = 0; i < STRUCT_AT && !fdt->is_full; i++)
        fdt->bytes[i] = 0;
}

void rv_fdt_node(rv_fdt *fdt, const char *name)
{
    append_u32(fdt, BEGIN_NODE);
    append(fdt, name, length_of(name) + 1);
}

void rv_fdt_end_node(rv_fdt *fdt)
{
    append_u32(fdt, END_NODE);
}

void rv_fdt_bytes(rv_fdt *fdt, const char *name, const void *value, size_t n_bytes)
{
    append_u32(fdt, PROPERTY);
    append_u32(fdt, (uint32_t)n_bytes);
    append_u32(fdt, name_offset(fdt, name));
    append(fdt, value, n_bytes);
}

void rv_fdt_empty(rv_fdt *fdt, const char *name)
{
    rv_fdt_bytes(fdt, name, "", 0);
}

void rv_fdt_text(rv_fdt *fdt, const char *name, const char *value)
{
    rv_fdt_bytes(fdt, name, value, length_of(value) + 1);
}

void rv_fdt_cells(rv_fdt *fdt, const char *name, const uint32_t *cells, size_t n_cells)
{
    append_u32(fdt, PROPERTY);
    append_u32(fdt, (uint32_t)(4 * n_cells));
    append_u32(fdt, name_offset(fdt, name));
    for (size_t i = 0; i < n_cells; i++)
        append_u32(fdt, cells[i]);
}

void rv_fdt_u32(rv_fdt *fdt, const char *name, uint32_t value)
{
    rv_fdt_cells(fdt, name, &value, 1);
}

void rv_fdt_u64(rv_fdt *fdt, const char *name, uint64_t value)
{
    const uint32_t cells[] = {(uint32_t)(value >> 32), (uint32_t)value};
    rv_fdt_cells(fdt, name, cells, 2);
}

void rv_fdt_reg(rv_fdt *fdt, const char *name, uint64_t address, uint64_t n_bytes)
{
    const uint32_t cells[] = {(uint32_t)(address >> 32), (uint32_t)address,
                              (uint32_t)(n_bytes >> 32), (uint32_t)n_bytes};
    rv_fdt_cells(fdt, name, cells, 4);
}

size_t rv_fdt_end(rv_fdt *fdt)
{
    append_u32(fdt, END);
    size_t struct_end = fdt->at;
    append(fdt, fdt->strings, fdt->n_string_bytes);
    if (fdt->is_full) return 0;
    const uint32_t header[HEADER_BYTES / 4] = {
        0xd00dfeed,                         /* magic */
        (uint32_t)fdt->at,                  /* size */
        STRUCT_AT,                          /* offset of the structure */
        (uint32_t)struct_end,               /* of the strings */
        HEADER_BYTES,                       /* of the memory reservations: none */
        17,                                 /* version */
        16,                                 /* compatible with */
        0,                                  /* the boot hart */
        (uint32_t)fdt->n_string_bytes,      /* size of the strings */
        (uint32_t)(struct_end - STRUCT_AT), /* of the structure */
    };
    for (unsigned i = 0; i < HEADER_BYTES / 4; i++)
        put_be32(fdt->bytes + 4 * i, header[i]);
    return fdt->at;
}
