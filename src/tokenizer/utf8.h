/* utf8.h - decoding UTF-8 that may be invalid. */
#ifndef GRT_TOKENIZER_UTF8_H
#define GRT_TOKENIZER_UTF8_H

#include <stddef.h>
#include <stdint.h>

enum { GRT_REPLACEMENT = 0xFFFD };

/* Decodes one character at text[0], n >= 1 bytes left, and says how many bytes it
 * takes. An invalid sequence gives U+FFFD and the length of its maximal subpart
 * (Unicode 15, section 3.9): the bytes that could still begin a character, at least
 * one. */
static inline uint32_t grt_utf8_decode(const char *text, size_t n, size_t *length)
{
    const unsigned char *s = (const unsigned char *)text;
    uint32_t lead = s[0];
    *length = 1;
    if (lead < 0x80) return lead;
    size_t want = lead >= 0xC2 && lead <= 0xDF   ? 2
                  : lead >= 0xE0 && lead <= 0xEF ? 3
                  : lead >= 0xF0 && lead <= 0xF4 ? 4
                                                 : 0;
    if (want == 0) return GRT_REPLACEMENT;
    /* the second byte's range keeps out overlong forms, surrogates and what is too
     * large */
    unsigned low = lead == 0xE0 ? 0xA0 : lead == 0xF0 ? 0x90 : 0x80;
    unsigned high = lead == 0xED ? 0x9F : lead == 0xF4 ? 0x8F : 0xBF;
    uint32_t value = lead & (0x7Fu >> want);
    for (size_t i = 1; i < want; i++) {
        if (i >= n || s[i] < low || s[i] > high) return GRT_REPLACEMENT;
        value = value << 6 | (s[i] & 0x3Fu);
        low = 0x80;
        high = 0xBF;
        *length = i + 1;
    }
    return value;
}

/* Writes a character (at most U+10FFFF) into out[4]; returns its bytes. */
static inline size_t grt_utf8_encode(char *out, uint32_t c)
{
    if (c < 0x80) {
        out[0] = (char)c;
        return 1;
    }
    if (c < 0x800) {
        out[0] = (char)(0xC0 | c >> 6);
        out[1] = (char)(0x80 | (c & 0x3F));
        return 2;
    }
    if (c < 0x10000) {
        out[0] = (char)(0xE0 | c >> 12);
        out[1] = (char)(0x80 | (c >> 6 & 0x3F));
        out[2] = (char)(0x80 | (c & 0x3F));
        return 3;
    }
    out[0] = (char)(0xF0 | c >> 18);
    out[1] = (char)(0x80 | (c >> 12 & 0x3F));
    out[2] = (char)(0x80 | (c >> 6 & 0x3F));
    out[3] = (char)(0x80 | (c & 0x3F));
    return 4;
}

#endif /* GRT_TOKENIZER_UTF8_H */
