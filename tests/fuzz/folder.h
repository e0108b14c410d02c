/* folder.h - a folder of a fuzz target's own, and inputs that are several files.
 *
 * Such an input is text with a line "%%% NAME" before each file; what comes before the
 * first of these lines is a part without a name. */
#ifndef GRT_FUZZ_FOLDER_H
#define GRT_FUZZ_FOLDER_H

#include "fuzz.h"

typedef struct fuzz_part {
    char name[48]; /* letters, digits, ".", "-", "_" and one "/"; or "" */
    const uint8_t *bytes;
    size_t n;
} fuzz_part;

/* The part at `data` + *at; 0: the end. */
int fuzz_next_part(fuzz_part *out, const uint8_t *data, size_t size, size_t *at);

/* Its path, the same in every call; made by the first one, in TMPDIR or /tmp, and
 * removed at the end of the process. */
const char *fuzz_folder(void);

/* Whatever is in it goes. */
void fuzz_folder_clear(void);

/* Makes the folder of a name like "a/b", too. */
void fuzz_folder_write(const char *name, const uint8_t *bytes, size_t n);

/* Writes every part that has a name; returns how many. */
size_t fuzz_folder_unpack(const uint8_t *data, size_t size);

/* Calls `each` for every file in it, with a name like those of parts. */
void fuzz_folder_walk(void (*each)(const char *name, void *payload), void *payload);

/* A file's bytes, with a NUL behind them, for free(). */
char *fuzz_load(const char *path, size_t *n);

#endif /* GRT_FUZZ_FOLDER_H */
