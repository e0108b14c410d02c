/* inspect.c - `grating inspect`: what a checkpoint holds, and what memory it takes. */
#include "frame/cli.h"
#include "frame/host.h"
#include "frame/notes.h"
#include "frame/text.h"
#include "wire/results.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

enum { KEY_JSON = CLI_KEY_ENGINE_END, KEY_TENSORS, KEY_DOCUMENTS, KEY_TOKENS };
enum { STORAGE_TYPES_MAX = 64, DOCUMENTS_MAX = 1000000000, TOKENS_MAX = 1000000000 };
enum { DOCUMENTS_DEFAULT = 20, TOKENS_DEFAULT = 512 };

static const cli_option options_table[] = {
    {KEY_TENSORS, "tensors", NULL, "list the tensors too"},
    CLI_ENGINE_OPTIONS,
    CLI_CUTOFF_OPTION,
    {KEY_DOCUMENTS, "documents", "N", "plan for N documents (default 20)"},
    {KEY_TOKENS, "tokens", "T",
     "plan for pairs of T tokens each (default 512, or the\nmodel's limit)"},
    {KEY_JSON, "json", NULL, "print one JSON object"},
    CLI_HELP_OPTION,
    CLI_END_OPTION};

/* Tensors and bytes of one storage type. */
typedef struct storage {
    const char *dtype;
    size_t n_tensors;
    uint64_t n_bytes;
} storage;

typedef struct inspect_options {
    const char *path; /* NULL: the bundled model */
    cli_engine_options engine;
    int is_planned; /* any option of the plan was given */
    size_t n_documents;
    size_t n_tokens; /* 0: not given */
    int is_json;
    int lists_tensors;
} inspect_options;

/* The plan of a request. */
typedef struct planned {
    size_t n_documents;
    size_t n_tokens;
    int fits;
    cli_plan plan;
    grt_error error; /* why it does not fit */
} planned;

typedef struct inspection {
    const char *path;
    const grt_model *model;
    grt_model_info info;
    storage storage[STORAGE_TYPES_MAX];
    size_t n_storage;
} inspection;

static grt_tensor_view tensor_at(const inspection *model, size_t i)
{
    grt_tensor_view view = GRT_TENSOR_VIEW_INIT;
    if (grt_model_tensor(model->model, i, &view)) view.n_dims = 0;
    return view;
}

static void count_storage(inspection *model)
{
    for (size_t i = 0; i < model->info.n_tensors; i++) {
        grt_tensor_view view = tensor_at(model, i);
        size_t s = 0;
        if (!view.dtype) continue;
        while (s < model->n_storage && strcmp(model->storage[s].dtype, view.dtype) != 0)
            s++;
        if (s == STORAGE_TYPES_MAX) continue;
        if (s == model->n_storage) {
            model->storage[s].dtype = view.dtype;
            model->n_storage++;
        }
        model->storage[s].n_tensors++;
        model->storage[s].n_bytes += view.size_bytes;
    }
}

/* ---- Text ---- */

static void put_text(const char *name, const char *value)
{
    printf("%-17s ", name);
    cli_text_print(stdout, value ? value : "", value ? strlen(value) : 0, 0);
    putchar('\n');
}

static void put_count(const char *name, uint64_t value)
{
    printf("%-17s %s\n", name, cli_grouped(value).text);
}

static void put_bytes(const char *name, uint64_t bytes)
{
    printf("  %-15s %15s  %s\n", name, cli_grouped(bytes).text,
           cli_bytes_text(bytes).text);
}

static void put_plan(const planned *plan)
{
    printf("memory plan       %s document%s of %s tokens%s\n",
           cli_grouped(plan->n_documents).text, plan->n_documents == 1 ? "" : "s",
           cli_grouped(plan->n_tokens).text, plan->fits ? "" : ": does not fit");
    if (plan->fits)
        cli_plan_print(&plan->plan);
    else
        put_bytes("smallest budget", plan->plan.memory.smallest_bytes);
}

static void print_tensors(const inspection *model)
{
    printf("tensors\n");
    for (size_t i = 0; i < model->info.n_tensors; i++) {
        grt_tensor_view view = tensor_at(model, i);
        if (!view.name) continue;
        char shape[100];
        size_t used = 0;
        shape[0] = 0;
        for (size_t d = 0; d < view.n_dims && d < 4; d++)
            used += (size_t)snprintf(shape + used, sizeof shape - used, "%s%" PRIu64,
                                     d ? " x " : "", view.shape[d]);
        char part[32];
        if (view.layer < 0)
            (void)snprintf(part, sizeof part, "%s", view.part);
        else
            (void)snprintf(part, sizeof part, "%s %d", view.part, view.layer);
        printf("  %-6s %-16s %-10s ", view.dtype, shape, part);
        cli_text_print(stdout, view.name, strlen(view.name), 0);
        printf("  (");
        cli_text_print(stdout, view.file, strlen(view.file), 0);
        printf(" at %" PRIu64 ", %" PRIu64 " bytes)\n", view.offset_bytes,
               view.size_bytes);
    }
}

