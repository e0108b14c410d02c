/* fdt.h - writes flattened device trees (devicetree specification 0.4, chapter 5) into
 * memory of the caller.  No library is needed. */
#ifndef DV_RV_FDT_H
#define DV_RV_FDT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { RV_FDT_STRINGS = 1024 };

typedef struct rv_fdt {
    uint8_t *bytes; /* [n_bytes], the caller's */
    size_t n_bytes;
    size_t at;    /* of the next token */
    bool is_full; /* something did not fit */
    char strings[RV_FDT_STRINGS];
    size_t n_string_bytes;
} rv_fdt;

void rv_fdt_begin(rv_fdt *fdt, void *bytes, size_t n_bytes);
void rv_fdt_node(rv_fdt *fdt, const char *name); /* "" is the root */
void rv_fdt_end_node(rv_fdt *fdt);

void rv_fdt_empty(rv_fdt *fdt, const char *name);
void rv_fdt_text(rv_fdt *fdt, const char *name, const char *value);
void rv_fdt_u32(rv_fdt *fdt, const char *name, uint32_t value);
void rv_fdt_u64(rv_fdt *fdt, const char *name, uint64_t value);
void rv_fdt_cells(rv_fdt *fdt, const char *name, const uint32_t *cells, size_t n_cells);
/* An address and a size, of two cells each. */
void rv_fdt_reg(rv_fdt *fdt, const char *name, uint64_t address, uint64_t n_bytes);
void rv_fdt_bytes(rv_fdt *fdt, const char *name, const void *value, size_t n_bytes);

/* Writes the header; the size of the whole, or 0 when it did not fit. */
size_t rv_fdt_end(rv_fdt *fdt);

#endif /* DV_RV_FDT_H */
