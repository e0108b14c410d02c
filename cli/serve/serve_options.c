/* serve_options.c - the arguments of `grating serve`. */
#include "serve/command.h"

#ifdef GRT_HAVE_SERVE
#include "frame/folders.h"
#include "frame/process.h"
#endif

#include <stdlib.h>
#include <string.h>

enum {
    KEY_HOST = CLI_KEY_ENGINE_END,
    KEY_PORT,
    KEY_MODEL,
    KEY_PROFILE,
    KEY_PRECISION,
    KEY_PROMISE,
    KEY_POLICY,
    KEY_DEADLINE,
    KEY_PARALLEL,
    KEY_QUEUE,
    KEY_BUSY_STATUS,
    KEY_IDLE_UNLOAD,
    KEY_SELF_CHECK,
    KEY_DRAIN,
    KEY_MAX_BODY,
    KEY_MAX_DOCUMENTS,
    KEY_MAX_CONNECTIONS,
    KEY_READ_TIMEOUT,
    KEY_HALF_CLOSE,
    KEY_API_KEY,
    KEY_API_KEY_FILE,
    KEY_ALLOW_HOST,
    KEY_ALLOW_ORIGIN,
    KEY_TLS_CERT,
    KEY_TLS_KEY,
    KEY_LOG_TEXTS,
    KEY_QUIET
};

const cli_option cli_serve_options_table[] = {
    CLI_OPTION_GROUP("where it listens, and to whom"),
    {KEY_HOST, "host", "HOST", "address or name to listen at (default 127.0.0.1)"},
    {KEY_PORT, "port", "PORT", "default 8080; 0: any that is free"},
    {KEY_API_KEY, "api-key", "KEY...", "who asks must know KEY; may be repeated"},
    {KEY_API_KEY_FILE, "api-key-file", "FILE", "keys, one for each line"},
    {KEY_ALLOW_HOST, "allow-host", "NAME...",
     "a name by which clients reach this server; addresses\n"
     "and names without dots need none; may be repeated"},
    {KEY_ALLOW_ORIGIN, "allow-origin", "ORIGIN...",
     "pages that may ask from a browser; may be repeated"},
    {KEY_TLS_CERT, "tls-cert", "FILE", "certificate chain (PEM): HTTPS"},
    {KEY_TLS_KEY, "tls-key", "FILE", "its private key (PEM)"},

    CLI_OPTION_GROUP("models and memory"),
    {'m', "model", "[NAME=]PATH[,OPTION=VALUE]...",
     "a model, as \"grating models\" lists them, under a name\n"
     "of your own, with k, precision, promise, policy and\n"
     "deadline; may be repeated, the first is the default"},
    {KEY_PROFILE, "profile", "FILE",
     "made by \"grating calibrate\", or none (default: the one\n"
     "beside each model, if there is one)"},
    CLI_ENGINE_OPTIONS,
    {KEY_IDLE_UNLOAD, "idle-unload", "TIME",
     "close models that nobody has asked for that long"},

    CLI_OPTION_GROUP("what requests get that do not say"),
    {'k', "top", "K",
     "how many must be right; all come back (default 10;\n"
     "0: all, and nothing is decided early)"},
    {KEY_PRECISION, "precision", "P",
     "share of the full ranking's K best that shall come\n"
     "back, 0 < P < 1 (default 0.99)"},
    {KEY_PROMISE, "promise", "WHAT", "set, order or scores (default: order)"},
    {KEY_POLICY, "policy", "POLICY", "bound, cluster or none (default: bound)"},
    {KEY_DEADLINE, "deadline", "TIME",
     "answer after so long with the order as it stands"},
    {KEY_SELF_CHECK, "self-check", "SHARE",
     "rank this share of requests once more in full, when\n"
     "nobody waits, and hold the precision by what is found"},

    CLI_OPTION_GROUP("limits"),
    {KEY_PARALLEL, "parallel", "N", "rankings that take turns (default 4)"},
    {KEY_QUEUE, "queue", "N", "requests that may wait (default 64)"},
    {KEY_BUSY_STATUS, "busy-status", "CODE",
     "what others are told, 429 or 503 (default 429; 503\n"
     "where a balancer tries another server)"},
    {KEY_MAX_BODY, "max-body", "SIZE", "of a request (default 32M)"},
    {KEY_MAX_DOCUMENTS, "max-documents", "N", "of a request (default 10000)"},
    {KEY_MAX_CONNECTIONS, "max-connections", "N", "default 512"},
    {KEY_READ_TIMEOUT, "read-timeout", "TIME",
     "in which a request must have been sent (default 60s)"},
    {KEY_DRAIN, "drain", "TIME",
     "for what has begun, when the server is told to end\n"
     "(default 30s)"},
    {KEY_HALF_CLOSE, "half-close", NULL,
     "a client that has shut down its sending side still\n"
     "waits for its answer"},

    CLI_OPTION_GROUP("log"),
    {KEY_LOG_TEXTS, "log-texts", NULL, "queries stand in the log"},
    {KEY_QUIET, "quiet", NULL, "no line for each request"},
    CLI_HELP_OPTION,
    CLI_END_OPTION};

