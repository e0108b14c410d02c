/* run.h - commands of `grating`, with the fake library of the tests, run in a fuzz
 * target's own process and folder; and what must hold of whatever they print. */
#ifndef GRT_FUZZ_COMMAND_RUN_H
#define GRT_FUZZ_COMMAND_RUN_H

#include "../folder.h"

enum { FUZZ_ARGUMENTS_MAX = 40 };

typedef struct fuzz_arguments {
    char *values[FUZZ_ARGUMENTS_MAX + 1]; /* [n], NULL at the end; owned */
    int n;
} fuzz_arguments;

typedef struct fuzz_run {
    int code;        /* of the exit */
    char *out, *err; /* what was printed, each with a NUL behind it; owned */
    size_t out_bytes, err_bytes;
} fuzz_run;

/* `fixed` (NULL at the end), then a line of `part` each.  0: this input would leave the
 * folder, or have the fake library send signals or wait. */
int fuzz_arguments_read(fuzz_arguments *out, const char *const *fixed,
                        const fuzz_part *part);
int fuzz_arguments_have(const fuzz_arguments *arguments, const char *value);
void fuzz_arguments_free(fuzz_arguments *arguments);

/* Runs `call` in the folder, with nothing on standard input; keeps what it prints. */
void fuzz_capture(fuzz_run *out, int (*call)(void *payload), void *payload);
/* The command that values[0] names; it must be one. */
void fuzz_command(fuzz_run *out, fuzz_arguments *arguments);
/* The command that `fixed` and the input's first part make, in a folder of its other
 * parts; both outputs are for the caller to free.  0: nothing was run. */
int fuzz_run_input(fuzz_run *out, fuzz_arguments *arguments, const char *const *fixed,
                   const uint8_t *data, size_t size);
void fuzz_run_free(fuzz_run *run);

/* No character that acts instead of being seen, and valid UTF-8.  Colours are the
 * command's own. */
void fuzz_check_harmless(const char *bytes, size_t n, int has_color);
/* The same of all that was printed; an exit code of the command's, with a line that
 * says why; and no temporary file left behind. */
void fuzz_check_run(const fuzz_run *run, int has_color);
/* One value of JSON, or one on each line. */
void fuzz_check_json(const char *bytes, size_t n);

#endif /* GRT_FUZZ_COMMAND_RUN_H */
