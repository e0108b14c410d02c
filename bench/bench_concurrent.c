/* bench_concurrent.c - rankings that share a model, and a small one beside a large one.
 *
 *   bench_concurrent MODEL LINES [CSV]
 *
 * LINES is a file of text, a document a line; its first line is the query.  First
 * table: 1, 4 and 16 rankings of 50 documents at once, with layers streamed and
 * resident; what all of them took is held against as many one after another.  Second
 * table: a ranking of 10 documents, alone and beside one of 1,000 (lines are taken
 * again from the first when there are fewer).  Medians; CSV as well where it is named.
 */
#include "grating.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum {
    N_AT_ONCE = 50,
    N_LARGE = 1000,
    N_SMALL = 10,
    N_MOST = 16,
    N_RUNS = 3,
    N_BESIDE = 5
};

static const char *documents[N_LARGE];
static const char *query;
static FILE *csv;

static void stop_unless(int is_ok, const char *what, const char *why)
{
    if (is_ok) return;
    fprintf(stderr, "bench_concurrent: %s: %s\n", what, why);
    exit(1);
}

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static int compare(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double median(double *values, size_t n)
{
    qsort(values, n, sizeof *values, compare);
    return values[n / 2];
}

/* Splits `text`, which stays with the documents. */
static void read_lines(const char *path)
{
    size_t n_lines = 0, n_bytes = 0, capacity = 1 << 24;
    char *text = malloc(capacity);
    FILE *file = fopen(path, "rb");
    stop_unless(text != NULL, path, "no memory");
    stop_unless(file != NULL, path, "cannot be opened");
    n_bytes = fread(text, 1, capacity - 1, file);
    fclose(file);
    text[n_bytes] = 0;
    for (char *at = text, *end; *at && n_lines <= N_LARGE; at = end + 1) {
        end = strchr(at, '\n');
        if (!end) break;
        *end = 0;
        if (!query)
            query = at;
        else if (*at && n_lines < N_LARGE)
            documents[n_lines++] = at;
    }
    stop_unless(n_lines >= 2, path, "needs a query and two documents, each on a line");
    for (size_t i = n_lines; i < N_LARGE; i++)
        documents[i] = documents[i % n_lines];
}

static grt_model *open_model(const char *path, grt_residency residency)
{
    grt_model_options options = GRT_MODEL_OPTIONS_INIT;
    grt_model *model = NULL;
    grt_error err = {0};
    options.residency = (int32_t)residency;
    stop_unless(!grt_model_open(&model, NULL, path, &options, &err), path, err.text);
    return model;
}

/* ---- One ranking, on whatever thread ---- */

typedef struct job {
    grt_model *model;
    size_t n_documents;
    double seconds;
    uint64_t weight_bytes;
} job;

static void *rank(void *payload)
{
    job *self = payload;
    grt_policy_options all_layers = GRT_POLICY_OPTIONS_INIT;
    grt_request request = GRT_REQUEST_INIT;
    grt_stats stats = GRT_STATS_INIT;
    grt_result *result = NULL;
    grt_error err = {0};
    all_layers.policy = GRT_POLICY_NONE;
    request.query = query;
    request.documents = documents;
    request.n_documents = self->n_documents;
    request.policy = &all_layers;
    double start = now();
    stop_unless(!grt_rank(&result, self->model, &request, &err), "ranking", err.text);
    self->seconds = now() - start;
    grt_result_stats(result, &stats);
    self->weight_bytes = stats.weight_bytes;
    grt_result_free(result);
    return NULL;
}

static pthread_t begin(job *work)
{
    pthread_t thread;
    stop_unless(!pthread_create(&thread, NULL, rank, work), "a thread",
                "cannot be started");
    return thread;
}

/* ---- Several at once ---- */

static double rank_at_once(grt_model *model, size_t n, uint64_t *weight_bytes)
{
    pthread_t threads[N_MOST];
    job jobs[N_MOST];
    double start = now();
    for (size_t i = 0; i < n; i++) {
        jobs[i] = (job){.model = model, .n_documents = N_AT_ONCE};
        threads[i] = begin(&jobs[i]);
    }
    *weight_bytes = 0;
    for (size_t i = 0; i < n; i++) {
        pthread_join(threads[i], NULL);
        *weight_bytes += jobs[i].weight_bytes;
    }
    return now() - start;
}

static void measure_at_once(const char *path, grt_residency residency)
{
    static const size_t numbers[] = {1, 4, N_MOST};
    grt_model *model = open_model(path, residency);
    const char *name = residency == GRT_RESIDENCY_STREAMED ? "streamed" : "resident";
    uint64_t bytes;
    (void)rank_at_once(model, 1, &bytes); /* warm */
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++) {
        double together[N_RUNS], alone[N_RUNS];
        size_t n = numbers[i];
        for (size_t run = 0; run < N_RUNS; run++) {
            uint64_t of_one;
            alone[run] = 0;
            for (size_t one = 0; one < n; one++)
                alone[run] += rank_at_once(model, 1, &of_one);
            together[run] = rank_at_once(model, n, &bytes);
        }
        double t = median(together, N_RUNS), a = median(alone, N_RUNS);
        printf("%-9s %4zu %11.3f s %11.3f s %8.2f %12.1f MiB\n", name, n, a, t, t / a,
               (double)bytes / 1048576);
        if (csv)
            fprintf(csv, "at_once,%s,%zu,%.6f,%.6f,%llu\n", name, n, a, t,
                    (unsigned long long)bytes);
    }
    grt_model_close(model);
}

