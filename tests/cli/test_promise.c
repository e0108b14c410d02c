/* test_promise.c - what `grating rank --memory` promises about its process, held
 * against what the kernel counts.
 *
 * The command runs with its data limited to the budget, too.  Documents are made from a
 * number. */
#include "temp_dir.h"

#include "api/deep_checkpoint.h"

#include <jansson.h>
#include <math.h>
#include <sys/wait.h>

#define MINI GRT_SOURCE_DIR "/models/grating-mini"

enum { MIB = 1 << 20, KEPT = 64, MAX_ARGUMENTS = 24 };
/* Data that is never resident: stacks of four threads, heaps of the allocator. */
enum { DATA_SLACK = 4 * MIB };

/* What the command is to do. */
typedef struct job {
    char path[256];
    uint64_t budget_bytes; /* 0: no promise */
    size_t n_documents;
    size_t n_words;    /* of each document, at most */
    size_t n_requests; /* later ones have fewer documents, the last all again */
    int are_equal;     /* all requests have all documents */
    const char *hidden;
    const char *policy;
    int is_streamed;
    int has_data_limit; /* RLIMIT_DATA is the budget */
} job;

/* What came of it. */
typedef struct outcome {
    int code;                    /* the exit status */
    char text[512];              /* its last error */
    uint64_t max_resident_bytes; /* by wait4: the kernel's own */
    uint64_t planned_bytes;      /* of the last request */
    uint64_t smallest_bytes;
    size_t n_slots, n_layers;
    int is_bf16;
    char hidden[8];
    double logits[KEPT]; /* of the last request's first documents, by index */
} outcome;

static temp_dir dir;
static char queries_path[128], out_path[128], err_path[128];

static int set_up(void **state)
{
    (void)state;
    temp_make(&dir);
    temp_path(&dir, "queries.jsonl", queries_path);
    temp_path(&dir, "out", out_path);
    temp_path(&dir, "err", err_path);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    temp_remove(&dir);
    return 0;
}

/* ---- The requests ---- */

static void write_document(FILE *file, size_t index, size_t n_words)
{
    static const char *const words[] = {"owls", "hunt",  "at",    "night",
                                        "by",   "sound", "steam", "engines",
                                        "heat", "water", "a",     "bread"};
    uint32_t seed = (uint32_t)index * 2654435761u + 1;
    for (size_t i = index % (n_words / 2 + 1); i < n_words; i++) {
        seed = seed * 1664525u + 1013904223u;
        (void)fprintf(file, "%s ", words[(seed >> 16) % 12]);
    }
}

static void write_queries(const job *work)
{
    FILE *file = fopen(queries_path, "w");
    assert_non_null(file);
    for (size_t i = 0; i < work->n_requests; i++) {
        int has_all = work->are_equal || i == 0 || i + 1 == work->n_requests;
        size_t n = has_all ? work->n_documents : 1 + work->n_documents / (i + 1);
        (void)fprintf(file, "{\"query\": \"how do owls hunt\", \"documents\": [");
        for (size_t d = 0; d < n; d++) {
            (void)fprintf(file, "%s\"", d ? ", " : "");
            write_document(file, d, work->n_words);
            (void)fprintf(file, "\"");
        }
        (void)fprintf(file, "]}\n");
    }
    assert_int_equal(fclose(file), 0);
}

/* ---- The command ---- */

static void limit(int what, rlim_t n_bytes)
{
    struct rlimit both = {n_bytes, n_bytes};
    if (setrlimit(what, &both) != 0) _exit(94);
}

static void become_command(const job *work)
{
    char memory[32], k[32];
    const char *arguments[MAX_ARGUMENTS] = {GRT_COMMAND,
                                            "rank",
                                            "-m",
                                            work->path,
                                            "--queries",
                                            queries_path,
                                            "--json",
                                            "--stats",
                                            "--no-progress",
                                            "-t",
                                            "2",
                                            "--policy",
                                            work->policy ? work->policy : "none"};
    size_t n = 13;
    if (!freopen(out_path, "w", stdout) || !freopen(err_path, "w", stderr)) _exit(95);
    (void)snprintf(memory, sizeof(memory), "%llu",
                   (unsigned long long)work->budget_bytes);
    (void)snprintf(k, sizeof(k), "%zu", work->policy ? (size_t)3 : work->n_documents);
    arguments[n++] = "-k";
    arguments[n++] = k;
    if (work->budget_bytes) {
        arguments[n++] = "--memory";
        arguments[n++] = memory;
    }
    if (work->hidden) {
        arguments[n++] = "--hidden";
        arguments[n++] = work->hidden;
    }
    if (work->is_streamed) arguments[n++] = "--streamed";
    /* stacks of threads count as data, in full */
    limit(RLIMIT_STACK, 512 << 10);
    if (work->has_data_limit && work->budget_bytes)
        limit(RLIMIT_DATA, work->budget_bytes + DATA_SLACK);
    (void)execv(GRT_COMMAND, (char *const *)(uintptr_t)arguments);
    _exit(96);
}

