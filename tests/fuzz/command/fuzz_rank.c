/* fuzz_rank.c - `grating rank` with any arguments and files: documents in every format,
 * queries, folders.  The input: an argument on each line, then the files (folder.h). */
#include "run.h"

#include <string.h>

static int is_number(const char *cell, size_t n)
{
    size_t i = 1;
    while (i < n && ((cell[i] >= '0' && cell[i] <= '9') || strchr(".eE+-", cell[i])))
        i++;
    return i == n && n > 1;
}

/* No cell is a formula, and rows have as many cells as the header. */
static void check_table(const char *text)
{
    size_t n_header = 0;
    for (const char *line = text; *line;) {
        size_t length = strcspn(line, "\n"), n_cells = 0;
        for (const char *cell = line; cell <= line + length; n_cells++) {
            size_t n = strcspn(cell, "\t\n");
            fuzz_need(!n || !strchr("=+@-", cell[0]) || is_number(cell, n),
                      "no cell is a formula");
            cell += n + 1;
        }
        if (line == text) n_header = n_cells;
        fuzz_need(n_cells == n_header, "rows have the header's cells");
        line += length + (line[length] != 0);
    }
}

static void check_file(const char *name, void *payload)
{
    static const char trace[] = "{\"format\":\"grating-trace\"";
    size_t n;
    (void)payload;
    char *bytes = fuzz_load(name, &n);
    if (n > sizeof(trace) && memcmp(bytes, trace, sizeof(trace) - 1) == 0)
        fuzz_check_json(bytes, n);
    free(bytes);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *const fixed[] = {"rank", "-m", "fake", "--no-progress", NULL};
    fuzz_arguments arguments;
    fuzz_run run;
    if (!fuzz_run_input(&run, &arguments, fixed, data, size)) return 0;
    int is_table = fuzz_arguments_have(&arguments, "--tsv");
    int is_json = fuzz_arguments_have(&arguments, "--json");
    fuzz_check_run(&run, !is_table && !is_json);
    if (run.code == 0 && is_json && !is_table) fuzz_check_json(run.out, run.out_bytes);
    if (run.code == 0 && is_table && !is_json) check_table(run.out);
    if (run.code == 0) fuzz_folder_walk(check_file, NULL);
    fuzz_run_free(&run);
    fuzz_arguments_free(&arguments);
    return 0;
}
