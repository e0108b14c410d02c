/* test_memory.c - the engine's budget: what the library allocates stays within it,
 * whoever shares it; what does not fit is told from what fits later, and what is named
 * works.  The promise about a whole process is the command's (tests/cli).
 *
 * Peaks cannot be taken back, so each job runs in a process of its own (this program
 * again, with --child).  Documents are made from a number, so that parent and child
 * know the same ones. */
#include "deep_checkpoint.h"
#include "opened.h"

#include "base/memory.h"

#include <math.h>
#include <sys/wait.h>
#include <unistd.h>

#define MINI GRT_SOURCE_DIR "/models/grating-mini"

enum { MIB = 1 << 20, KEPT = 64 };

/* What the child is to do. */
typedef struct job {
    char path[256];
    char second[256]; /* a model that ranks between, on the same engine; "": none */
    uint64_t budget_bytes; /* 0: none */
    size_t n_documents;
    size_t n_words;    /* of each document, at most */
    size_t n_requests; /* later ones have fewer documents, the last all again */
    int32_t residency;
    int32_t hidden;
    size_t n_cached_rows;
    grt_policy policy;
    size_t n_touched_bytes; /* by the host, before: and given back */
} job;

/* What came of it. */
typedef struct outcome {
    grt_status status;
    char text[240];
    uint64_t smallest_bytes;
    uint64_t peak_bytes;     /* allocated by the library since before the engine */
    uint64_t resident_bytes; /* VmHWM less what was resident before the engine */
    grt_stats stats;         /* its pointers mean nothing here */
    grt_memory_plan plan;
    float logits[KEPT]; /* of the first documents, by index */
} outcome;

/* ---- Documents ---- */

static char *make_document(size_t index, size_t n_words)
{
    static const char *const words[] = {"owls", "hunt",  "at",    "night",
                                        "by",   "sound", "steam", "engines",
                                        "heat", "water", "a",     "bread"};
    uint32_t seed = (uint32_t)index * 2654435761u + 1;
    char *text = calloc(n_words * 8 + 1, 1), *at = text;
    if (!text) exit(3);
    for (size_t i = index % (n_words / 2 + 1); i < n_words; i++) {
        seed = seed * 1664525u + 1013904223u;
        at += snprintf(at, 9, "%s ", words[(seed >> 16) % 12]);
    }
    return text;
}

typedef struct texts {
    char **documents;
    size_t n;
} texts;

static texts make_texts(size_t n, size_t n_words)
{
    texts t = {calloc(n, sizeof(char *)), n};
    if (!t.documents) exit(3);
    for (size_t i = 0; i < n; i++)
        t.documents[i] = make_document(i, n_words);
    return t;
}

static void free_texts(texts *t)
{
    for (size_t i = 0; i < t->n; i++)
        free(t->documents[i]);
    free(t->documents);
}

static grt_request request_of(const texts *t, size_t n)
{
    grt_request request = GRT_REQUEST_INIT;
    request.query = "how do owls hunt";
    request.documents = (const char *const *)t->documents;
    request.n_documents = n;
    request.k = 3;
    request.policy = &full_pass;
    return request;
}

/* ---- The child ---- */

/* The line of /proc/self/status that begins with `name` ("VmHWM:"), in bytes. */
static uint64_t resident(const char *name)
{
    char line[256];
    unsigned long long kib = 0;
    FILE *file = fopen("/proc/self/status", "r");
    while (file && fgets(line, sizeof(line), file))
        if (!strncmp(line, name, strlen(name)))
            kib = strtoull(line + strlen(name), NULL, 10);
    if (file) (void)fclose(file);
    return (uint64_t)kib * 1024;
}

static void touch_and_give_back(size_t n_bytes)
{
    unsigned char *volatile taken = n_bytes ? malloc(n_bytes) : NULL;
    if (taken) memset(taken, 1, n_bytes);
    free(taken);
}

