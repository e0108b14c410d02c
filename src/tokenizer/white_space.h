/* white_space.h - which characters are white space: Unicode's White_Space. */
#ifndef GRT_TOKENIZER_WHITE_SPACE_H
#define GRT_TOKENIZER_WHITE_SPACE_H

#include <stdbool.h>
#include <stdint.h>
#include <utf8proc.h>

static inline bool grt_is_white_space(uint32_t c)
{
    if (c < 128) return c == ' ' || (c >= '\t' && c <= '\r');
    if (c == 0x85) return true; /* NEXT LINE, a control character */
    utf8proc_category_t category = utf8proc_category((utf8proc_int32_t)c);
    return category >= UTF8PROC_CATEGORY_ZS && category <= UTF8PROC_CATEGORY_ZP;
}

#endif /* GRT_TOKENIZER_WHITE_SPACE_H */
