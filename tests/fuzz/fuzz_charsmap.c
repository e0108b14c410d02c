/* fuzz_charsmap.c - any bytes as a character map, and any text through it.
 *
 * The first byte is the length of the text, which follows it. */
#include "fuzz.h"

#include "tokenizer/charsmap.h"

#include <stdlib.h>
#include <string.h>

static volatile size_t sink;

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0 || data[0] > size - 1) return 0;
    size_t n = data[0], n_blob = size - 1 - n;
    grt_arena arena = {0};
    grt_charsmap map = {0};
    char *text = malloc(n + !n); /* exact size: sanitizers see any read past it */
    if (!text) abort();
    memcpy(text, data + 1, n);
    if (grt_charsmap_read(&map, &arena, data + 1 + n, n_blob, "fuzz", NULL) == GRT_OK)
        for (size_t at = 0; at < n; at++) {
            const char *becomes = NULL;
            size_t taken = grt_charsmap_match(&map, text + at, n - at, &becomes);
            if (taken > n - at || (taken && !becomes)) abort();
            if (taken) sink += strlen(becomes);
        }
    free(text);
    grt_arena_release(&arena);
    return 0;
}
