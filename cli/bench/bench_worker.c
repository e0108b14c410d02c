/* bench_worker.c - one measurement in a process of its own, seen from both ends. */
#include "bench/bench.h"

#include "frame/cli.h"
#include "frame/signals.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

/* Pairs are not made shorter than this, whatever the prompt leaves. */
enum { DOCUMENT_MIN_TOKENS = 4 };

/* ---- The worker ---- */

typedef struct worker {
    bench_job job;
    const bench_source *source;
    cli_host host;
    bench_texts texts;
    bench_outcome *out;
} worker;

static grt_status note_failure(worker *self, grt_status status, const grt_error *error)
{
    const char *text = error->text[0] ? error->text : grt_status_text(status);
    self->out->status = status;
    snprintf(self->out->text, sizeof self->out->text, "%s", text);
    return status;
}

static uint64_t now_ns(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (uint64_t)time.tv_sec * 1000000000u + (uint64_t)time.tv_nsec;
}

static grt_status open_worker(worker *self)
{
    grt_error error = {0};
    grt_status status = cli_host_open(&self->host, self->source->model_path, NULL,
                                      &self->job.engine, &error);
    if (status) return note_failure(self, status, &error);
    grt_model_info info = GRT_MODEL_INFO_INIT;
    grt_model_describe(self->host.model, &info);
    uint64_t bytes = info.embedding_bytes + info.layers_bytes + info.head_bytes;
    snprintf(self->out->model, sizeof self->out->model,
             "%s, %s, %zu layers, hidden size %zu, %.1f MiB (%.1f MiB of layers)",
             info.architecture, info.format, info.n_layers, info.hidden_size,
             (double)bytes / 1048576, (double)info.layers_bytes / 1048576);
    return GRT_OK;
}

static grt_status rank_once(worker *self, const grt_request *request,
                            const bench_schedule *schedule, grt_result **out,
                            grt_error *error)
{
    grt_experiment experiment = {.computes_prefix_apart =
                                     self->job.computes_prefix_apart,
                                 .computes_all_rows = self->job.computes_all_rows};
    if (schedule) {
        experiment.schedule = schedule->entries;
        experiment.n_schedule = schedule->n;
    }
    grt_status status = cli_host_prepare(&self->host, error);
    if (!status)
        status =
            grt_rank_experiment(out, self->host.model, request, &experiment, error);
    if (status) cli_host_explain(&self->host, request->n_documents, status, error);
    return status;
}

/* A first small request brings resident layers into memory and starts the threads, as
 * in a program that has run for a while, and tells what the prompt takes of a pair. */
static grt_status warm_up(worker *self, size_t *n_prompt)
{
    grt_error error = {0};
    grt_result *result = NULL;
    const char *document = " time";
    size_t n_document = 0;
    grt_request request = GRT_REQUEST_INIT;
    request.query = bench_query;
    request.documents = &document;
    request.n_documents = 1;
    grt_status status = grt_count_tokens(&n_document, self->host.model, document,
                                         GRT_NUL_TERMINATED, &error);
    if (!status) status = rank_once(self, &request, NULL, &result, &error);
    if (status) return note_failure(self, status, &error);
    size_t n = grt_result_tokens(result)[0];
    *n_prompt = n > n_document ? n - n_document : 0;
    grt_result_free(result);
    return GRT_OK;
}

/* The same for every order of the same documents. */
static uint64_t selection_of(const grt_result *result, size_t k)
{
    uint64_t sum = 0;
    size_t n = grt_result_count(result);
    const size_t *indices = grt_result_indices(result);
    for (size_t i = 0; i < n && i < k; i++) {
        uint64_t z = ((uint64_t)indices[i] + 1) * 0x9E3779B97F4A7C15u;
        z = (z ^ z >> 31) * 0xBF58476D1CE4E5B9u;
        sum += z ^ z >> 29;
    }
    return sum;
}

static grt_status rank(worker *self, const bench_schedule *schedule)
{
    grt_error error = {0};
    grt_result *result = NULL;
    grt_request request = GRT_REQUEST_INIT;
    request.query = bench_query;
    request.documents = (const char *const *)self->texts.documents;
    request.n_documents = self->texts.n;
    request.k = self->job.k;
    grt_policy_options policy = GRT_POLICY_OPTIONS_INIT;
    policy.policy = (int32_t)self->job.policy;
    request.policy = &policy;
    uint64_t start = now_ns();
    grt_status status = rank_once(
        self, &request, self->job.is_scheduled ? schedule : NULL, &result, &error);
    bench_outcome *out = self->out;
    out->time_ns = now_ns() - start;
    if (status) return note_failure(self, status, &error);
    const uint32_t *flags = grt_result_flags(result);
    out->stats.struct_size = sizeof out->stats;
    grt_result_stats(result, &out->stats);
    out->plan = cli_host_plan(&self->host, result);
    snprintf(out->isa, sizeof out->isa, "%s", out->stats.isa);
    out->stats.isa = NULL;
    out->selection = selection_of(result, self->job.k);
    for (size_t i = 0; i < grt_result_count(result); i++)
        out->n_truncated += (flags[i] & GRT_FLAG_TRUNCATED) != 0;
    grt_result_free(result);
    return GRT_OK;
}

