/* fuzz.h - what each fuzz_<name>.c defines, and how it says what must hold. */
#ifndef GRT_FUZZ_FUZZ_H
#define GRT_FUZZ_FUZZ_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Ends the process with what did not hold. */
static inline void fuzz_need(int is_true, const char *what)
{
    if (is_true) return;
    fprintf(stderr, "does not hold: %s\n", what);
    abort();
}

#endif /* GRT_FUZZ_FUZZ_H */
