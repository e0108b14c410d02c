/* test_memory.c - the memory promise, held against what the kernel counts.
 *
 * Each request runs in a process of its own (this program again, with --child), whose
 * data may not grow past the budget either.  Documents are made from a number, so that
 * parent and child know the same ones. */
#include "test.h"

#include "deep_checkpoint.h"

#include <math.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#define MINI GRT_SOURCE_DIR "/models/grating-mini"

enum { MIB = 1 << 20, KEPT = 64 };
/* Data that is never resident: stacks of four threads, heaps of the allocator. */
enum { DATA_SLACK = 4 * MIB };

/* What the child is to do. */
typedef struct job {
    char path[256];
    uint64_t budget_bytes; /* 0: no promise */
    size_t n_documents;
    size_t n_words;    /* of each document, at most */
    size_t n_requests; /* later ones have fewer documents, the last all again */
    grt_residency residency;
    grt_hidden_storage hidden;
    size_t n_cached_rows;
    grt_policy policy;
    int has_data_limit; /* RLIMIT_DATA is the budget */
    /* The first request is decided after one layer; then the process itself takes so
     * many bytes. */
    size_t n_taken_bytes;
} job;

/* What came of it. */
typedef struct outcome {
    grt_status status;
    char text[240];
    uint64_t peak_bytes;         /* VmHWM at the end */
    grt_stats stats;             /* its pointers mean nothing here */
    float logits[KEPT];          /* of the first documents, by index */
    uint64_t max_resident_bytes; /* by wait4: the kernel's own */
} outcome;

/* ---- The child ---- */

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

/* VmHWM, in bytes. */
static uint64_t resident_peak(void)
{
    char line[256];
    unsigned long long kib = 0;
    FILE *file = fopen("/proc/self/status", "r");
    while (file && fgets(line, sizeof(line), file))
        if (sscanf(line, "VmHWM: %llu", &kib) == 1) break;
    if (file) (void)fclose(file);
    return (uint64_t)kib * 1024;
}

static void take(size_t n_bytes)
{
    static unsigned char *volatile taken;
    taken = n_bytes ? malloc(n_bytes) : NULL;
    if (taken) memset(taken, 1, n_bytes);
}

static grt_status run_requests(const job *work, grt_session *session,
                               const char *const *documents, outcome *out,
                               grt_error *err)
{
    static const grt_schedule_entry at_once = {1, 1, SIZE_MAX};
    for (size_t i = 0; i < work->n_requests; i++) {
        int has_all = i == 0 || i + 1 == work->n_requests;
        size_t n = work->n_documents;
        grt_request request = GRT_REQUEST_INIT;
        request.query = "how do owls hunt";
        request.documents = documents;
        request.n_documents = has_all ? n : 1 + n / (i + 1);
        request.k = 3;
        request.policy = work->policy;
        if (work->n_taken_bytes && i == 0) {
            request.policy = GRT_POLICY_SCHEDULE;
            request.schedule = &at_once;
            request.n_schedule = 1;
        }
        grt_result *result = NULL;
        grt_status status = grt_rank(session, &request, &result, err);
        if (status != GRT_OK) return status;
        if (i == 0) take(work->n_taken_bytes);
        out->stats = *grt_result_stats(result);
        for (size_t j = 0; j < grt_result_count(result); j++) {
            const grt_item *item = &grt_result_items(result)[j];
            if (item->index < KEPT) out->logits[item->index] = item->logit;
        }
        grt_result_free(result);
    }
    return GRT_OK;
}

static grt_status run_job(const job *work, outcome *out, grt_error *err)
{
    char **texts = calloc(work->n_documents, sizeof(*texts));
    const char **documents = calloc(work->n_documents, sizeof(*documents));
    if (!texts || !documents) exit(3);
    for (size_t i = 0; i < work->n_documents; i++)
        documents[i] = texts[i] = make_document(i, work->n_words);
    grt_model *model = NULL;
    grt_session *session = NULL;
    grt_session_options options = GRT_SESSION_OPTIONS_INIT;
    options.n_threads = 2;
    options.memory_bytes = work->budget_bytes;
    options.residency = work->residency;
    options.hidden = work->hidden;
    options.n_cached_rows = work->n_cached_rows;
    grt_status status = grt_model_open(&model, work->path, NULL, err);
    if (status == GRT_OK) status = grt_session_create(&session, model, &options, err);
    if (status == GRT_OK) status = run_requests(work, session, documents, out, err);
    grt_session_free(session);
    grt_model_close(model);
    for (size_t i = 0; i < work->n_documents; i++)
        free(texts[i]);
    free(texts);
    free(documents);
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
    out.peak_bytes = resident_peak();
    return fwrite(&out, sizeof(out), 1, stdout) == 1 ? 0 : 3;
}