static int run_job(worker *self)
{
    size_t n_prompt = 0;
    bench_schedule given = self->job.schedule;
    if (open_worker(self) || warm_up(self, &n_prompt)) return CLI_SUCCESS;
    grt_model_info info = GRT_MODEL_INFO_INIT;
    grt_model_describe(self->host.model, &info);
    bench_schedule scaled = {.n_layers = info.n_layers,
                             .n_documents = self->job.n_documents,
                             .k = self->job.k};
    if (given.n_layers == 0) given.n_layers = info.n_layers;
    bench_schedule_scale(&scaled, &given);
    size_t n_tokens = self->job.n_tokens > n_prompt + DOCUMENT_MIN_TOKENS
                          ? self->job.n_tokens - n_prompt
                          : DOCUMENT_MIN_TOKENS;
    int code = bench_texts_make(&self->texts, self->host.model, self->job.n_documents,
                                n_tokens, self->source->text_path);
    if (code) return code;
    (void)rank(self, &scaled);
    return CLI_SUCCESS;
}

/* Pipes may give and take less than is asked for. */
static int read_all(int fd, void *data, size_t n)
{
    char *at = data;
    while (n > 0) {
        ssize_t got = read(fd, at, n);
        if (got < 0 && errno == EINTR) continue;
        if (got <= 0) return 0;
        at += got;
        n -= (size_t)got;
    }
    return 1;
}

static int write_all(int fd, const void *data, size_t n)
{
    const char *at = data;
    while (n > 0) {
        ssize_t put = write(fd, at, n);
        if (put < 0 && errno == EINTR) continue;
        if (put <= 0) return 0;
        at += put;
        n -= (size_t)put;
    }
    return 1;
}

int bench_work(int argc, char **argv)
{
    bench_outcome out = {0};
    bench_source source = {argv[1], argc > 2 ? argv[2] : NULL};
    worker self = {.source = &source, .out = &out};
    if (argc < 2 || !read_all(STDIN_FILENO, &self.job, sizeof self.job))
        return cli_fail("--worker is for grating bench itself");
    cli_signals_restore(); /* the command tells what ended it */
    int code = run_job(&self);
    bench_texts_release(&self.texts);
    cli_host_close(&self.host);
    if (!code && !write_all(STDOUT_FILENO, &out, sizeof out))
        code = cli_fail("the outcome could not be handed on");
    return code;
}

/* ---- The command ---- */

static void become_worker(int job_fd, int outcome_fd, const bench_source *source)
{
    if (dup2(job_fd, STDIN_FILENO) >= 0 && dup2(outcome_fd, STDOUT_FILENO) >= 0) {
        for (int fd = 3; fd < 16; fd++)
            close(fd); /* the pipes, which may be any of the first */
        execl("/proc/self/exe", "grating", "bench", "--worker", source->model_path,
              source->text_path, (char *)NULL); /* no text ends the list sooner */
    }
    _exit(127);
}

static void end_worker(void *child)
{
    (void)kill(*(pid_t *)child, SIGTERM);
}

/* Sends the job, waits for the outcome and for the end of the process. */
static int exchange(bench_outcome *out, const bench_job *job, pid_t child, int job_fd,
                    int outcome_fd)
{
    struct rusage usage = {0};
    int status = 0;
    cli_running running = {end_worker, &child};
    cli_cancel_when_interrupted(&running); /* who ends only the command ends both */
    int is_sent = write_all(job_fd, job, sizeof *job);
    close(job_fd);
    int is_read = is_sent && read_all(outcome_fd, out, sizeof *out);
    close(outcome_fd);
    while (wait4(child, &status, 0, &usage) < 0 && errno == EINTR)
        continue;
    cli_cancel_when_interrupted(NULL);
    if (cli_was_interrupted() || (WIFSIGNALED(status) && WTERMSIG(status) == SIGINT))
        return cli_fail_interrupted();
    if (WIFSIGNALED(status))
        return cli_fail("the worker was ended by signal %d%s", WTERMSIG(status),
                        WTERMSIG(status) == SIGKILL ? " (out of memory?)" : "");
    if (WIFEXITED(status) && WEXITSTATUS(status) == CLI_FAILURE) return CLI_FAILURE;
    if (!is_read) return cli_fail("the worker gave no outcome");
    /* Linux counts KiB, and hands down what the process had resident before exec: our
     * own few MiB, less than any model takes. */
    out->peak_bytes = (uint64_t)usage.ru_maxrss * 1024;
    return CLI_SUCCESS;
}

int bench_measure(bench_outcome *out, const bench_job *job, const bench_source *source)
{
    int to_child[2], from_child[2];
    if (pipe(to_child)) return cli_fail("no pipe: %s", strerror(errno));
    if (pipe(from_child)) {
        close(to_child[0]);
        close(to_child[1]);
        return cli_fail("no pipe: %s", strerror(errno));
    }
    fflush(NULL);
    pid_t child = fork();
    if (child == 0) become_worker(to_child[0], from_child[1], source);
    close(to_child[0]);
    close(from_child[1]);
    if (child < 0) {
        close(to_child[1]);
        close(from_child[0]);
        return cli_fail("no process: %s", strerror(errno));
    }
    return exchange(out, job, child, to_child[1], from_child[0]);
}
