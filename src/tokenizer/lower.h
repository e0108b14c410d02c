/* lower.h - the lower case of one character, whatever stands around it. */
#ifndef GRT_TOKENIZER_LOWER_H
#define GRT_TOKENIZER_LOWER_H

#include <stdint.h>
#include <utf8proc.h>

static inline uint32_t grt_lower(uint32_t c)
{
    if (c < 128) return c >= 'A' && c <= 'Z' ? c + 32 : c;
    return (uint32_t)utf8proc_tolower((utf8proc_int32_t)c);
}

#endif /* GRT_TOKENIZER_LOWER_H */