/* ---- The parent ---- */

static void limit(int what, rlim_t n_bytes)
{
    struct rlimit both = {n_bytes, n_bytes};
    if (setrlimit(what, &both) != 0) _exit(4);
}

static void become_child(const job *work, const int in[2], const int out[2])
{
    if (dup2(in[0], 0) < 0 || dup2(out[1], 1) < 0) _exit(4);
    for (int i = 0; i < 2; i++) {
        (void)close(in[i]);
        (void)close(out[i]);
    }
    /* stacks of threads count as data, in full */
    limit(RLIMIT_STACK, 512 << 10);
    if (work->has_data_limit && work->budget_bytes)
        limit(RLIMIT_DATA, work->budget_bytes + DATA_SLACK);
    (void)execl("/proc/self/exe", "test_memory", "--child", (char *)NULL);
    _exit(4);
}

static outcome run(const job *work)
{
    outcome found = {0};
    int in[2], out[2], code = 0;
    struct rusage usage;
    assert_int_equal(pipe(in), 0);
    assert_int_equal(pipe(out), 0);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) become_child(work, in, out);
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
    assert_int_equal(wait4(child, &code, 0, &usage), child);
    if (!WIFEXITED(code) || WEXITSTATUS(code) != 0 || n != sizeof(found))
        fail_msg("%s with %llu bytes: the child ended with code %x", work->path,
                 (unsigned long long)work->budget_bytes, (unsigned)code);
    found.max_resident_bytes = (uint64_t)usage.ru_maxrss * 1024;
    return found;
}

static double mib(uint64_t n_bytes)
{
    return (double)n_bytes / MIB;
}

/* Runs within the budget, and the kernel agrees. */
static outcome run_within(const job *work)
{
    outcome found = run(work);
    const grt_memory_plan *plan = &found.stats.plan;
    if (found.status != GRT_OK)
        fail_msg("%s with %.2f MiB: %s", work->path, mib(work->budget_bytes),
                 found.text);
    if (found.peak_bytes > work->budget_bytes ||
        found.max_resident_bytes > work->budget_bytes)
        fail_msg("%s: %.2f MiB allowed, %.2f MiB planned, %.2f (%.2f) MiB resident",
                 work->path, mib(work->budget_bytes), mib(plan->total_bytes),
                 mib(found.peak_bytes), mib(found.max_resident_bytes));
    assert_true(plan->total_bytes <= work->budget_bytes);
    return found;
}

/* The smallest budget, as a request that gets too little is told. */
static uint64_t smallest_budget(job work)
{
    static const char before[] = "the smallest budget that works is ";
    work.n_requests = 1;
    work.budget_bytes = 1;
    work.has_data_limit = 0;
    outcome found = run(&work);
    assert_int_equal(found.status, GRT_E_NO_MEMORY); /* the process alone is larger */
    assert_non_null(strstr(found.text, "more than the 0.0 MiB allowed"));
    work.budget_bytes = found.peak_bytes + MIB / 2;
    found = run(&work);
    assert_int_equal(found.status, GRT_E_NO_MEMORY);
    const char *at = strstr(found.text, before);
    if (!at) fail_msg("\"%s\" does not name the smallest budget", found.text);
    unsigned long long n = strtoull(at + strlen(before), NULL, 10);
    assert_true(n * MIB > work.budget_bytes);
    return n * MIB;
}

static int needs_real_memory(void)
{
    if (GRT_TEST_SANITIZED)
        print_message("SKIP: a sanitizer's memory is not the library's\n");
    else if (getenv("GRT_ISA"))
        print_message("SKIP: slower instructions take the same memory\n");
    else
        return 1;
    return 0;
}

static void check_logits(const outcome *found, const outcome *full, size_t n)
{
    int is_bf16 = found->stats.plan.hidden == GRT_HIDDEN_BF16;
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
        storages |= 1u << found.stats.plan.hidden;
    }
    work.n_requests = 1;
    work.budget_bytes = smallest - 2 * MIB; /* a process may differ by some pages */
    outcome refused = run(&work);
    assert_int_equal(refused.status, GRT_E_NO_MEMORY);
    return storages;
}