static grt_status run_requests(const job *work, grt_model *model, grt_model *second,
                               const texts *t, outcome *out, grt_error *err)
{
    grt_policy_options policy = policy_of(work->policy);
    for (size_t i = 0; i < work->n_requests; i++) {
        int has_all = i == 0 || i + 1 == work->n_requests;
        grt_request request = request_of(t, has_all ? t->n : 1 + t->n / (i + 1));
        request.policy = &policy;
        grt_result *result = NULL;
        grt_status status = grt_rank(&result, model, &request, err);
        if (status != GRT_OK) return status;
        out->stats = stats_of(result);
        out->plan = plan_of(result);
        for (size_t j = 0; j < grt_result_count(result); j++) {
            size_t index = grt_result_indices(result)[j];
            if (index < KEPT) out->logits[index] = grt_result_logits(result)[j];
        }
        grt_result_free(result);
        if (!second) continue;
        status = grt_rank(&result, second, &request, err);
        if (status != GRT_OK) return status;
        grt_result_free(result);
    }
    return GRT_OK;
}

static grt_status run_models(const job *work, grt_engine *engine, const texts *t,
                             outcome *out, grt_error *err)
{
    grt_model *model = NULL, *second = NULL;
    grt_model_options options = GRT_MODEL_OPTIONS_INIT;
    options.residency = work->residency;
    options.n_cached_rows = work->n_cached_rows;
    grt_status status = grt_model_open(&model, engine, work->path, &options, err);
    if (status == GRT_OK && work->second[0])
        status = grt_model_open(&second, engine, work->second, &options, err);
    if (status == GRT_OK) status = run_requests(work, model, second, t, out, err);
    grt_model_close(second);
    grt_model_close(model);
    return status;
}

static grt_status run_job(const job *work, outcome *out, grt_error *err)
{
    texts t = make_texts(work->n_documents, work->n_words);
    touch_and_give_back(work->n_touched_bytes);
    uint64_t allocated = grt_memory_now(), before = resident("VmRSS:");
    grt_engine *engine = NULL;
    grt_engine_options options = GRT_ENGINE_OPTIONS_INIT;
    options.n_threads = 2;
    options.memory_bytes = work->budget_bytes;
    options.hidden = work->hidden;
    grt_status status = grt_engine_create(&engine, &options, err);
    if (status == GRT_OK) status = run_models(work, engine, &t, out, err);
    grt_engine_free(engine);
    out->peak_bytes = grt_memory_peak() - allocated;
    out->resident_bytes = resident("VmHWM:") - before;
    free_texts(&t);
    return status;
}

/* Reads a job from standard input, writes its outcome to standard output. */
static int child_main(void)
{
    static outcome out;
    job work;
    grt_error err = {0};
    if (fread(&work, sizeof(work), 1, stdin) != 1) return 3;
    out.status = run_job(&work, &out, &err);
    memcpy(out.text, err.text, sizeof(out.text));
    out.smallest_bytes = err.smallest_bytes;
    return fwrite(&out, sizeof(out), 1, stdout) == 1 ? 0 : 3;
}

/* ---- The parent ---- */

static void become_child(const int in[2], const int out[2])
{
    if (dup2(in[0], 0) < 0 || dup2(out[1], 1) < 0) _exit(4);
    for (int i = 0; i < 2; i++) {
        (void)close(in[i]);
        (void)close(out[i]);
    }
    (void)execl("/proc/self/exe", "test_memory", "--child", (char *)NULL);
    _exit(4);
}

static outcome run(const job *work)
{
    outcome found = {0};
    int in[2], out[2], code = 0;
    assert_int_equal(pipe(in), 0);
    assert_int_equal(pipe(out), 0);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) become_child(in, out);
    (void)close(in[0]);
    (void)close(out[1]);
    assert_int_equal(write(in[1], work, sizeof(*work)), sizeof(*work));
    (void)close(in[1]);
    size_t n = 0;
    for (ssize_t got; n < sizeof(found); n += (size_t)got) {
        got = read(out[0], (char *)&found + n, sizeof(found) - n);
        if (got <= 0) break;
    }
    (void)close(out[0]);
    assert_int_equal(waitpid(child, &code, 0), child);
    if (!WIFEXITED(code) || WEXITSTATUS(code) != 0 || n != sizeof(found))
        fail_msg("%s with %llu bytes: the child ended with code %x", work->path,
                 (unsigned long long)work->budget_bytes, (unsigned)code);
    return found;
}

