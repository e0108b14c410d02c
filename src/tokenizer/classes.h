/* classes.h - characters that tokenizers tell apart, by Unicode's categories. */
#ifndef GRT_TOKENIZER_CLASSES_H
#define GRT_TOKENIZER_CLASSES_H

#include "tokenizer/utf8.h"

#include <stdbool.h>
#include <utf8proc.h>

static inline bool grt_is_between(utf8proc_category_t c, utf8proc_category_t first,
                                  utf8proc_category_t last)
{
    return c >= first && c <= last;
}

/* All of ASCII's marks, and Unicode's P. */
static inline bool grt_is_punctuation(uint32_t c)
{
    if (c < 128)
        return (c >= 33 && c <= 47) || (c >= 58 && c <= 64) || (c >= 91 && c <= 96) ||
               (c >= 123 && c <= 126);
    return grt_is_between(utf8proc_category((utf8proc_int32_t)c), UTF8PROC_CATEGORY_PC,
                          UTF8PROC_CATEGORY_PO);
}

/* Nd, Nl, No. */
static inline bool grt_is_number(uint32_t c)
{
    return grt_is_between(utf8proc_category((utf8proc_int32_t)c), UTF8PROC_CATEGORY_ND,
                          UTF8PROC_CATEGORY_NO);
}

static inline bool grt_is_mark(uint32_t c)
{
    return grt_is_between(utf8proc_category((utf8proc_int32_t)c), UTF8PROC_CATEGORY_MN,
                          UTF8PROC_CATEGORY_ME);
}

static inline bool grt_is_nonspacing(uint32_t c)
{
    return utf8proc_category((utf8proc_int32_t)c) == UTF8PROC_CATEGORY_MN;
}

/* What \w matches in Unicode's regular expressions (UTS 18, annex C), but for the few
 * symbols that count as letters. */
static inline bool grt_is_word_character(uint32_t c)
{
    utf8proc_category_t category = utf8proc_category((utf8proc_int32_t)c);
    return grt_is_between(category, UTF8PROC_CATEGORY_LU, UTF8PROC_CATEGORY_NL) ||
           category == UTF8PROC_CATEGORY_PC || c == 0x200C || c == 0x200D;
}

/* Dropped by BERT's clean_text: controls, formats, private characters, and U+FFFD.
 * Unassigned ones stay, as in Hugging Face's library (its Python code drops them). */
static inline bool grt_is_unclean(uint32_t c)
{
    if (c == '\t' || c == '\n' || c == '\r') return false;
    if (c < 128) return c < 32 || c == 127;
    utf8proc_category_t category = utf8proc_category((utf8proc_int32_t)c);
    return c == GRT_REPLACEMENT || category >= UTF8PROC_CATEGORY_CC;
}

static inline bool grt_is_ideograph(uint32_t c)
{
    return (c >= 0x4E00 && c <= 0x9FFF) || (c >= 0x3400 && c <= 0x4DBF) ||
           (c >= 0x20000 && c <= 0x2A6DF) || (c >= 0x2A700 && c <= 0x2B73F) ||
           (c >= 0x2B740 && c <= 0x2B81F) || (c >= 0x2B820 && c <= 0x2CEAF) ||
           (c >= 0xF900 && c <= 0xFAFF) || (c >= 0x2F800 && c <= 0x2FA1F);
}

#endif /* GRT_TOKENIZER_CLASSES_H */
