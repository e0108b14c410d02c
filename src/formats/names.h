/* names.h - names from files that will stand in messages and be compared as C strings.
 */
#ifndef GRT_FORMATS_NAMES_H
#define GRT_FORMATS_NAMES_H

#include <stdbool.h>
#include <stddef.h>

/* NULL when name[n] is 1..max_bytes bytes of valid UTF-8 (RFC 3629, section 4) without
 * control characters; else what is wrong, to be put after the name's place in a
 * message: "is empty", "is too long", "is not valid UTF-8", "holds a control
 * character". */
const char *grt_name_fault(const char *name, size_t n, size_t max_bytes);

/* Replaces control characters by '?', so that the text stays one line. */
void grt_text_one_line(char *text);

#endif /* GRT_FORMATS_NAMES_H */