static double mib(uint64_t n_bytes)
{
    return (double)n_bytes / MIB;
}

/* What the allocator, stacks and other libraries (JSON, regular expressions) take
 * beside what the library counts. */
enum { UNCOUNTED = 6 * MIB };

/* Runs within the budget: by the library's own count, and by the kernel's. */
static outcome run_within(const job *work)
{
    outcome found = run(work);
    if (found.status != GRT_OK)
        fail_msg("%s with %.2f MiB: %s", work->path, mib(work->budget_bytes),
                 found.text);
    /* Opening a model has no plan: its tokenizer's text is there while it is read. */
    uint64_t opening = work->second[0] ? 128 << 10 : 0;
    if (found.peak_bytes > work->budget_bytes + opening)
        fail_msg("%s: %.3f MiB allowed, %.3f MiB planned, %.3f MiB allocated",
                 work->path, mib(work->budget_bytes), mib(found.plan.total_bytes),
                 mib(found.peak_bytes));
    if (!GRT_TEST_SANITIZED && !work->n_touched_bytes &&
        found.resident_bytes > work->budget_bytes + UNCOUNTED)
        fail_msg("%s: %.2f MiB allowed, %.2f MiB resident", work->path,
                 mib(work->budget_bytes), mib(found.resident_bytes));
    assert_int_equal(found.plan.budget_bytes, work->budget_bytes);
    assert_true(found.plan.total_bytes <= work->budget_bytes);
    return found;
}

/* The smallest budget: opening names one, then ranking another.  With two models each
 * is tried until all works; else what ranking names is the caller's to try. */
static uint64_t smallest_budget(job work)
{
    work.budget_bytes = 1;
    for (int i = 0; i < 8; i++) {
        outcome found = run(&work);
        if (found.status == GRT_OK) return work.budget_bytes;
        assert_int_equal(found.status, GRT_E_NO_MEMORY);
        assert_true(found.smallest_bytes > work.budget_bytes);
        work.budget_bytes = found.smallest_bytes;
        if (!work.second[0] && strstr(found.text, " documents (")) break;
    }
    return work.budget_bytes;
}

static void check_logits(const outcome *found, const outcome *full, size_t n)
{
    int is_bf16 = found->plan.hidden == GRT_HIDDEN_BF16;
    for (size_t i = 0; i < n && i < KEPT; i++) {
        float off = fabsf(found->logits[i] - full->logits[i]);
        if (!(is_bf16 ? off < 0.2f : off == 0.0f))
            fail_msg("document %zu: %.9g, not %.9g", i, (double)found->logits[i],
                     (double)full->logits[i]);
    }
}

/* From the smallest budget to one that all fits in; returns which storages were seen.
 */
static unsigned check_budgets(job work)
{
    static const uint64_t percents[] = {100, 106, 115, 150, 300};
    unsigned storages = 0;
    work.budget_bytes = 0;
    outcome full = run(&work);
    if (full.status != GRT_OK) fail_msg("%s", full.text);
    uint64_t smallest = smallest_budget(work);
    for (size_t i = 0; i < sizeof(percents) / sizeof(percents[0]); i++) {
        work.budget_bytes = smallest * percents[i] / 100;
        work.n_requests = i % 2 ? 1 : 4;
        outcome found = run_within(&work);
        check_logits(&found, &full, work.n_documents);
        storages |= 1u << found.plan.hidden;
    }
    work.n_requests = 1;
    work.budget_bytes = smallest - 1;
    outcome refused = run(&work);
    assert_int_equal(refused.status, GRT_E_NO_MEMORY);
    assert_int_equal(refused.smallest_bytes, smallest);
    assert_non_null(strstr(refused.text, "the smallest budget that works is "));
    return storages;
}

