/* base64.h - RFC 4648, section 4, to bytes. */
#ifndef GRT_FORMATS_BASE64_H
#define GRT_FORMATS_BASE64_H

#include <stdbool.h>
#include <stddef.h>

/* Room that the bytes of n characters need at most. */
#define GRT_BASE64_ROOM(n) ((n) / 4 * 3)

/* Decodes text[n] into out; false when it is not Base64 (padded to whole groups of
 * four, nothing else between). */
bool grt_base64_decode(unsigned char *out, size_t *n_out, const char *text, size_t n);

#endif /* GRT_FORMATS_BASE64_H */