static void test_the_bundled_model_keeps_its_promise(void **state)
{
    (void)state;
    if (!needs_real_memory()) skip();
    job work = {.path = MINI,
                .n_documents = 40,
                .n_words = 60,
                .n_requests = 1,
                .policy = GRT_POLICY_NONE,
                .has_data_limit = 1};
    unsigned storages = check_budgets(work);
    assert_true(storages & 1u << GRT_HIDDEN_F32);
    assert_true(storages & (1u << GRT_HIDDEN_BF16 | 1u << GRT_HIDDEN_FILE));
    work.hidden = GRT_HIDDEN_FILE;
    (void)check_budgets(work);
}

static void test_a_deep_model_keeps_its_promise(void **state)
{
    (void)state;
    if (!needs_real_memory()) skip();
    deep_checkpoint deep;
    deep_write(&deep, 40);
    job work = {.n_documents = 20,
                .n_words = 30,
                .n_requests = 1,
                .policy = GRT_POLICY_NONE,
                .has_data_limit = 1};
    (void)snprintf(work.path, sizeof(work.path), "%s", deep.directory);
    unsigned storages = check_budgets(work);
    deep_remove(&deep);
    assert_true(storages & 1u << GRT_HIDDEN_F32);
}

/* Small arrays of each document add up. */
static void test_many_small_documents_are_counted(void **state)
{
    (void)state;
    if (!needs_real_memory()) skip();
    job work = {.path = GRT_TEST_DATA "/golden/bert-f32",
                .n_documents = 80000,
                .n_words = 1,
                .n_requests = 2,
                .policy = GRT_POLICY_BOUND,
                .has_data_limit = 1};
    work.budget_bytes = smallest_budget(work);
    (void)run_within(&work);
    work.n_documents = 6000;
    work.n_words = 160;
    work.budget_bytes = smallest_budget(work);
    (void)run_within(&work);
}

/* A plan sees what the process took meanwhile, also where the slots of layers were
 * planned for the request before but never filled. */
static void test_what_the_process_takes_meanwhile_is_counted(void **state)
{
    (void)state;
    if (!needs_real_memory()) skip();
    deep_checkpoint deep;
    deep_write(&deep, 60);
    job work = {.n_documents = 8,
                .n_words = 20,
                .n_requests = 2,
                .policy = GRT_POLICY_NONE,
                .n_taken_bytes = 15 * MIB};
    (void)snprintf(work.path, sizeof(work.path), "%s", deep.directory);
    work.budget_bytes = smallest_budget(work) + 25 * MIB;
    outcome found = run_within(&work);
    deep_remove(&deep);
    assert_true(found.stats.plan.n_slots < 60);
}

static void test_memory_does_not_grow_with_layers(void **state)
{
    (void)state;
    if (!needs_real_memory()) skip();
    static const size_t depths[] = {4, 28, 56};
    uint64_t peaks[3];
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
        deep_remove(&deep);
        if (found.status != GRT_OK) fail_msg("%s", found.text);
        assert_int_equal(found.stats.n_layers, depths[i]);
        assert_int_equal(found.stats.plan.n_slots, 2);
        peaks[i] = found.peak_bytes;
    }
    /* 52 layers are 20 MiB; the names of their tensors may be told */
    for (size_t i = 1; i < 3; i++)
        if (peaks[i] > peaks[0] + 3 * MIB / 2)
            fail_msg("%zu layers: %.2f MiB, 4 layers: %.2f MiB", depths[i],
                     mib(peaks[i]), mib(peaks[0]));
}

static void test_the_promise_can_be_kept_at_any_depth(void **state)
{
    (void)state;
    if (!needs_real_memory()) skip();
    static const size_t depths[] = {4, 28, 56};
    uint64_t smallest[3];
    for (size_t i = 0; i < 3; i++) {
        deep_checkpoint deep;
        deep_write(&deep, depths[i]);
        job work = {.n_documents = 8,
                    .n_words = 20,
                    .n_requests = 1,
                    .policy = GRT_POLICY_NONE,
                    .has_data_limit = 1};
        (void)snprintf(work.path, sizeof(work.path), "%s", deep.directory);
        smallest[i] = work.budget_bytes = smallest_budget(work);
        (void)run_within(&work);
        deep_remove(&deep);
    }
    assert_true(smallest[2] <= smallest[0] + 2 * MIB);
}