#ifdef GRT_HAVE_SERVE
static char *keep(cli_serve_options *options, char *text)
{
    if (text) options->owned[options->n_owned++] = text;
    return text;
}

/* ---- Wishes: of the server, and of a model ---- */

static int set_policy(serve_wishes *wishes, const char *option, const char *text)
{
    static const char *const names[] = {"bound", "cluster", "none", NULL};
    static const grt_policy values[] = {GRT_POLICY_BOUND, GRT_POLICY_CLUSTER,
                                        GRT_POLICY_NONE};
    size_t i = 0;
    int code = cli_parse_choice(option, text, names, &i);
    wishes->policy = (int32_t)values[i];
    return code;
}

static int set_promise(serve_wishes *wishes, const char *option, const char *text)
{
    static const char *const names[] = {"set", "order", "scores", NULL};
    static const grt_promise values[] = {GRT_PROMISE_SET, GRT_PROMISE_ORDER,
                                         GRT_PROMISE_SCORES};
    size_t i = 0;
    int code = cli_parse_choice(option, text, names, &i);
    wishes->promise = (int32_t)values[i];
    return code;
}

static int set_wish(serve_wishes *wishes, const char *option, const char *name,
                    const char *value)
{
    enum { K_MAX = 1000000000 };
    if (strcmp(name, "k") == 0) {
        wishes->has_k = 1;
        return cli_parse_number(option, value, 0, K_MAX, &wishes->k);
    }
    if (strcmp(name, "precision") == 0)
        return cli_parse_real(option, value, 1, &wishes->precision);
    if (strcmp(name, "deadline") == 0)
        return cli_parse_duration(option, value, &wishes->deadline_ns);
    if (strcmp(name, "policy") == 0) return set_policy(wishes, option, value);
    if (strcmp(name, "promise") == 0) return set_promise(wishes, option, value);
    return cli_usage(&cli_serve_command,
                     "--model: \"%s\" is not k, precision, promise, policy or deadline",
                     name);
}

/* ---- Models ---- */

/* "k=10,precision=0.99"; cuts the text up. */
static int set_alias_wishes(serve_alias *alias, char *text)
{
    while (text) {
        char *next = strchr(text, ',');
        if (next) *next++ = 0;
        char *value = strchr(text, '=');
        if (!value)
            return cli_usage(&cli_serve_command, "--model: \"%s\" is not OPTION=VALUE",
                             text);
        *value++ = 0;
        int code = set_wish(&alias->wishes, "--model", text, value);
        if (code) return code;
        text = next;
    }
    return CLI_SUCCESS;
}

/* The last part of a path, without an ending that tells the format. */
static const char *usual_name(cli_serve_options *options, const char *path)
{
    static const char gguf[] = ".gguf";
    size_t n = strlen(path);
    while (n > 1 && path[n - 1] == '/')
        n--;
    char *name = keep(options, strndup(path, n));
    if (!name) return NULL;
    char *slash = strrchr(name, '/');
    char *last = slash && path[0] == '/' ? slash + 1 : name;
    n = strlen(last);
    if (n > strlen(gguf) && strcmp(last + n - strlen(gguf), gguf) == 0)
        last[n - strlen(gguf)] = 0;
    return last;
}

/* [NAME=]PATH[,OPTION=VALUE]...; a PATH with an equals sign needs a NAME. */
static int add_model(cli_serve_options *options, const char *value)
{
    if (options->serve.n_aliases == CLI_SERVE_ALIASES_MAX)
        return cli_usage(&cli_serve_command, "--model: at most %d models",
                         CLI_SERVE_ALIASES_MAX);
    serve_alias *alias = &options->aliases[options->serve.n_aliases];
    char *text = keep(options, strdup(value));
    if (!text) return cli_fail("out of memory");
    char *wishes = strchr(text, ',');
    if (wishes) *wishes++ = 0;
    char *path = strchr(text, '=');
    if (path) {
        *path++ = 0;
        alias->name = text;
    } else {
        path = text;
        alias->name = usual_name(options, path);
        if (!alias->name) return cli_fail("out of memory");
    }
    if (!path[0] || !alias->name[0])
        return cli_usage(&cli_serve_command, "--model: \"%s\" names no model", value);
    alias->path = path;
    for (size_t i = 0; i < options->serve.n_aliases; i++) {
        if (strcmp(options->aliases[i].name, alias->name) == 0)
            return cli_usage(&cli_serve_command, "--model: \"%s\" is given twice",
                             alias->name);
    }
    options->serve.n_aliases++;
    return set_alias_wishes(alias, wishes);
}