/* ---- One request ---- */

static void test_the_bundled_model_keeps_its_budget(void **state)
{
    (void)state;
    job work = {.path = MINI,
                .n_documents = 40,
                .n_words = 60,
                .n_requests = 1,
                .policy = GRT_POLICY_NONE};
    unsigned storages = check_budgets(work);
    assert_true(storages & 1u << GRT_HIDDEN_F32);
    assert_true(storages & (1u << GRT_HIDDEN_BF16 | 1u << GRT_HIDDEN_FILE));
    work.hidden = GRT_HIDDEN_FILE;
    assert_int_equal(check_budgets(work), 1u << GRT_HIDDEN_FILE);
}

static void test_a_deep_model_keeps_its_budget(void **state)
{
    (void)state;
    deep_checkpoint deep;
    deep_write(&deep, 40);
    job work = {
        .n_documents = 20, .n_words = 30, .n_requests = 1, .policy = GRT_POLICY_NONE};
    (void)snprintf(work.path, sizeof(work.path), "%s", deep.directory);
    unsigned storages = check_budgets(work);
    deep_remove(&deep);
    assert_true(storages & 1u << GRT_HIDDEN_F32);
}

/* Small arrays of each document add up. */
static void test_many_small_documents_are_counted(void **state)
{
    (void)state;
    job work = {.path = GRT_TEST_DATA "/golden/bert-f32",
                .n_documents = 40000,
                .n_words = 1,
                .n_requests = 2,
                .policy = GRT_POLICY_BOUND};
    work.budget_bytes = smallest_budget(work);
    (void)run_within(&work);
    work.n_documents = 2000;
    work.n_words = 160;
    work.budget_bytes = smallest_budget(work);
    (void)run_within(&work);
}

/* What the host had and gave back is no concern of the engine's. */
static void test_a_host_that_touched_twice_the_budget(void **state)
{
    (void)state;
    job work = {.path = MINI,
                .n_documents = 40,
                .n_words = 60,
                .n_requests = 2,
                .policy = GRT_POLICY_NONE};
    uint64_t smallest = smallest_budget(work);
    work.budget_bytes = smallest;
    work.n_touched_bytes = 2 * (size_t)smallest;
    outcome found = run_within(&work);
    work.n_touched_bytes = 0;
    outcome undisturbed = run_within(&work);
    assert_memory_equal(&found.plan, &undisturbed.plan, sizeof(found.plan));
}

static void test_memory_does_not_grow_with_layers(void **state)
{
    (void)state;
    static const size_t depths[] = {4, 28, 56};
    uint64_t peaks[3], smallest[3];
    for (size_t i = 0; i < 3; i++) {
        deep_checkpoint deep;
        deep_write(&deep, depths[i]);
        job work = {.n_documents = 8,
                    .n_words = 20,
                    .n_requests = 2,
                    .residency = GRT_RESIDENCY_STREAMED,
                    .policy = GRT_POLICY_NONE};
        (void)snprintf(work.path, sizeof(work.path), "%s", deep.directory);
        outcome found = run(&work);
        if (found.status != GRT_OK) fail_msg("%s", found.text);
        assert_int_equal(found.stats.n_layers, depths[i]);
        assert_int_equal(found.plan.n_slots, 2);
        peaks[i] = found.peak_bytes;
        smallest[i] = smallest_budget(work);
        deep_remove(&deep);
    }
    /* 52 layers are 20 MiB; the names of their tensors may be told */
    for (size_t i = 1; i < 3; i++) {
        if (peaks[i] > peaks[0] + 3 * MIB / 2)
            fail_msg("%zu layers: %.2f MiB, 4 layers: %.2f MiB", depths[i],
                     mib(peaks[i]), mib(peaks[0]));
        assert_true(smallest[i] <= smallest[0] + 3 * MIB / 2);
    }
}