static void test_plans_without_a_request(void **state)
{
    (void)state;
    grt_error err;
    grt_model *model;
    grt_memory_plan plan, free_plan;
    grt_session_options options = GRT_SESSION_OPTIONS_INIT;
    assert_ok(grt_model_open(&model, MINI, NULL, &err), &err);
    assert_ok(grt_plan_memory(&free_plan, model, NULL, 100, 200, &err), &err);
    assert_int_equal(free_plan.n_layers, 8);
    assert_int_equal(free_plan.budget_bytes, 0);
    options.memory_bytes = 1;
    assert_refused(grt_plan_memory(&plan, model, &options, 100, 200, &err),
                   GRT_E_NO_MEMORY, &err, "100 documents (20000 tokens) do not fit");
    assert_true(plan.smallest_bytes > 1 && plan.smallest_bytes < free_plan.total_bytes);
    options.memory_bytes = plan.smallest_bytes - MIB / 2;
    assert_refused(grt_plan_memory(&plan, model, &options, 100, 200, &err),
                   GRT_E_NO_MEMORY, &err, "the smallest budget that works is ");
    /* between two plans this process may get some pages more */
    for (uint64_t more = MIB / 2; more < 200 * MIB; more *= 2) {
        options.memory_bytes = plan.smallest_bytes + more;
        grt_memory_plan found;
        assert_ok(grt_plan_memory(&found, model, &options, 100, 200, &err), &err);
        assert_true(found.total_bytes <= options.memory_bytes);
        assert_int_equal(found.budget_bytes, options.memory_bytes);
    }
    assert_refused(grt_plan_memory(&plan, model, &options, 0, 200, &err),
                   GRT_E_INVALID_ARG, &err, "0 documents");
    assert_refused(grt_plan_memory(&plan, model, &options, 1, 0, &err),
                   GRT_E_INVALID_ARG, &err, "0 tokens");
    assert_refused(grt_plan_memory(&plan, model, &options, 1, 513, &err),
                   GRT_E_INVALID_ARG, &err, "1 to 512 tokens");
    assert_refused(grt_plan_memory(&plan, model, &options, SIZE_MAX / 2, 512, &err),
                   GRT_E_TOO_LONG, &err, "documents are too many");
    assert_refused(grt_plan_memory(NULL, model, &options, 1, 1, &err),
                   GRT_E_INVALID_ARG, &err, "no output");
    assert_refused(grt_plan_memory(&plan, NULL, &options, 1, 1, &err),
                   GRT_E_INVALID_ARG, &err, "no model");
    options.struct_size = 3;
    assert_refused(grt_plan_memory(&plan, model, &options, 1, 1, &err),
                   GRT_E_INVALID_ARG, &err, "struct_size is 3");
    grt_model_close(model);
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
        grt_error err;
        grt_model *model;
        grt_session *session;
        uint64_t last = 0;
        assert_ok(grt_model_open(&model, paths[m], NULL, &err), &err);
        assert_ok(grt_session_create(&session, model, NULL, &err), &err);
        for (size_t n = 10; n <= MOST; n *= 2) {
            grt_request request = GRT_REQUEST_INIT;
            request.query = "how do owls hunt";
            request.documents = documents;
            request.n_documents = n;
            request.policy = GRT_POLICY_NONE;
            grt_result *result = NULL;
            assert_ok(grt_rank(session, &request, &result, &err), &err);
            const grt_stats *stats = grt_result_stats(result);
            uint64_t shared = stats->n_prefix * (stats->n_layers - 1);
            assert_int_equal(stats->candidates_x_layers, n * stats->n_layers);
            uint64_t rows = stats->tokens_x_layers - shared;
            assert_int_equal(rows % n, 0);
            if (last) assert_int_equal(rows, 2 * last);
            last = rows;
            grt_result_free(result);
        }
        grt_session_free(session);
        grt_model_close(model);
    }
}

int main(int argc, char **argv)
{
    if (argc > 1 && strcmp(argv[1], "--child") == 0) return child_main();
    if (argc > 1) cmocka_set_test_filter(argv[1]); /* one test, by its name */
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_bundled_model_keeps_its_promise),
        cmocka_unit_test(test_a_deep_model_keeps_its_promise),
        cmocka_unit_test(test_many_small_documents_are_counted),
        cmocka_unit_test(test_what_the_process_takes_meanwhile_is_counted),
        cmocka_unit_test(test_memory_does_not_grow_with_layers),
        cmocka_unit_test(test_the_promise_can_be_kept_at_any_depth),
        cmocka_unit_test(test_plans_without_a_request),
        cmocka_unit_test(test_work_is_linear_in_documents),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
