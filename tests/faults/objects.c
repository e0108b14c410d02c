/* objects.c - the library's objects with the n-th allocation, read, write or thread
 * failing: engines and models that are opened, rankings that are stepped or run at
 * once, a model that is used again.  A request fails with a text or gives the same
 * bits, the next one on the same model gives the same bits, and nothing is kept.
 *
 *   objects [--every]      without it a few n of each kind */
#include "base/memory.h"
#include "grating.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { N_DOCUMENTS = 9, TEXT_BYTES = 200, FEW = 7 };

typedef enum fault { ALLOCATION, READ, NO_READ, WRITE, THREAD, N_FAULTS } fault;
static const char *const fault_names[N_FAULTS] = {"allocation", "read", "no read",
                                                  "write", "thread"};

/* ---- What fails ---- */

static atomic_ulong n_reads, n_writes, n_threads;
static _Atomic fault failing;
static atomic_ulong failing_nth; /* 0: nothing fails */

static int hit(atomic_ulong *n, fault kind)
{
    return atomic_fetch_add(n, 1) + 1 == atomic_load(&failing_nth) &&
           atomic_load(&failing) == kind;
}

static ssize_t faulty_read(int fd, void *to, size_t n, off_t at)
{
    fault kind = atomic_load(&failing);
    if (hit(&n_reads, kind == NO_READ ? NO_READ : READ)) {
        errno = EIO;
        return kind == NO_READ ? 0 : -1;
    }
    return (ssize_t)syscall(SYS_pread64, fd, to, n, at);
}

static ssize_t faulty_write(int fd, const void *from, size_t n, off_t at)
{
    if (hit(&n_writes, WRITE)) {
        errno = ENOSPC;
        return -1;
    }
    return (ssize_t)syscall(SYS_pwrite64, fd, from, n, at);
}

/* In the C library's place, under both of its names. */
ssize_t pread(int fd, void *to, size_t n, off_t at)
{
    return faulty_read(fd, to, n, at);
}

ssize_t pread64(int fd, void *to, size_t n, off_t at)
{
    return faulty_read(fd, to, n, at);
}

ssize_t pwrite(int fd, const void *from, size_t n, off_t at)
{
    return faulty_write(fd, from, n, at);
}

ssize_t pwrite64(int fd, const void *from, size_t n, off_t at)
{
    return faulty_write(fd, from, n, at);
}

int __real_pthread_create(pthread_t *out, const pthread_attr_t *attributes,
                          void *(*run)(void *), void *payload);
int __wrap_pthread_create(pthread_t *out, const pthread_attr_t *attributes,
                          void *(*run)(void *), void *payload);

int __wrap_pthread_create(pthread_t *out, const pthread_attr_t *attributes,
                          void *(*run)(void *), void *payload)
{
    if (hit(&n_threads, THREAD)) return EAGAIN;
    return __real_pthread_create(out, attributes, run, payload);
}

static void begin(fault kind, unsigned long n)
{
    atomic_store(&n_reads, 0);
    atomic_store(&n_writes, 0);
    atomic_store(&n_threads, 0);
    atomic_store(&failing, kind);
    atomic_store(&failing_nth, kind == ALLOCATION ? 0 : n);
    grt_memory_fail_nth(kind == ALLOCATION ? n : 0);
}

static void end(void)
{
    atomic_store(&failing_nth, 0);
    grt_memory_fail_nth(0);
}

static unsigned long count(fault kind)
{
    switch (kind) {
    case ALLOCATION: return 120; /* more than there are: the rest gives the same */
    case READ:
    case NO_READ: return atomic_load(&n_reads);
    case WRITE: return atomic_load(&n_writes);
    case THREAD:
    case N_FAULTS: break;
    }
    return atomic_load(&n_threads);
}

/* ---- What is run ---- */

typedef struct setup {
    const char *path;
    grt_hidden_storage hidden;
    grt_residency residency;
    size_t chunk_rows;
    int is_stepped;
} setup;

