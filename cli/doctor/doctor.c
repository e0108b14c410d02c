/*
 * doctor.c - `grating doctor`: what this machine runs, and whether it works.
 *
 * First everything is found out, then it is printed: as text or as JSON.
 */
#include "frame/cli.h"
#include "frame/notes.h"
#include "frame/text.h"
#include "wire/json.h"

#include <math.h>
#include <sched.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { KEY_JSON = CLI_KEY_LONG };
enum { PROBLEMS_MAX = 8 };

static const cli_option options_table[] = {
    {KEY_JSON, "json", NULL, "print one JSON object"},
    CLI_HELP_OPTION,
    CLI_END_OPTION};

typedef struct examination {
    const char *isa_cap; /* value of GRT_ISA, or NULL */
    size_t n_cpus;       /* that this process may use */
    char *model_path;    /* of the bundled model; owned; NULL: not found */
    int model_opens;
    int self_test_passes;
    double self_test_ms;
    char int8[CLI_EFFECT_BYTES]; /* what it does to the bundled model */
    char problems[PROBLEMS_MAX][300];
    size_t n_problems;
} examination;

static void __attribute__((format(printf, 2, 3)))
add_problem(examination *found, const char *format, ...)
{
    if (found->n_problems == PROBLEMS_MAX) return;
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(found->problems[found->n_problems++], sizeof found->problems[0], format,
              arguments);
    va_end(arguments);
}

static size_t usable_cpus(void)
{
    cpu_set_t set;
    long n = sysconf(_SC_NPROCESSORS_ONLN);
    if (sched_getaffinity(0, sizeof set, &set) == 0) return (size_t)CPU_COUNT(&set);
    return n > 0 ? (size_t)n : 1;
}

/* Every operation must have a variant that runs.  Variants of one operation stand next
 * to each other. */
static void check_kernels(examination *found)
{
    grt_kernel_info kernel = GRT_KERNEL_INFO_INIT, before = GRT_KERNEL_INFO_INIT;
    int has_chosen = 1;
    for (size_t i = 0; grt_kernel_describe(i, &kernel) == GRT_OK; i++) {
        if (!before.operation || strcmp(kernel.operation, before.operation) != 0) {
            if (!has_chosen)
                add_problem(found, "%s: no variant runs", before.operation);
            has_chosen = 0;
        }
        has_chosen |= kernel.is_chosen;
        before = kernel;
    }
    if (!has_chosen) add_problem(found, "%s: no variant runs", before.operation);
    if (!before.operation) add_problem(found, "this build has no kernels");
}

/* Ranks two texts of which the second answers the query. */
static void run_self_test(examination *found, grt_model *model)
{
    static const char *const documents[] = {
        "The stock exchange closes at half past five on working days.",
        "Owls hunt at night: they hear a mouse under the snow and fly without a "
        "sound."};
    grt_error error = {0};
    grt_result *result = NULL;
    grt_request request = GRT_REQUEST_INIT;
    request.query = "how do owls hunt";
    request.documents = documents;
    request.n_documents = 2;
    grt_status status = grt_rank(&result, model, &request, &error);
    if (status) {
        add_problem(found, "self test: %s",
                    error.text[0] ? error.text : grt_status_text(status));
    } else {
        const float *logits = grt_result_logits(result);
        grt_stats stats = GRT_STATS_INIT;
        grt_result_stats(result, &stats);
        found->self_test_ms = (double)stats.total_ns / 1e6;
        found->self_test_passes = grt_result_count(result) == 2 &&
                                  grt_result_indices(result)[0] == 1 &&
                                  isfinite(logits[0]) && isfinite(logits[1]);
        if (!found->self_test_passes)
            add_problem(found, "self test: the wrong document came first");
    }
    grt_result_free(result);
}

static void examine(examination *found)
{
    found->isa_cap = getenv("GRT_ISA");
    found->n_cpus = usable_cpus();
    check_kernels(found);
    grt_error error = {0};
    grt_model_place place = GRT_MODEL_PLACE_INIT;
    if (grt_model_find(&place, NULL, &error)) {
        add_problem(found, "%s", error.text);
        return;
    }
    found->model_path = strdup(place.path);
    if (!found->model_path) {
        add_problem(found, "out of memory");
        return;
    }
    grt_model *model = NULL;
    grt_status status = grt_model_open(&model, NULL, found->model_path, NULL, &error);
    if (status) {
        add_problem(found, "bundled model: %s",
                    error.text[0] ? error.text : grt_status_text(status));
        return;
    }
    found->model_opens = 1;
    cli_effect_text(found->int8, model, GRT_ARITHMETIC_INT8);
    run_self_test(found, model);
    grt_model_close(model);
}

/* ---- Text ---- */