/* ---- Sharing ---- */

/* One after the other each gives the other's layers and buffers room. */
static void test_two_models_share_one_budget(void **state)
{
    (void)state;
    job work = {.path = MINI,
                .second = GRT_TEST_DATA "/golden/qwen3-bf16",
                .n_documents = 30,
                .n_words = 40,
                .n_requests = 3,
                .policy = GRT_POLICY_NONE};
    job alone = work;
    alone.second[0] = '\0';
    uint64_t smallest = smallest_budget(work);
    assert_true(smallest > smallest_budget(alone));
    work.budget_bytes = 0;
    outcome full = run(&work);
    if (full.status != GRT_OK) fail_msg("%s", full.text);
    for (size_t percent = 100; percent <= 200; percent += 50) {
        work.budget_bytes = smallest * percent / 100;
        outcome found = run_within(&work);
        check_logits(&found, &full, work.n_documents);
    }
}

static grt_model *open_under(uint64_t memory_bytes)
{
    setup s = SETUP_INIT;
    s.engine.n_threads = 1;
    s.engine.memory_bytes = memory_bytes;
    return open_with(MINI, &s);
}

/* Steps a ranking until it is done. */
static void finish(grt_ranking *ranking)
{
    while (!step_ok(ranking).is_done) {
    }
}

/* Finishes, reads and frees it. */
static void take_logits(grt_ranking *ranking, float *logits)
{
    finish(ranking);
    grt_result *result = result_ok(ranking);
    logits_of(result, logits);
    grt_result_free(result);
    grt_ranking_free(ranking);
}

/* The smallest budget that a ranking of the model works with. */
static uint64_t smallest_of(const grt_request *request)
{
    grt_error err;
    grt_result *result = NULL;
    grt_model *model = open_under((uint64_t)1 << 34);
    grt_engine_set_memory(grt_model_engine(model), 1);
    assert_int_equal(grt_rank(&result, model, request, &err), GRT_E_NO_MEMORY);
    uint64_t smallest = err.smallest_bytes;
    assert_true(smallest > 1);
    close_with(model);
    return smallest;
}

/* Two that do not fit side by side: the second is told to wait, waits, and fits. */
static void test_what_fits_later_is_busy(void **state)
{
    (void)state;
    grt_error err;
    grt_step step = GRT_STEP_INIT;
    texts t = make_texts(60, 60);
    grt_request request = request_of(&t, 60);
    uint64_t smallest = smallest_of(&request);
    grt_model *model = open_under(smallest);
    float wanted[60], found[60];
    grt_ranking *first = open_ranking(model, &request);
    (void)step_ok(first);
    assert_true(usage_of(model).reserved_bytes <= smallest);
    assert_int_equal(usage_of(model).n_rankings, 1);
    grt_ranking *second = open_ranking(model, &request);
    assert_refused(grt_ranking_step(&step, second, &err), GRT_E_BUSY, &err,
                   "beside what others");
    uint64_t beside = err.smallest_bytes;
    assert_true(beside > smallest);
    grt_ranking_free(second);
    /* with what was named it runs beside the first one, which goes on as it was */
    grt_engine_set_memory(grt_model_engine(model), beside - 1);
    second = open_ranking(model, &request);
    assert_int_equal(grt_ranking_step(&step, second, NULL), GRT_E_BUSY);
    grt_ranking_free(second);
    grt_engine_set_memory(grt_model_engine(model), beside);
    second = open_ranking(model, &request);
    (void)step_ok(second);
    assert_true(usage_of(model).reserved_bytes <= beside);
    assert_int_equal(usage_of(model).n_rankings, 2);
    (void)step_ok(first);
    take_logits(second, wanted);
    take_logits(first, found);
    assert_memory_equal(found, wanted, sizeof(wanted));
    assert_int_equal(usage_of(model).n_rankings, 0);
    /* and when it has ended, with the first budget */
    grt_engine_set_memory(grt_model_engine(model), smallest);
    rank_logits(model, &request, found);
    assert_memory_equal(found, wanted, sizeof(wanted));
    close_with(model);
    free_texts(&t);
}