static int find_models(cli_serve_options *options)
{
    char *paths[CLI_SERVE_ALIASES_MAX];
    if (options->serve.n_aliases == 0) {
        options->aliases[0].name = GRT_DEFAULT_MODEL;
        options->serve.n_aliases = 1;
    }
    for (size_t i = 0; i < options->serve.n_aliases; i++) {
        int code = cli_find_model(&paths[i], options->aliases[i].path);
        if (code) return code;
        options->aliases[i].path = keep(options, paths[i]);
    }
    return CLI_SUCCESS;
}

/* ---- Lists and files ---- */

static int add_name(const char **list, size_t *n, const char *option, const char *value)
{
    if (!value[0]) return cli_usage(&cli_serve_command, "%s is empty", option);
    if (*n == CLI_SERVE_NAMES_MAX)
        return cli_usage(&cli_serve_command, "%s: at most %d", option,
                         CLI_SERVE_NAMES_MAX);
    list[(*n)++] = value;
    return CLI_SUCCESS;
}

/* The text of a small file, for the caller to free. */
static int read_text(char **out, const char *option, const char *path)
{
    enum { MOST = 1 << 20 };
    FILE *file = fopen(path, "re");
    if (!file) return cli_fail("%s: cannot open %s", option, path);
    char *text = malloc(MOST);
    size_t n = text ? fread(text, 1, MOST - 1, file) : 0;
    int has_failed = ferror(file) || !feof(file);
    fclose(file);
    if (!text) return cli_fail("out of memory");
    text[n] = 0;
    *out = text;
    return has_failed ? cli_fail("%s: cannot read %s", option, path) : CLI_SUCCESS;
}

static int read_keys(cli_serve_options *options)
{
    if (!options->key_file) return CLI_SUCCESS;
    int code = read_text(&options->texts[0], "--api-key-file", options->key_file);
    if (code) return code;
    size_t n_before = options->serve.n_keys;
    for (char *line = options->texts[0]; line && *line;) {
        char *next = strchr(line, '\n');
        if (next) *next++ = 0;
        line[strcspn(line, "\r")] = 0;
        if (line[0]) {
            code =
                add_name(options->keys, &options->serve.n_keys, "--api-key-file", line);
            if (code) return code;
        }
        line = next;
    }
    if (options->serve.n_keys > n_before) return CLI_SUCCESS;
    return cli_fail("--api-key-file: %s holds no key", options->key_file);
}

static int read_certificate(cli_serve_options *options)
{
    if (!options->certificate_file && !options->private_key_file) return CLI_SUCCESS;
    if (!options->certificate_file || !options->private_key_file)
        return cli_usage(&cli_serve_command, "--tls-cert and --tls-key go together");
    int code = read_text(&options->texts[1], "--tls-cert", options->certificate_file);
    if (!code)
        code = read_text(&options->texts[2], "--tls-key", options->private_key_file);
    options->serve.certificate = options->texts[1];
    options->serve.key = options->texts[2];
    return code;
}

/* ---- Options ---- */

static int set_count(unsigned *out, const char *option, const char *value, size_t least,
                     size_t most)
{
    size_t number = 0;
    int code = cli_parse_number(option, value, least, most, &number);
    *out = (unsigned)number;
    return code;
}

static int set_limit(serve_options *serve, int key, const char *value)
{
    enum { MANY = 1000000 };
    uint64_t number = 0;
    float share = 0;
    int code;
    switch (key) {
    case KEY_SELF_CHECK:
        code = cli_parse_real("--self-check", value, 1, &share);
        serve->self_check = (double)share;
        return code;
    case KEY_PARALLEL:
        return cli_parse_number("--parallel", value, 1, 256, &serve->n_parallel);
    case KEY_QUEUE:
        return cli_parse_number("--queue", value, 1, MANY, &serve->queue_limit);
    case KEY_BUSY_STATUS:
        if (strcmp(value, "429") != 0 && strcmp(value, "503") != 0)
            return cli_usage(&cli_serve_command,
                             "--busy-status: \"%s\" is not 429 or "
                             "503",
                             value);
        return set_count(&serve->busy_status, "--busy-status", value, 429, 503);
    case KEY_MAX_BODY:
        code = cli_parse_size("--max-body", value, &number);
        serve->body_bytes = (size_t)number;
        return code;
    case KEY_MAX_DOCUMENTS:
        return cli_parse_number("--max-documents", value, 1, 100 * (size_t)MANY,
                                &serve->limits.n_documents);
    case KEY_MAX_CONNECTIONS:
        code = set_count(&serve->n_connections, "--max-connections", value, 1, MANY);
        serve->n_per_address = serve->n_connections;
        return code;
    case KEY_READ_TIMEOUT:
        code = cli_parse_duration("--read-timeout", value, &number);
        serve->read_s = (unsigned)((number + 999999999) / 1000000000);
        return code;
    case KEY_DRAIN: return cli_parse_duration("--drain", value, &serve->drain_ns);
    default: return cli_parse_duration("--idle-unload", value, &serve->idle_unload_ns);
    }
}