static void put_arithmetics(const inspection *model)
{
    char effect[CLI_EFFECT_BYTES];
    printf("%-17s %s, %s\n", "arithmetic",
           grt_arithmetic_text((grt_arithmetic)model->info.arithmetic),
           model->info.isa);
    for (int a = GRT_ARITHMETIC_F32; a <= GRT_ARITHMETIC_INT8; a++) {
        cli_effect_text(effect, model->model, (grt_arithmetic)a);
        printf("  %-15s %s\n", grt_arithmetic_text((grt_arithmetic)a), effect);
    }
}

static void print_text(const inspection *model, const planned *plan, int lists_tensors)
{
    const grt_model_info *info = &model->info;
    put_text("model", model->path);
    put_text("architecture", info->architecture);
    put_text("format", info->format);
    put_text("tokenizer", info->tokenizer);
    put_text("head", info->head);
    put_text("profile", info->profile ? info->profile : "none");
    put_arithmetics(model);
    put_count("layers", info->n_layers);
    put_count("hidden size", info->hidden_size);
    put_count("heads", info->n_heads);
    put_count("key/value heads", info->n_kv_heads);
    put_count("head size", info->head_size);
    put_count("feed-forward size", info->ffn_size);
    put_count("vocabulary", info->vocab_size);
    put_count("longest pair", info->max_tokens);
    put_count("parameters", info->n_parameters);
    put_count("tensors", info->n_tensors);
    printf("storage\n");
    for (size_t s = 0; s < model->n_storage; s++)
        printf("  %-15s %15s  %s in %zu tensor%s\n", model->storage[s].dtype,
               cli_grouped(model->storage[s].n_bytes).text,
               cli_bytes_text(model->storage[s].n_bytes).text,
               model->storage[s].n_tensors,
               model->storage[s].n_tensors == 1 ? "" : "s");
    printf("bytes\n");
    put_bytes("embedding", info->embedding_bytes);
    put_bytes("layers", info->layers_bytes);
    put_bytes("head", info->head_bytes);
    put_bytes("unused", info->other_bytes);
    if (plan) put_plan(plan);
    if (lists_tensors) print_tensors(model);
}

/* ---- JSON ---- */

static void json_storage(wire_json *json, const inspection *model)
{
    wire_begin(json, "storage", '[');
    for (size_t s = 0; s < model->n_storage; s++) {
        wire_begin(json, NULL, '{');
        wire_string(json, "dtype", model->storage[s].dtype);
        wire_count(json, "n_tensors", model->storage[s].n_tensors);
        wire_count(json, "bytes", model->storage[s].n_bytes);
        wire_end(json, '}');
    }
    wire_end(json, ']');
}

static void json_plan(wire_json *json, const planned *plan)
{
    wire_begin(json, "plan", '{');
    wire_bool(json, "fits", plan->fits);
    wire_count(json, "n_documents", plan->n_documents);
    wire_count(json, "n_tokens", plan->n_tokens);
    wire_count(json, "smallest_bytes", plan->plan.memory.smallest_bytes);
    if (plan->fits)
        wire_put_plan(json, "memory", &plan->plan.memory, &plan->plan.process_bytes);
    else
        wire_null(json, "memory");
    wire_end(json, '}');
}

static int print_json(const inspection *model, const planned *plan, int lists_tensors)
{
    wire_buffer buffer = {0};
    wire_json json = {.out = &buffer};
    wire_begin(&json, NULL, '{');
    wire_string(&json, "model", model->path);
    wire_put_model_members(&json, &model->info);
    wire_put_effects(&json, "arithmetics", model->model);
    json_storage(&json, model);
    wire_put_notes(&json, "notes", model->model, GRT_NOTE_DETAIL);
    if (plan) json_plan(&json, plan);
    if (lists_tensors) {
        wire_begin(&json, "tensors", '[');
        for (size_t i = 0; i < model->info.n_tensors; i++) {
            grt_tensor_view view = tensor_at(model, i);
            wire_put_tensor(&json, &view);
        }
        wire_end(&json, ']');
    }
    wire_end(&json, '}');
    wire_put_string(&buffer, "\n");
    int code = cli_buffer_print(stdout, &buffer);
    wire_release(&buffer);
    return code;
}

