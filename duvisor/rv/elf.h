/* elf.h - reads 64-bit RISC-V executables, from bytes that nobody vouches for.
 *
 * Used by the host and by programs that run on the machine: no memory, no library. */
#ifndef DV_RV_ELF_H
#define DV_RV_ELF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct rv_elf {
    const uint8_t *bytes; /* [n_bytes], the caller's */
    size_t n_bytes;
    uint64_t entry;
    uint64_t segments_at, sections_at; /* offsets of the tables */
    uint16_t n_segments, n_sections;
} rv_elf;

/* A part to load: n_file_bytes from `bytes`, then zeros up to n_bytes. */
typedef struct rv_elf_segment {
    uint64_t physical;
    const uint8_t *bytes;
    uint64_t n_file_bytes;
    uint64_t n_bytes;
    bool is_loaded; /* false: of another kind, to be left out */
} rv_elf_segment;

typedef struct rv_elf_symbol {
    uint64_t address;
    uint64_t n_bytes;
    const char *name; /* ends within the file */
    bool is_function;
} rv_elf_symbol;

/* NULL, or what is wrong with the file in a few words. */
const char *rv_elf_open(rv_elf *elf, const void *bytes, size_t n_bytes);
const char *rv_elf_segment_at(const rv_elf *elf, unsigned i, rv_elf_segment *segment);

/* Calls fn for each symbol of the symbol table that has a name; a table that is not
 * whole gives as many as are. */
void rv_elf_symbols(const rv_elf *elf,
                    void (*fn)(void *payload, const rv_elf_symbol *symbol),
                    void *payload);

#endif /* DV_RV_ELF_H */
