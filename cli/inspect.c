/* inspect.c - `grating inspect`: what a checkpoint holds. */
#include "cli.h"
#include "text.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

enum { KEY_JSON = CLI_KEY_LONG, KEY_TENSORS };
enum { STORAGE_TYPES_MAX = 64 };

static const cli_option options_table[] = {
    {KEY_TENSORS, "tensors", NULL, "list the tensors too"},
    {KEY_JSON, "json", NULL, "print one JSON object"},
    CLI_HELP_OPTION,
    CLI_END_OPTION};

/* Tensors and bytes of one storage type. */
typedef struct storage {
    const char *dtype;
    size_t n_tensors;
    uint64_t n_bytes;
} storage;

typedef struct inspection {
    const char *path;
    const grt_model *model;
    grt_model_info info;
    storage storage[STORAGE_TYPES_MAX];
    size_t n_storage;
} inspection;

static grt_tensor_view tensor_at(const inspection *model, size_t i)
{
    grt_tensor_view view = {0};
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

static void print_text(const inspection *model, int lists_tensors)
{
    const grt_model_info *info = &model->info;
    put_text("model", model->path);
    put_text("architecture", info->architecture);
    put_text("format", info->format);
    put_text("tokenizer", info->tokenizer);
    put_text("head", info->head);
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
    if (lists_tensors) print_tensors(model);
}

/* ---- JSON ---- */

static void json_text(const char *name, const char *value)
{
    printf("\"%s\": ", name);
    cli_text_json(stdout, value ? value : "", value ? strlen(value) : 0);
    fputs(", ", stdout);
}

static void json_count(const char *name, uint64_t value, const char *after)
{
    printf("\"%s\": %" PRIu64 "%s", name, value, after);
}

static void json_tensors(const inspection *model)
{
    printf(", \"tensors\": [");
    for (size_t i = 0; i < model->info.n_tensors; i++) {
        grt_tensor_view view = tensor_at(model, i);
        printf("%s{", i ? ", " : "");
        json_text("name", view.name);
        json_text("dtype", view.dtype);
        json_text("part", view.part);
        if (view.layer >= 0) json_count("layer", (uint64_t)view.layer, ", ");
        printf("\"shape\": [");
        for (size_t d = 0; d < view.n_dims && d < 4; d++)
            printf("%s%" PRIu64, d ? ", " : "", view.shape[d]);
        printf("], ");
        json_text("file", view.file);
        json_count("offset_bytes", view.offset_bytes, ", ");
        json_count("size_bytes", view.size_bytes, "}");
    }
    printf("]");
}

static void print_json(const inspection *model, int lists_tensors)
{
    const grt_model_info *info = &model->info;
    printf("{");
    json_text("model", model->path);
    json_text("architecture", info->architecture);
    json_text("format", info->format);
    json_text("tokenizer", info->tokenizer);
    json_text("head", info->head);
    json_count("n_layers", info->n_layers, ", ");
    json_count("hidden_size", info->hidden_size, ", ");
    json_count("n_heads", info->n_heads, ", ");
    json_count("n_kv_heads", info->n_kv_heads, ", ");
    json_count("head_size", info->head_size, ", ");
    json_count("ffn_size", info->ffn_size, ", ");
    json_count("vocab_size", info->vocab_size, ", ");
    json_count("max_tokens", info->max_tokens, ", ");
    json_count("n_parameters", info->n_parameters, ", ");
    json_count("n_tensors", info->n_tensors, ", ");
    printf("\"storage\": [");
    for (size_t s = 0; s < model->n_storage; s++) {
        printf("%s{", s ? ", " : "");
        json_text("dtype", model->storage[s].dtype);
        json_count("n_tensors", model->storage[s].n_tensors, ", ");
        json_count("bytes", model->storage[s].n_bytes, "}");
    }
    printf("], \"bytes\": {");
    json_count("embedding", info->embedding_bytes, ", ");
    json_count("layers", info->layers_bytes, ", ");
    json_count("head", info->head_bytes, ", ");
    json_count("unused", info->other_bytes, "}");
    if (lists_tensors) json_tensors(model);
    printf("}\n");
}

static int inspect(const char *path, int is_json, int lists_tensors)
{
    grt_error error = {0};
    grt_model *model = NULL;
    grt_status status = grt_model_open(&model, path, NULL, &error);
    if (status) return cli_fail_status(NULL, status, &error);
    inspection found = {.path = path, .model = model};
    grt_model_describe(model, &found.info);
    count_storage(&found);
    if (is_json)
        print_json(&found, lists_tensors);
    else
        print_text(&found, lists_tensors);
    grt_model_close(model);
    return cli_flush_output();
}

static int run(int argc, char **argv)
{
    const char *path = NULL;
    int is_json = 0, lists_tensors = 0, key;
    cli_parser parser;
    cli_parser_init(&parser, &cli_inspect_command, argc, argv);
    while ((key = cli_parser_next(&parser)) != CLI_END) {
        if (key == CLI_BAD) return CLI_USAGE;
        if (key == 'h') return cli_print_help(&cli_inspect_command);
        if (key == KEY_JSON) is_json = 1;
        if (key == KEY_TENSORS) lists_tensors = 1;
        if (key == CLI_OPERAND && path)
            return cli_usage(&cli_inspect_command,
                             "one MODEL at a time: \"%s\" is a second one",
                             parser.value);
        if (key == CLI_OPERAND) path = parser.value;
    }
    if (path) return inspect(path, is_json, lists_tensors);
    char *bundled = NULL;
    int code = cli_bundled_model(&bundled, 0);
    if (!code) code = inspect(bundled, is_json, lists_tensors);
    free(bundled);
    return code;
}

const cli_command cli_inspect_command = {
    .name = "inspect",
    .summary = "show what a checkpoint holds",
    .usage = "inspect [OPTION]... [MODEL]",
    .details =
        "Prints architecture, shapes, storage types and bytes by part of MODEL, a\n"
        "Hugging Face directory or a GGUF file (default: the bundled model).",
    .options = options_table,
    .run = run};