/* ---- The command ---- */

/* A plan that does not fit is no failure here. */
static int make_plan(cli_host *host, const inspection *model,
                     const inspect_options *options, planned *out)
{
    out->n_documents = options->n_documents;
    out->n_tokens = options->n_tokens;
    if (out->n_tokens == 0)
        out->n_tokens = model->info.max_tokens < TOKENS_DEFAULT
                            ? model->info.max_tokens
                            : (size_t)TOKENS_DEFAULT;
    grt_status status = cli_host_plan_memory(host, out->n_documents, out->n_tokens,
                                             &out->plan, &out->error);
    out->fits = status == GRT_OK;
    if (status == GRT_OK || status == GRT_E_NO_MEMORY) return CLI_SUCCESS;
    return cli_fail_status(NULL, status, &out->error);
}

static int inspect(const char *path, const inspect_options *options)
{
    grt_error error = {0};
    cli_host host;
    grt_status status = cli_host_open(&host, path, NULL, &options->engine, &error);
    if (status) {
        cli_host_close(&host);
        return cli_fail_status(NULL, status, &error);
    }
    inspection found = {.path = path, .model = host.model, .info = GRT_MODEL_INFO_INIT};
    planned plan = {.fits = 1};
    const planned *shown = options->is_planned ? &plan : NULL;
    grt_model_describe(host.model, &found.info);
    count_storage(&found);
    int code = shown ? make_plan(&host, &found, options, &plan) : CLI_SUCCESS;
    if (!code && options->is_json)
        code = print_json(&found, shown, options->lists_tensors);
    else if (!code)
        print_text(&found, shown, options->lists_tensors);
    if (!code) code = cli_flush_output();
    cli_report_notes(host.model, GRT_NOTE_DETAIL);
    cli_host_close(&host);
    if (!code && !plan.fits) code = cli_fail_status(path, GRT_E_NO_MEMORY, &plan.error);
    return code;
}

static int set_option(inspect_options *options, int key, const char *value)
{
    if (cli_is_engine_option(key)) {
        options->is_planned = 1;
        return cli_engine_option(&options->engine, &cli_inspect_command, key, value);
    }
    switch (key) {
    case KEY_DOCUMENTS:
        options->is_planned = 1;
        return cli_parse_number("--documents", value, 1, DOCUMENTS_MAX,
                                &options->n_documents);
    case KEY_TOKENS:
        options->is_planned = 1;
        return cli_parse_number("--tokens", value, 1, TOKENS_MAX, &options->n_tokens);
    case KEY_JSON: options->is_json = 1; return CLI_SUCCESS;
    case KEY_TENSORS: options->lists_tensors = 1; return CLI_SUCCESS;
    default: /* an operand */
        if (options->path)
            return cli_usage(&cli_inspect_command,
                             "one MODEL at a time: \"%s\" is a second one", value);
        options->path = value;
        return CLI_SUCCESS;
    }
}

static int run(int argc, char **argv)
{
    inspect_options options = {.n_documents = DOCUMENTS_DEFAULT};
    cli_parser parser;
    cli_parser_init(&parser, &cli_inspect_command, argc, argv);
    int key;
    while ((key = cli_parser_next(&parser)) != CLI_END) {
        if (key == CLI_BAD) return CLI_USAGE;
        if (key == 'h') return cli_print_help(&cli_inspect_command);
        int code = set_option(&options, key, parser.value);
        if (code) return code;
    }
    /* As `grating rank` plans one query. */
    if (options.engine.residency == GRT_RESIDENCY_AUTO)
        options.engine.residency = GRT_RESIDENCY_STREAMED;
    char *path = NULL;
    int code = cli_find_model(&path, options.path);
    if (!code) code = inspect(path, &options);
    free(path);
    return code;
}

const cli_command cli_inspect_command = {
    .name = "inspect",
    .summary = "show what a checkpoint holds and what memory it takes",
    .usage = "inspect [OPTION]... [MODEL]",
    .details =
        "Prints architecture, shapes, storage types and bytes by part of MODEL, a\n"
        "Hugging Face directory or a GGUF file (default: the bundled model).  With an\n"
        "option of the memory plan, prints how a request would fit; exit code 1 when "
        "it\n"
        "does not.",
    .options = options_table,
    .run = run};