static const setup setups[] = {
    {"bert-f16", GRT_HIDDEN_F32, GRT_RESIDENCY_STREAMED, 0, 0},
    {"bert-f16", GRT_HIDDEN_FILE, GRT_RESIDENCY_STREAMED, 32, 1},
    {"roberta-gguf-unigram/model.gguf", GRT_HIDDEN_BF16, GRT_RESIDENCY_RESIDENT, 0, 1},
    {"qwen3-gguf-q4_0/model.gguf", GRT_HIDDEN_FILE, GRT_RESIDENCY_RESIDENT, 0, 0},
    {"qwen3-gguf-q4_0/model.gguf", GRT_HIDDEN_F32, GRT_RESIDENCY_STREAMED, 16, 1},
    {"llama-bf16", GRT_HIDDEN_FILE, GRT_RESIDENCY_STREAMED, 0, 0}};
enum { N_SETUPS = sizeof(setups) / sizeof(setups[0]) };

static char texts[N_DOCUMENTS][TEXT_BYTES];
static const char *documents[N_DOCUMENTS];
static unsigned long n_runs, n_failed, n_bad;

static void report(const setup *how, fault kind, unsigned long n, const char *what,
                   const grt_error *err)
{
    printf("BAD %s, hidden %d, residency %d: %s %lu: %s: %s\n", how->path,
           (int)how->hidden, (int)how->residency, fault_names[kind], n, what,
           err->text);
    n_bad++;
}

static grt_status open_both(grt_engine **engine, grt_model **model, const setup *how,
                            grt_error *err)
{
    char path[600];
    grt_engine_options options = GRT_ENGINE_OPTIONS_INIT;
    grt_model_options model_options = GRT_MODEL_OPTIONS_INIT;
    options.n_threads = 2;
    options.hidden = (int32_t)how->hidden;
    options.chunk_rows = how->chunk_rows;
    model_options.residency = (int32_t)how->residency;
    model_options.arithmetic = GRT_ARITHMETIC_F32;
    (void)snprintf(path, sizeof(path), "%s/golden/%s", GRT_TEST_DATA, how->path);
    grt_status status = grt_engine_create(engine, &options, err);
    if (status != GRT_OK) return status;
    return grt_model_open(model, *engine, path, &model_options, err);
}

static void close_both(grt_engine *engine, grt_model *model)
{
    grt_model_close(model);
    grt_engine_free(engine);
}

/* Logits by document. */
static grt_status rank(grt_model *model, const setup *how, float *logits,
                       grt_error *err)
{
    grt_request request = GRT_REQUEST_INIT;
    grt_policy_options policy = GRT_POLICY_OPTIONS_INIT;
    grt_ranking *ranking = NULL;
    grt_result *result = NULL;
    grt_status status;
    policy.policy = GRT_POLICY_NONE;
    request.query = "how do owls hunt";
    request.documents = documents;
    request.n_documents = N_DOCUMENTS;
    request.policy = &policy;
    if (how->is_stepped) {
        grt_step step = GRT_STEP_INIT;
        status = grt_ranking_open(&ranking, model, &request, err);
        while (status == GRT_OK && !step.is_done)
            status = grt_ranking_step(&step, ranking, err);
        if (status == GRT_OK) status = grt_ranking_result(&result, ranking, err);
        grt_ranking_free(ranking);
    } else {
        status = grt_rank(&result, model, &request, err);
    }
    for (size_t i = 0; result && i < N_DOCUMENTS; i++)
        logits[grt_result_indices(result)[i]] = grt_result_logits(result)[i];
    grt_result_free(result);
    return status;
}

typedef struct outcome {
    grt_status status;
    grt_error err;
    float logits[N_DOCUMENTS];
} outcome;

