/* run.c - see run.h. */
#include "run.h"

#include "frame/cli.h"
#include "frame/file.h"
#include "wire/text.h"

#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <locale.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

/* ---- Arguments ---- */

static int add(fuzz_arguments *arguments, const char *text, size_t n)
{
    char *copy = strndup(text, n);
    fuzz_need(copy != NULL, "there is memory");
    if (arguments->n == FUZZ_ARGUMENTS_MAX) {
        free(copy);
        return 0;
    }
    arguments->values[arguments->n++] = copy;
    arguments->values[arguments->n] = NULL;
    return 1;
}

/* Paths stay in the folder; words of the fake library that send signals, or wait, are
 * not for a process that goes on. */
static int is_safe(const char *text)
{
    static const char *const unsafe[] = {"..", ".tmp", "interrupt", "stop", "slow"};
    const char *equals = strchr(text, '=');
    if (text[0] == '/' || strstr(text, "=/") || (equals && equals[1] == '/')) return 0;
    if (text[0] == '-' && text[1] && strchr(text + 1, '/')) return 0; /* "-o/x" */
    for (size_t i = 0; i < sizeof(unsafe) / sizeof(unsafe[0]); i++)
        if (strstr(text, unsafe[i])) return 0;
    return 1;
}

int fuzz_arguments_read(fuzz_arguments *out, const char *const *fixed,
                        const fuzz_part *part)
{
    *out = (fuzz_arguments){.n = 0};
    for (size_t i = 0; fixed[i]; i++)
        (void)add(out, fixed[i], strlen(fixed[i]));
    for (size_t at = 0; at < part->n;) {
        const char *line = (const char *)part->bytes + at;
        const char *end = memchr(line, '\n', part->n - at);
        size_t n = end ? (size_t)(end - line) : part->n - at;
        at += n + 1;
        if (!add(out, line, n) || !is_safe(out->values[out->n - 1])) {
            fuzz_arguments_free(out);
            return 0;
        }
    }
    return 1;
}

int fuzz_arguments_have(const fuzz_arguments *arguments, const char *value)
{
    for (int i = 0; i < arguments->n; i++)
        if (strcmp(arguments->values[i], value) == 0) return 1;
    return 0;
}

void fuzz_arguments_free(fuzz_arguments *arguments)
{
    for (int i = 0; i < arguments->n; i++)
        free(arguments->values[i]);
    *arguments = (fuzz_arguments){.n = 0};
}

/* ---- Running ---- */

static int files[2]; /* that stand in for standard output and standard error */

/* No models, caches or colours of whoever runs this. */
static void prepare(void)
{
    static const char *const variables[] = {
        "XDG_DATA_HOME", "XDG_CACHE_HOME",       "HF_HOME",  "HF_HUB_CACHE",
        "OLLAMA_MODELS", "GRATING_MODEL",        "NO_COLOR", "TERM",
        "SQLITE_TMPDIR", "HUGGINGFACE_HUB_CACHE"};
    if (files[0]) return;
    for (size_t i = 0; i < sizeof(variables) / sizeof(variables[0]); i++)
        (void)unsetenv(variables[i]);
    (void)setenv("HOME", fuzz_folder(), 1);
    (void)setlocale(LC_CTYPE, "C.UTF-8");
    int nothing = open("/dev/null", O_RDONLY);
    fuzz_need(nothing >= 0 && dup2(nothing, STDIN_FILENO) == STDIN_FILENO,
              "nothing can be put on standard input");
    (void)close(nothing);
    fuzz_need(chdir(fuzz_folder()) == 0, "the folder can be gone to");
    for (int i = 0; i < 2; i++) {
        files[i] = memfd_create("output", MFD_CLOEXEC);
        fuzz_need(files[i] > 0, "output can be kept");
    }
}

static char *take(int file, size_t *n)
{
    off_t size = lseek(file, 0, SEEK_END);
    fuzz_need(size >= 0, "output can be measured");
    char *bytes = malloc((size_t)size + 1);
    fuzz_need(bytes && pread(file, bytes, (size_t)size, 0) == size,
              "output can be read");
    bytes[size] = 0;
    *n = (size_t)size;
    fuzz_need(ftruncate(file, 0) == 0 && lseek(file, 0, SEEK_SET) == 0,
              "output can be taken away");
    return bytes;
}

void fuzz_capture(fuzz_run *out, int (*call)(void *payload), void *payload)
{
    int kept[2];
    prepare();
    (void)fflush(stdout);
    for (int i = 0; i < 2; i++) {
        kept[i] = fcntl(STDOUT_FILENO + i, F_DUPFD_CLOEXEC, 10);
        fuzz_need(kept[i] >= 0 && dup2(files[i], STDOUT_FILENO + i) >= 0,
                  "output can be redirected");
    }
    cli_file_unprotect_all();
    errno = 0;
    out->code = call(payload);
    (void)fflush(stdout);
    (void)fflush(stderr);
    clearerr(stdin);
    for (int i = 0; i < 2; i++) {
        fuzz_need(dup2(kept[i], STDOUT_FILENO + i) >= 0, "output can be given back");
        (void)close(kept[i]);
    }
    cli_file_unprotect_all();
    out->out = take(files[0], &out->out_bytes);
    out->err = take(files[1], &out->err_bytes);
}

