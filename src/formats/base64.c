/* base64.c - see base64.h. */
#include "formats/base64.h"

#include <stdint.h>

static int value_of(char c)
{
    if (c >= 'A' && c <= 'Z') return c - 'A';
    if (c >= 'a' && c <= 'z') return c - 'a' + 26;
    if (c >= '0' && c <= '9') return c - '0' + 52;
    return c == '+' ? 62 : c == '/' ? 63 : -1;
}

bool grt_base64_decode(unsigned char *out, size_t *n_out, const char *text, size_t n)
{
    *n_out = 0;
    if (n % 4 != 0) return false;
    size_t n_padding = n == 0 ? 0 : (text[n - 1] == '=') + (size_t)(text[n - 2] == '=');
    for (size_t at = 0; at < n; at += 4) {
        size_t n_here = at + 4 == n ? 4 - n_padding : 4;
        uint32_t group = 0;
        for (size_t i = 0; i < 4; i++) {
            int value = i < n_here ? value_of(text[at + i]) : 0;
            if (value < 0) return false;
            group = group << 6 | (uint32_t)value;
        }
        for (size_t i = 0; i + 1 < n_here; i++)
            out[(*n_out)++] = (unsigned char)(group >> (16 - 8 * i));
    }
    return true;
}
