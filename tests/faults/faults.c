/* faults.c - every command with the n-th allocation, thread, open, read, write or
 * change of a file failing: it ends by itself, says why when it fails, gives what it
 * gives undisturbed when it does not, and leaves no file behind.
 *
 *   faults [--every] [--only CASE] [--model N]
 *
 * Without --every a few n of each kind, with one model for each command. */
#include "cases.h"
#include "hooks.h"

#include "frame/cli.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

enum { SECONDS_MAX = 60, FEW = 3, PATH_BYTES = 600, SANITIZER = 99 };

/* Has the sanitizers end the process with a code of their own. */
const char *__asan_default_options(void);
const char *__ubsan_default_options(void);
const char *__asan_default_options(void)
{
    return "exitcode=99:allocator_may_return_null=1";
}
const char *__ubsan_default_options(void)
{
    return "exitcode=99";
}

typedef struct text {
    char *bytes; /* NULL: no such file */
    size_t n;
} text;

typedef struct outcome {
    int code; /* 128 + n: ended by signal n */
    text out, err;
    text outputs[CASE_OUTPUTS_MAX];
    char left[200]; /* a file that ought not to be there, or "" */
} outcome;

typedef struct totals {
    unsigned long n_runs, n_failed, n_same, n_bad;
} totals;

static int streams[2]; /* standard output and standard error of the child */

static void need(int is_true, const char *what)
{
    if (is_true) return;
    fprintf(stderr, "%s: %s\n", what, strerror(errno));
    exit(2);
}

/* ---- One run ---- */

static text take(int file)
{
    text out = {NULL, 0};
    off_t size = lseek(file, 0, SEEK_END);
    need(size >= 0, "cannot measure output");
    out.bytes = malloc((size_t)size + 1);
    need(out.bytes && pread(file, out.bytes, (size_t)size, 0) == size, "cannot read");
    out.bytes[size] = 0;
    out.n = (size_t)size;
    return out;
}

static text load(const char *name)
{
    text out = {NULL, 0};
    int file = open(name, O_RDONLY | O_CLOEXEC);
    if (file < 0) return out;
    out = take(file);
    (void)close(file);
    return out;
}

static int is_same(const text *a, const text *b)
{
    if (!a->bytes || !b->bytes) return a->bytes == b->bytes;
    return a->n == b->n && memcmp(a->bytes, b->bytes, a->n) == 0;
}

/* Without what differs from run to run: times, and how they are laid out. */
static text without_numbers(const text *from)
{
    text out = {malloc(from->n + 1), 0};
    need(out.bytes != NULL, "no memory");
    for (size_t i = 0; i < from->n; i++)
        if (!strchr("0123456789.,+- ", from->bytes[i]))
            out.bytes[out.n++] = from->bytes[i];
    return out;
}

static int is_same_result(const text *a, const text *b, int flags)
{
    if (flags & CASE_MEASURES) return 1;
    if (!(flags & CASE_TELLS_TIME)) return is_same(a, b);
    text own = without_numbers(a), other = without_numbers(b);
    int is_equal = is_same(&own, &other);
    free(own.bytes);
    free(other.bytes);
    return is_equal;
}

static void release(outcome *self)
{
    free(self->out.bytes);
    free(self->err.bytes);
    for (size_t i = 0; i < CASE_OUTPUTS_MAX; i++)
        free(self->outputs[i].bytes);
}

static void run_child(char **arguments, int n, fault_kind kind, uint64_t nth)
{
    (void)alarm(SECONDS_MAX);
    for (int i = 0; i < 2; i++)
        need(dup2(streams[i], STDOUT_FILENO + i) >= 0, "cannot redirect");
    fault_begin(kind, nth);
    int code = cli_main(n, arguments);
    fault_end();
    (void)fflush(NULL);
    /* The leak check reads files in a thread that takes no signals. */
    if (kind > FAULT_THREAD) _exit(code);
    exit(code);
}

static int is_input(const char *name)
{
    for (size_t i = 0; fault_inputs[i]; i++)
        if (strcmp(fault_inputs[i], name) == 0) return 1;
    return 0;
}