static void test_what_never_fits_is_no_memory(void **state)
{
    (void)state;
    grt_error err;
    grt_step step = GRT_STEP_INIT;
    texts t = make_texts(60, 60);
    grt_request small = request_of(&t, 2), large = request_of(&t, 60);
    grt_model *model = open_under(smallest_of(&large) - 1);
    grt_ranking *first = open_ranking(model, &small);
    (void)step_ok(first);
    grt_ranking *second = open_ranking(model, &large);
    assert_refused(grt_ranking_step(&step, second, &err), GRT_E_NO_MEMORY, &err,
                   "the smallest budget that works is ");
    assert_int_equal(err.smallest_bytes, smallest_of(&large));
    grt_ranking_free(second);
    finish(first);
    grt_ranking_free(first);
    close_with(model);
    free_texts(&t);
}

/* Two rankings of one model beside each other, and of two models: reserved never goes
 * above the budget, and what each gives is what it gives alone. */
static void test_rankings_beside_each_other(void **state)
{
    (void)state;
    texts t = make_texts(40, 30);
    grt_request large = request_of(&t, 40), small = request_of(&t, 7);
    grt_model *alone = open_under(0);
    float wanted[40], wanted_small[7], found[40];
    rank_logits(alone, &large, wanted);
    rank_logits(alone, &small, wanted_small);
    close_with(alone);
    uint64_t budget = 2 * smallest_of(&large) + 20 * MIB;
    grt_model *model = open_under(budget);
    grt_model *other = open_on(grt_model_engine(model), MINI, NULL);
    for (int same = 0; same < 2; same++) {
        grt_ranking *a = open_ranking(model, &large);
        grt_ranking *b = open_ranking(same ? model : other, &small);
        for (int is_done = 0; !is_done;) {
            is_done = step_ok(a).is_done;
            assert_true(usage_of(model).reserved_bytes <= budget);
            (void)step_ok(b);
        }
        finish(b);
        grt_result *result = result_ok(a);
        logits_of(result, found);
        grt_result_free(result);
        assert_memory_equal(found, wanted, sizeof(wanted));
        result = result_ok(b);
        logits_of(result, found);
        grt_result_free(result);
        assert_memory_equal(found, wanted_small, sizeof(wanted_small));
        grt_ranking_free(a);
        grt_ranking_free(b);
    }
    grt_model_close(other);
    close_with(model);
    free_texts(&t);
}

static void test_what_was_reserved_comes_back(void **state)
{
    (void)state;
    texts t = make_texts(30, 30);
    grt_request request = request_of(&t, 30);
    grt_engine_options options = GRT_ENGINE_OPTIONS_INIT;
    grt_engine_usage usage = GRT_ENGINE_USAGE_INIT;
    options.memory_bytes = (uint64_t)1 << 30;
    grt_engine *engine = new_engine(&options);
    assert_int_equal(grt_engine_describe(engine, &usage), GRT_OK);
    uint64_t idle = usage.reserved_bytes, allocated = grt_memory_now();
    grt_model *model = open_on(engine, MINI, NULL);
    uint64_t opened = usage_of(model).reserved_bytes;
    assert_true(opened > idle);
    for (int i = 0; i < 3; i++) { /* left at the start, in the middle, at the end */
        grt_ranking *ranking = open_ranking(model, &request);
        for (int step = 0; step < 4 * i; step++)
            (void)step_ok(ranking);
        grt_ranking_free(ranking);
        assert_int_equal(usage_of(model).n_rankings, 0);
    }
    grt_model *other = open_on(engine, MINI, NULL);
    uint64_t both = usage_of(model).reserved_bytes;
    assert_true(both > opened);
    grt_model_close(other);
    assert_int_equal(usage_of(model).n_models, 1);
    assert_true(usage_of(model).reserved_bytes < both);
    /* what an idle model keeps goes when it is closed */
    grt_model_close(model);
    assert_int_equal(grt_engine_describe(engine, &usage), GRT_OK);
    assert_int_equal(usage.reserved_bytes, idle);
    assert_int_equal(grt_memory_now(), allocated);
    grt_engine_free(engine);
    free_texts(&t);
}

