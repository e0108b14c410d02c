/* fuzz_plot.c - `grating plot` on a trace.  The input: an argument on each line, then
 * "%%% trace.json" and the trace. */
#include "run.h"

#include <string.h>

/* Elements open and close in pairs, and nothing but the command's own is one. */
static void check_picture(const char *text)
{
    size_t depth = 0;
    fuzz_need(strstr(text, "<script") == NULL && strstr(text, "nan") == NULL,
              "the picture has neither scripts nor numbers that are none");
    for (const char *at = text; (at = strchr(at, '<'));) {
        const char *end = at + strcspn(at + 1, "<>") + 1;
        fuzz_need(*end == '>', "an element ends before the next one");
        if (at[1] == '/') {
            fuzz_need(depth > 0, "what is closed was opened");
            depth--;
        } else if (at[1] != '?' && at[1] != '!' && end[-1] != '/') {
            depth++;
        }
        at = end;
    }
    fuzz_need(depth == 0, "what was opened is closed");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *const fixed[] = {"plot", "trace.json", NULL};
    fuzz_arguments arguments;
    fuzz_run run;
    if (!fuzz_run_input(&run, &arguments, fixed, data, size)) return 0;
    fuzz_check_run(&run, 0);
    if (run.code == 0 && strncmp(run.out, "<svg", 4) == 0) check_picture(run.out);
    fuzz_run_free(&run);
    fuzz_arguments_free(&arguments);
    return 0;
}