/* Keeps the outputs and clears the folder for the next run. */
static void take_files(outcome *out, const fault_case *one)
{
    for (size_t i = 0; i < CASE_OUTPUTS_MAX && one->outputs[i]; i++) {
        out->outputs[i] = load(one->outputs[i]);
        (void)unlink(one->outputs[i]);
    }
    if (one->kept) (void)unlink(one->kept);
    DIR *directory = opendir(".");
    need(directory != NULL, "cannot list the folder");
    for (struct dirent *entry; (entry = readdir(directory));) {
        struct stat found;
        if (stat(entry->d_name, &found) != 0 || !S_ISREG(found.st_mode)) continue;
        if (is_input(entry->d_name)) continue;
        (void)snprintf(out->left, sizeof(out->left), "%.190s", entry->d_name);
        (void)unlink(entry->d_name);
    }
    (void)closedir(directory);
}

static void run(outcome *out, const fault_case *one, const char *model, fault_kind kind,
                uint64_t nth)
{
    /* Commands sort their arguments; the strings stay here. */
    static char strings[CASE_ARGUMENTS_MAX + 2][PATH_BYTES];
    char *arguments[CASE_ARGUMENTS_MAX + 2] = {strings[0]};
    int n = 1, status = 0;
    (void)snprintf(strings[0], PATH_BYTES, "grating");
    for (; one->arguments[n - 1]; n++) {
        const char *argument = one->arguments[n - 1];
        if (strcmp(argument, "MODEL") == 0) argument = model;
        (void)snprintf(strings[n], PATH_BYTES, "%s", argument);
        arguments[n] = strings[n];
    }
    *out = (outcome){.left = ""};
    for (int i = 0; i < 2; i++)
        need(ftruncate(streams[i], 0) == 0 && lseek(streams[i], 0, SEEK_SET) == 0,
             "cannot clear output");
    fault_reset();
    (void)fflush(stdout); /* or the child would print it again */
    pid_t child = fork();
    if (child == 0) run_child(arguments, n, kind, nth);
    need(child > 0 && waitpid(child, &status, 0) == child, "cannot fork");
    out->code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
    out->out = take(streams[0]);
    out->err = take(streams[1]);
    take_files(out, one);
}

/* ---- What must hold ---- */

/* NULL, or what is wrong. */
static const char *fault_of(const outcome *found, const outcome *right,
                            const fault_case *one)
{
    static const char begin[] = "grating: ";
    if (found->code >= 128) return "ended by a signal";
    if (found->code == SANITIZER) return "found by a sanitizer";
    if (found->code > CLI_USAGE) return "an exit code that is none of its own";
    if (found->left[0]) return "a file is left behind";
    int has_found = (one->flags & CASE_REPORTS) && found->out.n;
    if (found->code && !has_found && !strstr(found->err.bytes, begin))
        return "it does not say why";
    for (size_t i = 0; i < CASE_OUTPUTS_MAX && one->outputs[i]; i++) {
        if (found->code && !found->outputs[i].bytes) continue;
        if (!is_same(&found->outputs[i], &right->outputs[i]))
            return "what it wrote is another file";
    }
    if (!found->code && !is_same_result(&found->out, &right->out, one->flags))
        return "what it printed is another result";
    return NULL;
}

static void report(const fault_case *one, const char *model, fault_kind kind,
                   uint64_t nth, const outcome *found, const char *what)
{
    printf("BAD %s, %s %lu of %s: %s (exit code %d)\n", one->name, fault_names[kind],
           (unsigned long)nth, model, what, found->code);
    if (found->left[0]) printf("  left: %s\n", found->left);
    printf("  %.3000s\n", found->err.bytes);
    if (found->code == 0) printf("%.3000s\n", found->out.bytes);
}

static void try_one(totals *sum, const fault_case *one, const char *model,
                    fault_kind kind, uint64_t nth, const outcome *right)
{
    outcome found;
    run(&found, one, model, kind, nth);
    const char *what = fault_of(&found, right, one);
    sum->n_runs++;
    sum->n_failed += found.code != 0;
    sum->n_same += found.code == 0;
    sum->n_bad += what != NULL;
    if (what) report(one, model, kind, nth, &found, what);
    release(&found);
}

