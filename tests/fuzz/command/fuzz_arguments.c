/* fuzz_arguments.c - what a command makes of its arguments, one on each line; the first
 * byte says which command.  `bench` starts processes: of it only the schedules. */
#include "run.h"

#include "bench/bench.h"
#include "frame/cli.h"

#include <string.h>

static const char *const names[] = {"rank", "models", "inspect",   "calibrate",
                                    "eval", "plot",   "completion"};
enum { N_NAMES = sizeof(names) / sizeof(names[0]) };

static int is_between(double low, double value, double high)
{
    return value >= low && value <= high;
}

/* Every value through every parser of values: what is taken is within bounds. */
static void parse_value(const char *text)
{
    static const char *const choices[] = {"none", "cluster", "bound", NULL};
    size_t number = 7, choice = 0;
    float real = 0;
    uint64_t bytes = 0, ns = 0;
    if (cli_parse_number("-k", text, 2, 99, &number) == CLI_SUCCESS)
        fuzz_need(number >= 2 && number <= 99, "a number is within its bounds");
    if (cli_parse_real("-p", text, 0.5, &real) == CLI_SUCCESS)
        fuzz_need(is_between(1e-45, (double)real, 0.5), "a real is within its bounds");
    if (cli_parse_size("-m", text, &bytes) == CLI_SUCCESS)
        fuzz_need(bytes >= 1 && bytes <= (uint64_t)1 << 50, "a size has bounds");
    if (cli_parse_duration("-d", text, &ns) == CLI_SUCCESS)
        fuzz_need(ns >= 1 && ns <= 1000000000000000, "a time has bounds");
    if (cli_parse_choice("-c", text, choices, &choice) == CLI_SUCCESS)
        fuzz_need(strcmp(choices[choice], text) == 0, "a choice is what was chosen");
}

/* Fitted to another request, no more is decided than there is. */
static void check_schedule(const char *text)
{
    static const size_t shapes[][3] = {{1, 1, 1}, {4, 3, 2}, {28, 100, 10}, {80, 2, 1}};
    bench_schedule from = {.n_layers = 28, .n_documents = 20, .k = 10};
    if (bench_schedule_parse(&from, text)) return;
    for (size_t i = 0; i < sizeof(shapes) / sizeof(shapes[0]); i++) {
        bench_schedule to = {
            .n_layers = shapes[i][0], .n_documents = shapes[i][1], .k = shapes[i][2]};
        size_t n_select = 0, n_drop = 0, layer = 0;
        bench_schedule_scale(&to, &from);
        for (size_t e = 0; e < to.n; e++) {
            fuzz_need(to.entries[e].layer > layer, "layers of a schedule rise");
            layer = to.entries[e].layer;
            n_select += to.entries[e].n_select;
            n_drop += to.entries[e].n_drop;
        }
        fuzz_need(n_select <= to.k && n_drop + to.k <= to.n_documents + to.k,
                  "a schedule decides what there is");
        fuzz_need(layer < to.n_layers || to.n == 0, "it ends before the last layer");
    }
}

static int parse_values(void *payload)
{
    const fuzz_arguments *arguments = payload;
    for (int i = 1; i < arguments->n; i++) {
        parse_value(arguments->values[i]);
        check_schedule(arguments->values[i]);
    }
    return CLI_SUCCESS;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    fuzz_arguments arguments;
    fuzz_run run;
    fuzz_part part = {.bytes = data + 1, .n = size - 1};
    if (size == 0) return 0;
    const char *const fixed[] = {names[data[0] % N_NAMES], NULL};
    if (!fuzz_arguments_read(&arguments, fixed, &part)) return 0;
    fuzz_folder_clear();
    fuzz_command(&run, &arguments);
    fuzz_check_run(&run, fuzz_arguments_have(&arguments, "always"));
    fuzz_run_free(&run);
    fuzz_capture(&run, parse_values, &arguments);
    fuzz_check_run(&run, 0);
    fuzz_run_free(&run);
    fuzz_arguments_free(&arguments);
    return 0;
}
