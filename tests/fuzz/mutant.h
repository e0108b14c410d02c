/* mutant.h - a small checkpoint of the tests, changed as bytes say: hyperparameters,
 * headers, weights, tokenizers; the whole of it lies in the folder of folder.h. */
#ifndef GRT_FUZZ_MUTANT_H
#define GRT_FUZZ_MUTANT_H

#include "folder.h"

/* Bytes that say what to do, taken one by one; 0 when none are left. */
typedef struct fuzz_bytes {
    const uint8_t *data;
    size_t n, at;
} fuzz_bytes;

uint8_t fuzz_take(fuzz_bytes *bytes);
/* From 0 to below `limit`, by two bytes or, where they do not suffice, three. */
size_t fuzz_take_below(fuzz_bytes *bytes, size_t limit);

/* Writes the checkpoint that the next byte picks, and changes it until a byte says that
 * it is done.  *path (borrowed until the next call) is what to open. */
void fuzz_mutant_make(fuzz_bytes *bytes, const char **path);

#endif /* GRT_FUZZ_MUTANT_H */
