/* lower.h - the lower case of one character, whatever stands around it. */
#ifndef GRT_TOKENIZER_LOWER_H
#define GRT_TOKENIZER_LOWER_H

#include "tokenizer/utf8.h"

#include <utf8proc.h>

static inline uint32_t grt_lower(uint32_t c)
{
    if (c < 128) return c >= 'A' && c <= 'Z' ? c + 32 : c;
    return (uint32_t)utf8proc_tolower((utf8proc_int32_t)c);
}

/* U+0130 is the one character whose lower case, as Unicode's SpecialCasing.txt has it
 * for all languages, is two: i and a dot above. */
enum { GRT_CAPITAL_I_WITH_DOT = 0x130, GRT_DOT_ABOVE = 0x307, GRT_LOWER_BYTES = 8 };

/* Writes it into out[GRT_LOWER_BYTES]; returns its bytes. */
static inline size_t grt_lower_encode(char *out, uint32_t c)
{
    if (c != GRT_CAPITAL_I_WITH_DOT) return grt_utf8_encode(out, grt_lower(c));
    out[0] = 'i';
    return 1 + grt_utf8_encode(out + 1, GRT_DOT_ABOVE);
}

#endif /* GRT_TOKENIZER_LOWER_H */