/* ---- A small one beside a large one ---- */

static void measure_beside(const char *path, grt_residency residency)
{
    double alone[N_BESIDE], beside[N_BESIDE];
    grt_model *model = open_model(path, residency);
    job small = {.model = model, .n_documents = N_SMALL};
    rank(&small); /* warm */
    for (size_t i = 0; i < N_BESIDE; i++) {
        rank(&small);
        alone[i] = small.seconds;
    }
    job large = {.model = model, .n_documents = N_LARGE};
    for (size_t i = 0; i < N_BESIDE; i++) {
        struct timespec pause = {0, 300000000};
        pthread_t thread = begin(&large);
        nanosleep(&pause, NULL); /* it has read its texts, and computes */
        rank(&small);
        beside[i] = small.seconds;
        pthread_join(thread, NULL);
        stop_unless(large.seconds > 0.3 + small.seconds, "the large ranking",
                    "ended before the small one: LINES are too short to measure");
    }
    double a = median(alone, N_BESIDE), b = median(beside, N_BESIDE);
    const char *name = residency == GRT_RESIDENCY_STREAMED ? "streamed" : "resident";
    printf("%-9s %11.3f s %11.3f s %8.2f %11.3f s\n", name, a, b, b / a, large.seconds);
    if (csv) fprintf(csv, "beside,%s,%d,%.6f,%.6f,0\n", name, N_SMALL, a, b);
    grt_model_close(model);
}

int main(int argc, char **argv)
{
    static const grt_residency residencies[] = {GRT_RESIDENCY_STREAMED,
                                                GRT_RESIDENCY_RESIDENT};
    if (argc < 3 || argc > 4 || argv[1][0] == '-') {
        fprintf(stderr, "usage: bench_concurrent MODEL LINES [CSV]\n");
        return 2;
    }
    (void)setvbuf(stdout, NULL, _IOLBF, 0);
    read_lines(argv[2]);
    if (argc == 4) {
        csv = fopen(argv[3], "w");
        stop_unless(csv != NULL, argv[3], "cannot be written");
        fprintf(csv, "what,residency,n,alone_s,together_s,weight_bytes\n");
    }
    printf("%-9s %4s %13s %13s %8s %16s\n", "layers", "n", "one by one", "at once",
           "ratio", "weights read");
    for (size_t i = 0; i < 2; i++)
        measure_at_once(argv[1], residencies[i]);
    printf("\n%-9s %13s %13s %8s %13s\n", "layers", "10 alone", "beside 1000", "ratio",
           "the 1000");
    for (size_t i = 0; i < 2; i++)
        measure_beside(argv[1], residencies[i]);
    if (csv) fclose(csv);
    return 0;
}
