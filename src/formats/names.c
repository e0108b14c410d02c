/* names.c - see names.h. */
#include "formats/names.h"

#include <stdint.h>

/* Bytes of the well-formed sequence at s[0..n), or 0.  Only the second byte has bounds
 * that depend on the first: no overlong forms, no surrogates, nothing above U+10FFFF.
 */
static size_t sequence_bytes(const unsigned char *s, size_t n)
{
    if (s[0] < 0x80) return 1;
    size_t want = s[0] >= 0xF0 ? 4 : s[0] >= 0xE0 ? 3 : 2;
    if (s[0] < 0xC2 || s[0] > 0xF4 || n < want) return 0;
    unsigned char low = s[0] == 0xE0 ? 0xA0 : s[0] == 0xF0 ? 0x90 : 0x80;
    unsigned char high = s[0] == 0xED ? 0x9F : s[0] == 0xF4 ? 0x8F : 0xBF;
    if (s[1] < low || s[1] > high) return 0;
    for (size_t i = 2; i < want; i++)
        if ((s[i] & 0xC0) != 0x80) return 0;
    return want;
}

const char *grt_name_fault(const char *name, size_t n, size_t max_bytes)
{
    if (n == 0) return "is empty";
    if (n > max_bytes) return "is too long";
    const unsigned char *s = (const unsigned char *)name;
    for (size_t i = 0; i < n;) {
        size_t step = sequence_bytes(s + i, n - i);
        if (step == 0) return "is not valid UTF-8";
        if (s[i] < 0x20 || s[i] == 0x7F) return "holds a control character";
        i += step;
    }
    return NULL;
}

void grt_text_one_line(char *text)
{
    for (char *c = text; *c; c++)
        if ((unsigned char)*c < 0x20 || *c == 0x7F) *c = '?';
}