static void test_a_model_that_does_not_fit_is_refused(void **state)
{
    (void)state;
    grt_error err;
    grt_model *model = NULL;
    grt_engine_options options = GRT_ENGINE_OPTIONS_INIT;
    options.memory_bytes = 1000;
    grt_engine *engine = new_engine(&options);
    uint64_t before = grt_memory_now();
    assert_refused(grt_model_open(&model, engine, MINI, NULL, &err), GRT_E_NO_MEMORY,
                   &err, "MiB");
    assert_null(model);
    assert_true(err.smallest_bytes > 1000);
    assert_int_equal(grt_memory_now(), before);
    grt_engine_set_memory(engine, err.smallest_bytes);
    model = open_on(engine, MINI, NULL);
    assert_true(usage_of(model).reserved_bytes <= err.smallest_bytes);
    grt_model_close(model);
    grt_engine_free(engine);
}

/* ---- Plans ---- */

static void test_plans_without_a_request(void **state)
{
    (void)state;
    grt_error err;
    grt_memory_plan plan = GRT_MEMORY_PLAN_INIT, free_plan = GRT_MEMORY_PLAN_INIT;
    grt_model *model = open_under(0);
    grt_engine *engine = grt_model_engine(model);
    assert_ok(grt_plan_memory(&free_plan, model, 100, 200, &err), &err);
    assert_int_equal(free_plan.n_layers, 8);
    assert_int_equal(free_plan.budget_bytes, 0);
    grt_engine_set_memory(engine, 1);
    assert_refused(grt_plan_memory(&plan, model, 100, 200, &err), GRT_E_NO_MEMORY, &err,
                   "100 documents (20000 tokens) do not fit");
    uint64_t smallest = plan.smallest_bytes;
    assert_true(smallest > 1 && smallest < free_plan.total_bytes);
    assert_int_equal(err.smallest_bytes, smallest);
    grt_engine_set_memory(engine, smallest - 1);
    assert_refused(grt_plan_memory(&plan, model, 100, 200, &err), GRT_E_NO_MEMORY, &err,
                   "the smallest budget that works is ");
    for (uint64_t more = 0; more < 200 * MIB; more = more * 2 + MIB / 2) {
        grt_memory_plan found = GRT_MEMORY_PLAN_INIT;
        grt_engine_set_memory(engine, smallest + more);
        assert_ok(grt_plan_memory(&found, model, 100, 200, &err), &err);
        assert_true(found.total_bytes <= smallest + more);
        assert_int_equal(found.budget_bytes, smallest + more);
        assert_int_equal(found.smallest_bytes, smallest);
    }
    assert_refused(grt_plan_memory(&plan, model, 0, 200, &err), GRT_E_INVALID_ARG, &err,
                   "0 documents");
    assert_refused(grt_plan_memory(&plan, model, 1, 0, &err), GRT_E_INVALID_ARG, &err,
                   "0 tokens");
    assert_refused(grt_plan_memory(&plan, model, 1, 513, &err), GRT_E_INVALID_ARG, &err,
                   "1 to 512 tokens");
    assert_refused(grt_plan_memory(&plan, model, SIZE_MAX / 2, 512, &err),
                   GRT_E_TOO_LONG, &err, "documents are too many");
    assert_refused(grt_plan_memory(NULL, model, 1, 1, &err), GRT_E_INVALID_ARG, &err,
                   "no output");
    assert_refused(grt_plan_memory(&plan, NULL, 1, 1, &err), GRT_E_INVALID_ARG, &err,
                   "no model");
    close_with(model);
}

