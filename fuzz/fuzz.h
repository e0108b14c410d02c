/* fuzz.h - what each fuzz_<name>.c defines. */
#ifndef GRT_FUZZ_FUZZ_H
#define GRT_FUZZ_FUZZ_H

#include <stddef.h>
#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#endif /* GRT_FUZZ_FUZZ_H */