static void put_line(const char *name, const char *value)
{
    printf("%-14s ", name);
    cli_text_print(stdout, value, strlen(value), 0);
    putchar('\n');
}

static void print_kernels(void)
{
    grt_kernel_info kernel = GRT_KERNEL_INFO_INIT;
    const char *operation = "";
    printf("kernels\n");
    for (size_t i = 0; grt_kernel_describe(i, &kernel) == GRT_OK; i++) {
        int is_first = strcmp(operation, kernel.operation) != 0;
        operation = kernel.operation;
        printf("  %-20s %-8s %s%s\n", is_first ? operation : "", kernel.isa,
               kernel.is_chosen ? "chosen" : "passed over: ",
               kernel.is_chosen || !kernel.reason ? "" : kernel.reason);
    }
}

static void print_text(const examination *found)
{
    put_line("result", found->n_problems ? "problem" : "ok: this machine can rank");
    for (size_t i = 0; i < found->n_problems; i++)
        put_line("problem", found->problems[i]);
    put_line("version", grt_version());
    put_line("CPU features", grt_cpu_features_text());
    put_line("GRT_ISA", found->isa_cap ? found->isa_cap : "not set (no cap)");
    printf("%-14s %zu\n", "usable CPUs", found->n_cpus);
    print_kernels();
    put_line("bundled model", found->model_path ? found->model_path : "not found");
    if (found->model_opens) put_line("int8", found->int8);
    if (found->self_test_passes)
        printf("%-14s ok, 2 documents in %.1f ms\n", "self test", found->self_test_ms);
    else
        put_line("self test", found->model_opens ? "failed" : "not run");
}

/* ---- JSON ---- */

static void json_kernels(wire_json *json)
{
    grt_kernel_info kernel = GRT_KERNEL_INFO_INIT;
    wire_begin(json, "kernels", '[');
    for (size_t i = 0; grt_kernel_describe(i, &kernel) == GRT_OK; i++) {
        wire_begin(json, NULL, '{');
        wire_string(json, "operation", kernel.operation);
        wire_string(json, "isa", kernel.isa);
        wire_bool(json, "chosen", kernel.is_chosen);
        wire_string(json, "reason", kernel.is_chosen ? NULL : kernel.reason);
        wire_end(json, '}');
    }
    wire_end(json, ']');
}

static int print_json(const examination *found)
{
    wire_buffer buffer = {0};
    wire_json json = {.out = &buffer};
    wire_begin(&json, NULL, '{');
    wire_string(&json, "version", grt_version());
    wire_string(&json, "cpu_features", grt_cpu_features_text());
    wire_string(&json, "isa_cap", found->isa_cap);
    wire_count(&json, "usable_cpus", found->n_cpus);
    json_kernels(&json);
    wire_string(&json, "bundled_model", found->model_path);
    wire_bool(&json, "model_opens", found->model_opens);
    wire_string(&json, "int8", found->model_opens ? found->int8 : NULL);
    wire_begin(&json, "self_test", '{');
    wire_bool(&json, "ok", found->self_test_passes);
    wire_double(&json, "total_ms", found->self_test_ms);
    wire_end(&json, '}');
    wire_begin(&json, "problems", '[');
    for (size_t i = 0; i < found->n_problems; i++)
        wire_string(&json, NULL, found->problems[i]);
    wire_end(&json, ']');
    wire_bool(&json, "ok", found->n_problems == 0);
    wire_end(&json, '}');
    wire_put_string(&buffer, "\n");
    int code = cli_buffer_print(stdout, &buffer);
    wire_release(&buffer);
    return code;
}

static int run(int argc, char **argv)
{
    int is_json = 0, key;
    cli_parser parser;
    cli_parser_init(&parser, &cli_doctor_command, argc, argv);
    while ((key = cli_parser_next(&parser)) != CLI_END) {
        if (key == CLI_BAD) return CLI_USAGE;
        if (key == 'h') return cli_print_help(&cli_doctor_command);
        if (key == KEY_JSON) is_json = 1;
        if (key == CLI_OPERAND)
            return cli_usage(&cli_doctor_command, "unexpected argument \"%s\"",
                             parser.value);
    }
    examination found = {0};
    examine(&found);
    int code = CLI_SUCCESS;
    if (is_json)
        code = print_json(&found);
    else
        print_text(&found);
    free(found.model_path);
    if (!code) code = cli_flush_output();
    return found.n_problems ? CLI_FAILURE : code;
}

const cli_command cli_doctor_command = {
    .name = "doctor",
    .summary = "check this machine and this installation",
    .usage = "doctor [OPTION]...",
    .details =
        "Shows the CPU features found, which variant of each operation is used and\n"
        "why the others are not, and ranks two texts with the bundled model.  Exit\n"
        "code 1 when there is a problem.",
    .options = options_table,
    .run = run};
