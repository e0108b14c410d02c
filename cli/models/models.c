/*
 * models.c - `grating models`: what was found on this machine.
 *
 * Caches hold models of all kinds.  Those that cannot rank are counted; --all says of
 * each why.
 */
#include "frame/cli.h"
#include "frame/host.h"
#include "frame/json.h"
#include "frame/process.h"
#include "frame/text.h"
#include "wire/results.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { KEY_JSON = CLI_KEY_LONG, KEY_NAMES, KEY_ALL };
enum { NAME_COLUMNS = 34, LICENCE_BYTES = 40 };
/* The ranking that the least memory is about, as in `grating inspect`. */
enum { DOCUMENTS = 20, TOKENS = 512 };

static const cli_option options_table[] = {
    {KEY_ALL, "all", NULL, "those that cannot rank too, and why"},
    {KEY_NAMES, "names", NULL, "print names only, without opening the models"},
    {KEY_JSON, "json", NULL, "print one JSON object"},
    CLI_HELP_OPTION,
    CLI_END_OPTION};

typedef struct listing {
    int is_json, is_names, is_all;
    size_t n, n_others;
    int code; /* CLI_FAILURE: of some it could not be found out what they are */
    wire_buffer buffer;
    wire_json json;
} listing;

/* The value of "license:" at the start of the model's README.md, as model cards have
 * it; "" when there is none.  Not 0 after an error line. */
static int read_licence(const char *path, char out[LICENCE_BYTES])
{
    static const char key[] = "license:";
    char name[4096], line[300];
    out[0] = 0;
    int length = snprintf(name, sizeof name, "%s/README.md", path);
    if (length < 0 || (size_t)length >= sizeof name) return CLI_SUCCESS;
    errno = 0;
    FILE *file = fopen(name, "re");
    int code = CLI_SUCCESS;
    if (!file && errno != ENOENT && errno != ENOTDIR)
        code = cli_fail("cannot open %s: %s", name, strerror(errno));
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
    if (file && ferror(file))
        code = cli_fail("cannot read %s: %s", name, strerror(errno));
    if (file) fclose(file);
    return code;
}

static void put_padded(const char *text, size_t columns)
{
    size_t used = cli_text_print(stdout, text, strlen(text), 0);
    do
        putchar(' ');
    while (++used < columns + 1);
}

/* What --memory has to be at least for a small ranking; 0: not known. */
static uint64_t least_memory(cli_host *host, const grt_model_info *info)
{
    cli_plan plan = {.process_bytes = 0};
    grt_error error = {0};
    size_t n_tokens = info->max_tokens < TOKENS ? info->max_tokens : (size_t)TOKENS;
    host->options.memory_bytes = 1; /* refused, with what would do */
    (void)cli_host_plan_memory(host, DOCUMENTS, n_tokens, &plan, &error);
    return plan.memory.smallest_bytes;
}

static void print_model(listing *self, const grt_model_place *place,
                        const grt_model_info *info, uint64_t bytes, uint64_t least)
{
    char licence[LICENCE_BYTES];
    self->code |= read_licence(place->path, licence);
    if (self->n == 0)
        printf("%-*s %10s %12s  %-12s %s\n", NAME_COLUMNS, "name", "size",
               "least memory", "architecture", "licence");
    put_padded(place->name, NAME_COLUMNS);
    printf("%10s ", cli_bytes_text(bytes).text);
    if (least) /* whole, so that --memory takes what is read here */
        printf("%8llu MiB", (unsigned long long)((least + (1 << 20) - 1) >> 20));
    else
        printf("%12s", "-");
    printf("  %-12s ", info->architecture);
    cli_text_print(stdout, licence[0] ? licence : "-",
                   strlen(licence[0] ? licence : "-"), 0);
    putchar('\n');
}

static void tell_model(listing *self, const grt_model_place *place, cli_host *host)
{
    grt_model_info info = GRT_MODEL_INFO_INIT;
    grt_model_describe(host->model, &info);
    uint64_t bytes =
        info.embedding_bytes + info.layers_bytes + info.head_bytes + info.other_bytes;
    uint64_t least = least_memory(host, &info);
    if (!self->is_json) {
        print_model(self, place, &info, bytes, least);
        return;
    }
    char licence[LICENCE_BYTES];
    wire_json *json = &self->json;
    self->code |= read_licence(place->path, licence);
    wire_begin(json, NULL, '{');
    wire_string(json, "name", place->name);
    wire_string(json, "source", grt_model_source_text(place->source));
    wire_string(json, "path", place->path);
    wire_count(json, "size_bytes", bytes);
    if (least)
        wire_count(json, "least_memory_bytes", least);
    else
        wire_null(json, "least_memory_bytes");
    wire_string(json, "licence", licence[0] ? licence : NULL);
    wire_put_model_members(json, &info);
    wire_end(json, '}');
}

static void tell_other(listing *self, const char *name, const char *why)
{
    self->n_others++;
    if (!self->is_all || self->is_json) return;
    put_padded(name, NAME_COLUMNS);
    cli_text_print(stdout, why, strlen(why), 0);
    putchar('\n');
}

static int tell_name(const grt_model_place *place)
{
    if (!place->path[0]) return 0;
    cli_text_print(stdout, place->name, strlen(place->name), 0);
    putchar('\n');
    return 0;
}

static int tell(const grt_model_place *place, void *payload)
{
    listing *self = payload;
    if (self->is_names) return tell_name(place);
    if (!place->path[0]) {
        tell_other(self, place->name, place->note);
        return 0;
    }
    /* Each model's memory as if it were the first that the process opens. */
    cli_process_forget_peak();
    cli_engine_options options = {.residency = GRT_RESIDENCY_STREAMED};
    cli_host host;
    grt_error error = {0};
    grt_status status = cli_host_open(&host, place->path, NULL, &options, &error);
    if (status == GRT_E_NO_MEMORY || status == GRT_E_IO ||
        (status && cli_json_lacked_memory())) {
        /* Not a model that cannot rank: nobody knows. */
        self->code = cli_fail_status(place->name, status, &error);
    } else if (status) {
        tell_other(self, place->name, error.text);
    } else {
        tell_model(self, place, &host);
        self->n++;
    }
    cli_host_close(&host);
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
    int walked = grt_models_walk(tell, &self), code = print_end(&self);
    if (walked)
        self.code = cli_fail("not all places could be looked at: %s",
                             grt_status_text((grt_status)walked));
    if (!code) code = self.code;
    wire_release(&self.buffer);
    if (code) (void)cli_flush_output();
    return code ? code : cli_flush_output();
}

const cli_command cli_models_command = {
    .name = "models",
    .summary = "list the models that are on this machine",
    .usage = "models [OPTION]...",
    .details =
        "Lists rerankers by the names that --model takes: those that come along, "
        "those\n"
        "in the Hugging Face cache (owner/name), and those of Ollama (ollama:name).\n"
        "The least memory is the smallest --memory for 20 documents of 512 tokens.",
    .examples =
        "  grating models\n"
        "  grating rank -m BAAI/bge-reranker-v2-m3 \"how do owls hunt\" notes.txt",
    .options = options_table,
    .run = run};
