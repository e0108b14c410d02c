/* fingerprint.h - which checkpoint a profile, or a file of samples, was made for. */
#ifndef GRT_PROFILE_FINGERPRINT_H
#define GRT_PROFILE_FINGERPRINT_H

#include "formats/checkpoint.h"

enum { GRT_FINGERPRINT_WORDS = 4 };

typedef struct grt_fingerprint {
    float words[GRT_FINGERPRINT_WORDS]; /* names, types, shapes and places of all
                                           tensors, 16 bits each */
    uint64_t weights; /* the first bytes of all tensors, a page or two of each: tells
                         weights of one shape apart */
} grt_fingerprint;

/* GRT_E_IO when the weights cannot be read. */
GRT_NODISCARD grt_status grt_fingerprint_take(grt_fingerprint *out,
                                              const grt_checkpoint *checkpoint,
                                              grt_error *err);

/* A hash as numbers that an f32 holds, the lowest 16 bits first. */
void grt_fingerprint_words(uint64_t hash, float words[GRT_FINGERPRINT_WORDS]);

#endif /* GRT_PROFILE_FINGERPRINT_H */