static int set_wish_option(serve_wishes *wishes, int key, const char *value)
{
    switch (key) {
    case 'k': return set_wish(wishes, "-k, --top", "k", value);
    case KEY_PRECISION: return set_wish(wishes, "--precision", "precision", value);
    case KEY_PROMISE: return set_wish(wishes, "--promise", "promise", value);
    case KEY_POLICY: return set_wish(wishes, "--policy", "policy", value);
    default: return set_wish(wishes, "--deadline", "deadline", value);
    }
}

int cli_serve_option(cli_serve_options *options, int key, const char *value)
{
    enum { PORT_MAX = 65535 };
    serve_options *serve = &options->serve;
    size_t port;
    if (cli_is_engine_option(key))
        return cli_engine_option(&options->engine, &cli_serve_command, key, value);
    switch (key) {
    case 'm': return add_model(options, value);
    case KEY_HOST: serve->host = value; return CLI_SUCCESS;
    case KEY_PORT:
        serve->port = value;
        return cli_parse_number("--port", value, 0, PORT_MAX, &port);
    case KEY_PROFILE:
        serve->model.profile_path = strcmp(value, "none") == 0 ? "" : value;
        return CLI_SUCCESS;
    case KEY_API_KEY:
        return add_name(options->keys, &serve->n_keys, "--api-key", value);
    case KEY_API_KEY_FILE: options->key_file = value; return CLI_SUCCESS;
    case KEY_ALLOW_HOST:
        return add_name(options->hosts, &serve->n_hosts, "--allow-host", value);
    case KEY_ALLOW_ORIGIN:
        return add_name(options->origins, &serve->n_origins, "--allow-origin", value);
    case KEY_TLS_CERT: options->certificate_file = value; return CLI_SUCCESS;
    case KEY_TLS_KEY: options->private_key_file = value; return CLI_SUCCESS;
    case KEY_HALF_CLOSE: serve->keeps_half_closed = 1; return CLI_SUCCESS;
    case KEY_LOG_TEXTS: serve->logs_texts = 1; return CLI_SUCCESS;
    case KEY_QUIET: serve->is_quiet = 1; return CLI_SUCCESS;
    case 'k':
    case KEY_PRECISION:
    case KEY_PROMISE:
    case KEY_POLICY:
    case KEY_DEADLINE: return set_wish_option(&serve->wishes, key, value);
    default: return set_limit(serve, key, value);
    }
}

static void set_engine(cli_serve_options *options)
{
    const cli_engine_options *engine = &options->engine;
    serve_options *serve = &options->serve;
    const char *temporary = engine->temporary_directory;
    if (!temporary) temporary = getenv("TMPDIR");
    serve->engine.n_threads = engine->n_threads;
    serve->engine.hidden = (int32_t)engine->hidden;
    serve->engine.temporary_directory = temporary && temporary[0] ? temporary : NULL;
    serve->model.arithmetic = (int32_t)engine->arithmetic;
    serve->model.residency = (int32_t)engine->residency;
    if (cli_profile_folder(options->profile_folder, sizeof options->profile_folder))
        serve->model.profile_folder = options->profile_folder;
    serve->memory_bytes = engine->memory_bytes;
    serve->resident_bytes = cli_process_resident;
    serve->trim = cli_process_trim;
}

int cli_serve_check(cli_serve_options *options)
{
    serve_options *serve = &options->serve;
    int code = read_keys(options);
    if (!code) code = read_certificate(options);
    if (!code) code = find_models(options);
    serve->aliases = options->aliases;
    serve->keys = options->keys;
    serve->hosts = options->hosts;
    serve->origins = options->origins;
    set_engine(options);
    return code;
}

void cli_serve_release(cli_serve_options *options)
{
    for (size_t i = 0; i < options->n_owned; i++)
        free(options->owned[i]);
    for (size_t i = 0; i < 3; i++)
        free(options->texts[i]);
}

#endif