static void read_answer(outcome *found)
{
    FILE *file = fopen(out_path, "r");
    json_error_t error;
    json_t *line, *last = NULL;
    assert_non_null(file);
    while ((line = json_loadf(file, JSON_DISABLE_EOF_CHECK, &error))) {
        json_decref(last);
        last = line;
    }
    (void)fclose(file);
    json_t *results = json_object_get(last, "results"), *result;
    json_t *plan = json_object_get(json_object_get(last, "stats"), "plan");
    size_t i;
    assert_non_null(plan);
    json_array_foreach(results, i, result)
    {
        json_int_t index = json_integer_value(json_object_get(result, "index"));
        if (index < KEPT)
            found->logits[index] = json_number_value(json_object_get(result, "logit"));
    }
    found->planned_bytes =
        (uint64_t)json_integer_value(json_object_get(plan, "total_bytes"));
    found->smallest_bytes =
        (uint64_t)json_integer_value(json_object_get(plan, "smallest_bytes"));
    found->n_slots = (size_t)json_integer_value(json_object_get(plan, "n_slots"));
    found->n_layers = (size_t)json_integer_value(json_object_get(plan, "n_layers"));
    (void)snprintf(found->hidden, sizeof(found->hidden), "%s",
                   json_string_value(json_object_get(plan, "hidden")));
    found->is_bf16 = !strcmp(found->hidden, "bf16");
    json_decref(last);
}

static outcome run(const job *work)
{
    outcome found = {0};
    int code = 0;
    size_t n;
    struct rusage usage;
    write_queries(work);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) become_command(work);
    assert_int_equal(wait4(child, &code, 0, &usage), child);
    if (!WIFEXITED(code) || WEXITSTATUS(code) > 90)
        fail_msg("%s with %llu bytes: the command ended with code %x", work->path,
                 (unsigned long long)work->budget_bytes, (unsigned)code);
    found.code = WEXITSTATUS(code);
    unsigned char *text = read_whole(err_path, &n);
    (void)snprintf(found.text, sizeof(found.text), "%s", (const char *)text);
    free(text);
    found.max_resident_bytes = (uint64_t)usage.ru_maxrss * 1024;
    if (found.code == 0) read_answer(&found);
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
    if (found.code != 0)
        fail_msg("%s with %.2f MiB: %s", work->path, mib(work->budget_bytes),
                 found.text);
    if (found.max_resident_bytes > work->budget_bytes)
        fail_msg("%s: %.2f MiB allowed, %.2f MiB planned, %.2f MiB resident",
                 work->path, mib(work->budget_bytes), mib(found.planned_bytes),
                 mib(found.max_resident_bytes));
    assert_true(found.planned_bytes <= work->budget_bytes);
    return found;
}

/* The smallest budget, as a command that gets too little is told. */
static uint64_t named_budget(job work, uint64_t too_little)
{
    static const char before[] = "the smallest budget that works is ",
                      reading[] = "a budget of "; /* what is not even read */
    work.n_requests = 1;
    work.budget_bytes = too_little;
    work.has_data_limit = 0;
    outcome found = run(&work);
    assert_int_not_equal(found.code, 0);
    const char *at = strstr(found.text, before), *other = strstr(found.text, reading);
    if (!at && other) return strtoull(other + strlen(reading), NULL, 10) * MIB;
    if (!at) fail_msg("\"%s\" does not name the smallest budget", found.text);
    return strtoull(at + strlen(before), NULL, 10) * MIB;
}

static uint64_t smallest_budget(job work)
{
    uint64_t n =
        named_budget(work, 5 * MIB); /* not even the program and its libraries */
    assert_true(n > 5 * MIB);
    /* Nor does it matter whether opening the model has broken the promise already. */
    uint64_t same = named_budget(work, MIB);
    if (same + MIB < n || n + MIB < same)
        fail_msg("%s needs %.0f MiB, or %.0f", work.path, mib(n), mib(same));
    return n;
}

static int needs_real_memory(void)
{
    if (GRT_TEST_SANITIZED)
        print_message("SKIP: a sanitizer's memory is not the command's\n");
    else if (getenv("GRT_ISA"))
        print_message("SKIP: slower instructions take the same memory\n");
    else
        return 1;
    return 0;
}

/* ---- Tests ---- */

enum { SAW_F32 = 1, SAW_BF16 = 2, SAW_FILE = 4 };

static unsigned storage_of(const outcome *found)
{
    if (found->is_bf16) return SAW_BF16;
    return !strcmp(found->hidden, "file") ? SAW_FILE : SAW_F32;
}

