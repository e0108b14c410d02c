/*
 * list.c - `grating models`: what was found on this machine.
 *
 * Caches hold models of all kinds.  Those that cannot rank are counted; --all says of
 * each why.
 */
#include "frame/cli.h"
#include "frame/models.h"
#include "frame/text.h"
#include "wire/results.h"

#include <stdlib.h>
#include <string.h>

enum { KEY_JSON = CLI_KEY_LONG, KEY_NAMES, KEY_ALL };
enum { NAME_COLUMNS = 34, LICENCE_BYTES = 40 };

static const cli_option options_table[] = {
    {KEY_ALL, "all", NULL, "those that cannot rank too, and why"},
    {KEY_NAMES, "names", NULL, "print names only, without opening the models"},
    {KEY_JSON, "json", NULL, "print one JSON object"},
    CLI_HELP_OPTION,
    CLI_END_OPTION};

typedef struct listing {
    int is_json, is_names, is_all;
    size_t n, n_others;
    wire_buffer buffer;
    wire_json json;
} listing;

/* The value of "license:" at the start of the model's README.md, as model cards have
 * it; "" when there is none. */
static void read_licence(const char *path, char out[LICENCE_BYTES])
{
    static const char key[] = "license:";
    char name[4096], line[300];
    out[0] = 0;
    int length = snprintf(name, sizeof name, "%s/README.md", path);
    if (length < 0 || (size_t)length >= sizeof name) return;
    FILE *file = fopen(name, "re");
    size_t n_dashes = 0;
    while (file && n_dashes < 2 && !out[0] && fgets(line, sizeof line, file)) {
        int is_dashes = strncmp(line, "---", 3) == 0;
        if (!is_dashes && n_dashes == 0) break; /* no header */
        n_dashes += is_dashes != 0;
        if (strncmp(line, key, strlen(key)) != 0) continue;
        char *value = line + strlen(key);
        value += strspn(value, " \t\"'");
        value[strcspn(value, "\r\n\"'")] = 0;
        snprintf(out, LICENCE_BYTES, "%s", value);
    }
    if (file) fclose(file);
}

static void put_padded(const char *text, size_t columns)
{
    size_t used = cli_text_print(stdout, text, strlen(text), 0);
    do
        putchar(' ');
    while (++used < columns + 1);
}

static void tell_model(listing *self, cli_model_source source, const char *name,
                       const char *path, const grt_model_info *info)
{
    static const char *const sources[] = {"bundled", "hugging-face", "ollama"};
    char licence[LICENCE_BYTES];
    uint64_t bytes = info->embedding_bytes + info->layers_bytes + info->head_bytes +
                     info->other_bytes;
    read_licence(path, licence);
    if (self->is_json) {
        wire_json *json = &self->json;
        wire_begin(json, NULL, '{');
        wire_string(json, "name", name);
        wire_string(json, "source", sources[source]);
        wire_string(json, "path", path);
        wire_count(json, "size_bytes", bytes);
        wire_string(json, "licence", licence[0] ? licence : NULL);
        wire_put_model_members(json, info);
        wire_end(json, '}');
        return;
    }
    if (self->n == 0)
        printf("%-*s %10s  %-12s %s\n", NAME_COLUMNS, "name", "size", "architecture",
               "licence");
    put_padded(name, NAME_COLUMNS);
    printf("%10s  %-12s ", cli_bytes_text(bytes).text, info->architecture);
    cli_text_print(stdout, licence[0] ? licence : "-",
                   strlen(licence[0] ? licence : "-"), 0);
    putchar('\n');
}

static void tell_other(listing *self, const char *name, const grt_error *error)
{
    self->n_others++;
    if (!self->is_all || self->is_json) return;
    put_padded(name, NAME_COLUMNS);
    cli_text_print(stdout, error->text, strlen(error->text), 0);
    putchar('\n');
}

static int tell(cli_model_source source, const char *name, const char *path,
                void *payload)
{
    listing *self = payload;
    if (self->is_names) {
        cli_text_print(stdout, name, strlen(name), 0);
        putchar('\n');
        return 0;
    }
    grt_error error = {0};
    grt_model *model = NULL;
    grt_status status = grt_model_open(&model, NULL, path, NULL, &error);
    if (status) {
        tell_other(self, name, &error);
        return 0;
    }
    grt_model_info info = GRT_MODEL_INFO_INIT;
    grt_model_describe(model, &info);
    tell_model(self, source, name, path, &info);
    grt_model_close(model);
    self->n++;
    return 0;
}

static int print_end(listing *self)
{
    if (!self->is_json) {
        if (self->n_others && !self->is_all && !self->is_names)
            printf("%zu other%s cannot rank; --all says why\n", self->n_others,
                   self->n_others == 1 ? "" : "s");
        return CLI_SUCCESS;
    }
    wire_end(&self->json, ']');
    wire_count(&self->json, "n_others", self->n_others);
    wire_end(&self->json, '}');
    wire_put_string(&self->buffer, "\n");
    return cli_buffer_print(stdout, &self->buffer);
}

static int run(int argc, char **argv)
{
    listing self = {0};
    cli_parser parser;
    cli_parser_init(&parser, &cli_models_command, argc, argv);
    int key;
    while ((key = cli_parser_next(&parser)) != CLI_END) {
        if (key == CLI_BAD) return CLI_USAGE;
        if (key == 'h') return cli_print_help(&cli_models_command);
        self.is_json |= key == KEY_JSON;
        self.is_names |= key == KEY_NAMES;
        self.is_all |= key == KEY_ALL;
        if (key == CLI_OPERAND)
            return cli_usage(&cli_models_command, "unexpected argument \"%s\"",
                             parser.value);
    }
    if (self.is_json && self.is_names)
        return cli_usage(&cli_models_command, "--json and --names exclude each other");
    self.json.out = &self.buffer;
    if (self.is_json) {
        wire_begin(&self.json, NULL, '{');
        wire_begin(&self.json, "models", '[');
    }
    (void)cli_models_walk(tell, &self);
    int code = print_end(&self);
    wire_release(&self.buffer);
    return code ? code : cli_flush_output();
}

const cli_command cli_models_command = {
    .name = "models",
    .summary = "list the models that are on this machine",
    .usage = "models [OPTION]...",
    .details =
        "Lists rerankers by the names that --model takes: those that come along, "
        "those\n"
        "in the Hugging Face cache (owner/name), and those of Ollama (ollama:name).",
    .examples =
        "  grating models\n"
        "  grating rank -m BAAI/bge-reranker-v2-m3 \"how do owls hunt\" notes.txt",
    .options = options_table,
    .run = run};
