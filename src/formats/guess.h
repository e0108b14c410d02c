/* guess.h - what a file is, told by its first bytes; for messages and for the choice of
 * a reader. */
#ifndef GRT_FORMATS_GUESS_H
#define GRT_FORMATS_GUESS_H

#include <stddef.h>

enum { GRT_GUESS_BYTES = 16 };

typedef enum grt_guess {
    GRT_GUESS_GGUF,
    GRT_GUESS_SAFETENSORS,
    GRT_GUESS_OTHER
} grt_guess;

/* From the first n <= GRT_GUESS_BYTES bytes.  *found becomes a static phrase that ends
 * "this is ...", with a hint where one helps. */
grt_guess grt_guess_format(const unsigned char *start, size_t n, const char **found);

#endif /* GRT_FORMATS_GUESS_H */