static void check(const outcome *found, const outcome *right, const setup *how,
                  fault kind, unsigned long n)
{
    n_runs++;
    n_failed += found->status != GRT_OK;
    if (found->status != GRT_OK && (!found->err.text[0] || found->status > 0))
        report(how, kind, n, "it does not say why", &found->err);
    if (found->status == GRT_OK &&
        memcmp(found->logits, right->logits, sizeof(right->logits)) != 0)
        report(how, kind, n, "another result", &found->err);
}

/* A fault while a request runs on an open model, half of them the model's first. */
static void sweep_requests(const setup *how, const outcome *right, fault kind,
                           unsigned long top, unsigned long stride)
{
    grt_engine *engine = NULL;
    grt_model *model = NULL;
    outcome found = {0};
    for (unsigned long n = 1; n <= top; n += stride) {
        if (n % 2) {
            close_both(engine, model);
            engine = NULL;
            model = NULL;
        }
        if (!model && open_both(&engine, &model, how, &found.err) != GRT_OK) abort();
        found.err = (grt_error){0};
        begin(kind, n);
        found.status = rank(model, how, found.logits, &found.err);
        end();
        check(&found, right, how, kind, n);
        found.status = rank(model, how, found.logits, &found.err);
        if (found.status != GRT_OK) report(how, kind, n, "unusable after", &found.err);
        check(&found, right, how, kind, n);
    }
    close_both(engine, model);
}

/* A fault while engine and model are opened. */
static void sweep_opening(const setup *how, const outcome *right, fault kind,
                          unsigned long top, unsigned long stride)
{
    uint64_t before = grt_memory_now();
    for (unsigned long n = 1; n <= top; n += stride) {
        grt_engine *engine = NULL;
        grt_model *model = NULL;
        outcome found = {0};
        begin(kind, n);
        found.status = open_both(&engine, &model, how, &found.err);
        end();
        if (found.status == GRT_OK)
            found.status = rank(model, how, found.logits, &found.err);
        check(&found, right, how, kind, n);
        close_both(engine, model);
        if (grt_memory_now() != before)
            report(how, kind, n, "memory is kept", &found.err);
    }
}

static void sweep(const setup *how, int is_every)
{
    grt_engine *engine = NULL;
    grt_model *model = NULL;
    outcome right = {0};
    unsigned long tops[N_FAULTS], opening[N_FAULTS];
    begin(READ, 0);
    if (open_both(&engine, &model, how, &right.err) != GRT_OK) abort();
    for (int kind = 0; kind < N_FAULTS; kind++)
        opening[kind] = count((fault)kind);
    begin(READ, 0);
    right.status = rank(model, how, right.logits, &right.err);
    for (int kind = 0; kind < N_FAULTS; kind++)
        tops[kind] = count((fault)kind) + 1;
    close_both(engine, model);
    if (right.status != GRT_OK) abort();
    for (int i = 0; i < N_FAULTS; i++) {
        fault kind = (fault)i;
        unsigned long stride = is_every || tops[i] <= FEW ? 1 : tops[i] / FEW | 1;
        sweep_requests(how, &right, kind, tops[i], stride);
        stride = is_every || opening[i] <= FEW ? 1 : opening[i] / FEW | 1;
        sweep_opening(how, &right, kind, opening[i], stride);
    }
}

int main(int argc, char **argv)
{
    int is_every = argc > 1 && strcmp(argv[1], "--every") == 0;
    for (size_t i = 0; i < N_DOCUMENTS; i++) {
        size_t used = 0;
        for (size_t j = 0; j < 5 + i % 4 * 7; j++)
            used += (size_t)snprintf(texts[i] + used, TEXT_BYTES - used, "%s",
                                     j % 3 ? "owl " : "bread ");
        documents[i] = texts[i];
    }
    for (size_t i = 0; i < N_SETUPS; i++)
        sweep(&setups[i], is_every);
    if (grt_memory_now() != 0) {
        printf("BAD: memory is kept at the end\n");
        n_bad++;
    }
    printf("%lu requests: %lu failed and said why, %lu bad\n", n_runs, n_failed, n_bad);
    return n_bad != 0;
}