/* Undisturbed, with every call counted for nothing. */
static void run_right(outcome *out, const fault_case *one, const char *model,
                      fault_kind kind)
{
    run(out, one, model, kind, 0);
    const char *what = fault_of(out, out, one);
    if (!what && out->code == 0) return;
    fprintf(stderr, "%s with %s, undisturbed: exit code %d, %s %s\n%s\n", one->name,
            model, out->code, what ? what : "", out->left, out->err.bytes);
    exit(2);
}

static void sweep(totals *sum, const fault_case *one, const char *model, int is_every,
                  int has_filter)
{
    for (fault_kind kind = FAULT_ALLOCATION; kind < FAULT_N_KINDS; kind++) {
        outcome right;
        int is_call = kind > FAULT_THREAD;
        if (is_call && (!has_filter || (one->flags & CASE_STARTS_ITSELF))) continue;
        if (kind == FAULT_NO_READ && (one->flags & CASE_JUDGES)) continue;
        run_right(&right, one, model, kind);
        uint64_t n = fault_count(kind), stride = is_every || n <= FEW ? 1 : n / FEW;
        totals before = *sum;
        for (uint64_t nth = 1; nth <= n; nth += stride)
            try_one(sum, one, model, kind, nth, &right);
        printf("%-10s %-11s %6lu calls, %6lu runs: %lu failed, %lu gave the same, %lu "
               "bad\n",
               one->name, fault_names[kind], (unsigned long)n,
               sum->n_runs - before.n_runs, sum->n_failed - before.n_failed,
               sum->n_same - before.n_same, sum->n_bad - before.n_bad);
        (void)fflush(stdout);
        release(&right);
    }
}

/* ---- All of it ---- */

static char folder[PATH_BYTES];

static void enter_folder(void)
{
    const char *place = getenv("TMPDIR");
    (void)snprintf(folder, sizeof(folder), "%s/grating_faults_XXXXXX",
                   place && place[0] ? place : "/tmp");
    need(mkdtemp(folder) && chdir(folder) == 0, "cannot make a folder");
    (void)setenv("HOME", folder, 1);
    (void)setenv("TMPDIR", folder, 1);
    (void)unsetenv("XDG_DATA_HOME");
    (void)unsetenv("GRATING_MODEL");
    fault_write_inputs();
    for (int i = 0; i < 2; i++) {
        streams[i] = memfd_create("output", MFD_CLOEXEC);
        need(streams[i] >= 0, "cannot keep output");
    }
}

static void leave_folder(void)
{
    for (size_t i = 0; fault_inputs[i]; i++)
        (void)unlink(fault_inputs[i]);
    if (chdir("/") != 0 || rmdir(folder) != 0)
        fprintf(stderr, "cannot remove %s\n", folder);
}

int main(int argc, char **argv)
{
    int is_every = 0, only_model = -1;
    const char *only = NULL;
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--every") == 0)
            is_every = 1;
        else if (strcmp(argv[i], "--only") == 0 && i + 1 < argc)
            only = argv[++i];
        else if (strcmp(argv[i], "--model") == 0 && i + 1 < argc)
            only_model = (int)strtol(argv[++i], NULL, 10);
        else /* `grating bench` runs itself */
            return cli_main(argc, argv);
    }
    int has_filter = fault_has_filter(), n_models = 0;
    if (!has_filter) printf("SKIP system calls: no seccomp filter can be installed\n");
    while (fault_models[n_models])
        n_models++;
    totals sum = {0};
    enter_folder();
    for (int c = 0; fault_cases[c].name; c++) {
        const fault_case *one = &fault_cases[c];
        if (only && strcmp(only, one->name) != 0) continue;
        int is_once = (one->flags & CASE_NO_MODEL) || (!is_every && only_model < 0);
        for (int m = 0; m < n_models; m++) {
            if (only_model >= 0 && m != only_model) continue;
            if (only_model < 0 && is_once && m != c % n_models) continue;
            sweep(&sum, one, fault_models[m], is_every, has_filter);
        }
    }
    leave_folder();
    printf("%lu runs: %lu failed and said why, %lu gave the same, %lu bad\n",
           sum.n_runs, sum.n_failed, sum.n_same, sum.n_bad);
    return sum.n_bad != 0;
}