/* A plan counts what is open now, and nothing that an idle model could drop. */
static void test_plans_beside_others(void **state)
{
    (void)state;
    grt_error err;
    texts t = make_texts(40, 60);
    grt_request request = request_of(&t, 40);
    grt_memory_plan before = GRT_MEMORY_PLAN_INIT, during = before, after = before;
    grt_model *model = open_under((uint64_t)1 << 30);
    assert_ok(grt_plan_memory(&before, model, 100, 200, &err), &err);
    grt_ranking *ranking = open_ranking(model, &request);
    (void)step_ok(ranking);
    assert_ok(grt_plan_memory(&during, model, 100, 200, &err), &err);
    assert_true(during.other_bytes > before.other_bytes);
    uint64_t smallest = during.smallest_bytes;
    assert_true(smallest > before.smallest_bytes);
    grt_engine_set_memory(grt_model_engine(model), smallest - 1);
    assert_refused(grt_plan_memory(&during, model, 100, 200, &err), GRT_E_BUSY, &err,
                   "beside what others");
    grt_engine_set_memory(grt_model_engine(model), (uint64_t)1 << 30);
    finish(ranking);
    grt_ranking_free(ranking);
    assert_ok(grt_plan_memory(&after, model, 100, 200, &err), &err);
    assert_int_equal(after.smallest_bytes, before.smallest_bytes);
    close_with(model);
    free_texts(&t);
}

/* Time is counted in rows computed: twice the documents, twice the rows. */
static void test_work_is_linear_in_documents(void **state)
{
    (void)state;
    static const char *const paths[] = {GRT_TEST_DATA "/golden/bert-f32",
                                        GRT_TEST_DATA "/golden/qwen3-bf16"};
    enum { MOST = 160 };
    static const char *documents[MOST];
    for (size_t i = 0; i < MOST; i++)
        documents[i] = "owls hunt at night";
    for (size_t m = 0; m < 2; m++) {
        uint64_t last = 0;
        grt_model *model = open_on(NULL, paths[m], NULL);
        for (size_t n = 10; n <= MOST; n *= 2) {
            grt_request request = GRT_REQUEST_INIT;
            request.query = "how do owls hunt";
            request.documents = documents;
            request.n_documents = n;
            request.policy = &full_pass;
            grt_result *result = rank_ok(model, &request);
            grt_stats stats = stats_of(result);
            uint64_t shared = stats.n_prefix * (stats.n_layers - 1);
            assert_int_equal(stats.candidates_x_layers, n * stats.n_layers);
            uint64_t rows = stats.tokens_x_layers - shared;
            assert_int_equal(rows % n, 0);
            if (last) assert_int_equal(rows, 2 * last);
            last = rows;
            grt_result_free(result);
        }
        grt_model_close(model);
    }
}

int main(int argc, char **argv)
{
    if (argc > 1 && strcmp(argv[1], "--child") == 0) return child_main();
    if (argc > 1) cmocka_set_test_filter(argv[1]); /* one test, by its name */
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_bundled_model_keeps_its_budget),
        cmocka_unit_test(test_a_deep_model_keeps_its_budget),
        cmocka_unit_test(test_many_small_documents_are_counted),
        cmocka_unit_test(test_a_host_that_touched_twice_the_budget),
        cmocka_unit_test(test_memory_does_not_grow_with_layers),
        cmocka_unit_test(test_two_models_share_one_budget),
        cmocka_unit_test(test_what_fits_later_is_busy),
        cmocka_unit_test(test_what_never_fits_is_no_memory),
        cmocka_unit_test(test_rankings_beside_each_other),
        cmocka_unit_test(test_what_was_reserved_comes_back),
        cmocka_unit_test(test_a_model_that_does_not_fit_is_refused),
        cmocka_unit_test(test_plans_without_a_request),
        cmocka_unit_test(test_plans_beside_others),
        cmocka_unit_test(test_work_is_linear_in_documents),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