/* Commands sort their arguments in place. */
static int call_command(void *payload)
{
    fuzz_arguments *arguments = payload;
    char *values[FUZZ_ARGUMENTS_MAX + 1];
    memcpy(values, arguments->values, sizeof(values));
    for (size_t i = 0; cli_commands[i]; i++)
        if (strcmp(cli_commands[i]->name, arguments->values[0]) == 0)
            return cli_commands[i]->run(arguments->n, values);
    return -1;
}

void fuzz_command(fuzz_run *out, fuzz_arguments *arguments)
{
    fuzz_capture(out, call_command, arguments);
}

int fuzz_run_input(fuzz_run *out, fuzz_arguments *arguments, const char *const *fixed,
                   const uint8_t *data, size_t size)
{
    fuzz_part part;
    size_t at = 0;
    if (!fuzz_next_part(&part, data, size, &at) || part.name[0]) return 0;
    if (!fuzz_arguments_read(arguments, fixed, &part)) return 0;
    fuzz_folder_clear();
    (void)fuzz_folder_unpack(data, size);
    fuzz_command(out, arguments);
    return 1;
}

void fuzz_run_free(fuzz_run *run)
{
    free(run->out);
    free(run->err);
}

/* ---- What must hold ---- */

/* On its own, so that a hole in the table of wire/text.c shows. */
static int acts(uint32_t point)
{
    static const uint32_t ranges[][2] = {
        {0x00, 0x08},     {0x0B, 0x1F},     {0x7F, 0x9F},     {0xAD, 0xAD},
        {0x61C, 0x61C},   {0x180E, 0x180E}, {0x200B, 0x200F}, {0x2028, 0x202E},
        {0x2060, 0x206F}, {0xFEFF, 0xFEFF}, {0xFFF9, 0xFFFB}, {0xE0000, 0xE0FFF}};
    for (size_t i = 0; i < sizeof(ranges) / sizeof(ranges[0]); i++)
        if (point >= ranges[i][0] && point <= ranges[i][1]) return 1;
    return 0;
}

/* Bytes of "ESC [ digits ; m" at `text`, or 0. */
static size_t color_bytes(const char *text, size_t left)
{
    size_t i = 2;
    if (left < 3 || text[0] != '\033' || text[1] != '[') return 0;
    while (i < left && ((text[i] >= '0' && text[i] <= '9') || text[i] == ';'))
        i++;
    return i < left && text[i] == 'm' ? i + 1 : 0;
}

void fuzz_check_harmless(const char *bytes, size_t n, int has_color)
{
    for (size_t i = 0; i < n;) {
        uint32_t point;
        size_t color = has_color ? color_bytes(bytes + i, n - i) : 0;
        if (color) {
            i += color;
            continue;
        }
        size_t length = wire_decode(bytes + i, n - i, &point);
        if (acts(point) || (point == WIRE_REPLACEMENT && length == 1))
            fprintf(stderr, "U+%04X at byte %zu of: %.*s\n", (unsigned)point, i,
                    (int)(n < 2000 ? n : 2000), bytes);
        fuzz_need(length > 1 || point < 0x80, "output is valid UTF-8");
        fuzz_need(!acts(point), "no character of the output acts");
        i += length;
    }
}

static void check_name(const char *name, void *payload)
{
    const char *ending = payload;
    size_t n = strlen(name), length = strlen(ending);
    fuzz_need(n < length || strcmp(name + n - length, ending) != 0,
              "no temporary file is left");
}

void fuzz_check_run(const fuzz_run *run, int has_color)
{
    static const char begin[] = "grating: ";
    char ending[40];
    fuzz_check_harmless(run->out, run->out_bytes, has_color);
    fuzz_check_harmless(run->err, run->err_bytes, 0);
    fuzz_need(run->code >= CLI_SUCCESS && run->code <= CLI_USAGE,
              "the exit code is one of the command's");
    fuzz_need(run->code == CLI_SUCCESS || strncmp(run->err, begin, strlen(begin)) == 0,
              "a failure is told");
    (void)snprintf(ending, sizeof(ending), ".%ld.tmp", (long)getpid());
    fuzz_folder_walk(check_name, ending);
}

void fuzz_check_json(const char *bytes, size_t n)
{
    for (size_t at = 0; at < n;) {
        json_error_t error;
        json_t *value = json_loadb(
            bytes + at, n - at,
            JSON_DISABLE_EOF_CHECK | JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL, &error);
        if (!value) fprintf(stderr, "%s in: %s\n", error.text, bytes + at);
        fuzz_need(value != NULL, "output is JSON");
        json_decref(value);
        at += (size_t)error.position;
        while (at < n && strchr(" \n", bytes[at]))
            at++;
    }
}