static void check_logits(const outcome *found, const outcome *full, size_t n)
{
    for (size_t i = 0; i < n && i < KEPT; i++) {
        double off = fabs(found->logits[i] - full->logits[i]);
        if (!(found->is_bf16 ? off < 0.2 : off == 0.0))
            fail_msg("document %zu: %.9g, not %.9g", i, found->logits[i],
                     full->logits[i]);
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
    if (full.code != 0) fail_msg("%s", full.text);
    uint64_t smallest = smallest_budget(work);
    for (size_t i = 0; i < sizeof(percents) / sizeof(percents[0]); i++) {
        work.budget_bytes = smallest * percents[i] / 100;
        work.n_requests = i % 2 ? 1 : 4;
        outcome found = run_within(&work);
        check_logits(&found, &full, work.n_documents);
        storages |= storage_of(&found);
    }
    work.n_requests = 1;
    work.budget_bytes = smallest - 3 * MIB; /* a process may differ by some pages */
    outcome refused = run(&work);
    assert_int_not_equal(refused.code, 0);
    assert_non_null(strstr(refused.text, " not fit "));
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
                .has_data_limit = 1};
    unsigned storages = check_budgets(work);
    assert_true(storages & SAW_F32);
    work.hidden = "file";
    assert_int_equal(check_budgets(work), SAW_FILE);
}

static void test_a_deep_model_keeps_its_promise(void **state)
{
    (void)state;
    if (!needs_real_memory()) skip();
    deep_checkpoint deep;
    deep_write(&deep, 40);
    job work = {.n_documents = 20, .n_words = 30, .n_requests = 1, .has_data_limit = 1};
    (void)snprintf(work.path, sizeof(work.path), "%s", deep.directory);
    unsigned storages = check_budgets(work);
    deep_remove(&deep);
    assert_true(storages & SAW_F32);
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
                .policy = "bound",
                .has_data_limit = 1};
    work.budget_bytes = smallest_budget(work);
    (void)run_within(&work);
    work.n_documents = 6000;
    work.n_words = 160;
    work.budget_bytes = smallest_budget(work);
    (void)run_within(&work);
}

/* What a request has freed is there for the next one: a budget that is named for one
 * query serves for a batch of its like. */
static void test_later_requests_need_no_more(void **state)
{
    (void)state;
    if (!needs_real_memory()) skip();
    job work = {.path = GRT_TEST_DATA "/golden/bert-f32",
                .budget_bytes = 400 * MIB,
                .n_documents = 6000,
                .n_words = 20,
                .n_requests = 1,
                .are_equal = 1,
                .policy = "bound"};
    outcome first = run_within(&work);
    work.n_requests = 4;
    outcome last = run_within(&work);
    if (last.smallest_bytes > first.smallest_bytes + MIB)
        fail_msg("the first request needs %.2f MiB, the fourth %.2f MiB",
                 mib(first.smallest_bytes), mib(last.smallest_bytes));
}

static void test_memory_does_not_grow_with_layers(void **state)
{
    (void)state;
    if (!needs_real_memory()) skip();
    static const size_t depths[] = {4, 28, 56};
    uint64_t peaks[3], smallest[3];
    for (size_t i = 0; i < 3; i++) {
        deep_checkpoint deep;
        deep_write(&deep, depths[i]);
        job work = {.n_documents = 8, .n_words = 20, .n_requests = 2, .is_streamed = 1};
        (void)snprintf(work.path, sizeof(work.path), "%s", deep.directory);
        outcome found = run(&work);
        if (found.code != 0) fail_msg("%s", found.text);
        assert_int_equal(found.n_layers, depths[i]);
        assert_int_equal(found.n_slots, 2);
        peaks[i] = found.max_resident_bytes;
        work.n_requests = 1;
        work.has_data_limit = 1;
        smallest[i] = work.budget_bytes = smallest_budget(work);
        (void)run_within(&work);
        deep_remove(&deep);
    }
    /* 52 layers are 20 MiB; the names of their tensors may be told */
    for (size_t i = 1; i < 3; i++) {
        if (peaks[i] > peaks[0] + 2 * MIB)
            fail_msg("%zu layers: %.2f MiB, 4 layers: %.2f MiB", depths[i],
                     mib(peaks[i]), mib(peaks[0]));
        assert_true(smallest[i] <= smallest[0] + 2 * MIB);
    }
}

#define PROMISE_TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(int argc, char **argv)
{
    if (argc > 1) cmocka_set_test_filter(argv[1]); /* one test, by its name */
    const struct CMUnitTest tests[] = {
        PROMISE_TEST(test_the_bundled_model_keeps_its_promise),
        PROMISE_TEST(test_a_deep_model_keeps_its_promise),
        PROMISE_TEST(test_many_small_documents_are_counted),
        PROMISE_TEST(test_later_requests_need_no_more),
        PROMISE_TEST(test_memory_does_not_grow_with_layers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
