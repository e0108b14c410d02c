/* calibrator.c - names of files, full passes and the fit of `grating calibrate`. */
#include "calibrate/calibrate.h"

#include "frame/cli.h"
#include "frame/folders.h"
#include "frame/notes.h"
#include "frame/room.h"
#include "frame/signals.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

/* ---- Names ---- */

static char *join(const char *start, size_t start_bytes, const char *end)
{
    size_t end_bytes = strlen(end) + 1;
    char *out = malloc(start_bytes + end_bytes);
    if (!out) return NULL;
    memcpy(out, start, start_bytes);
    memcpy(out + start_bytes, end, end_bytes);
    return out;
}

/* Where grt_model_open looks beside a model; see grating.h. */
static char *profile_beside(const char *model)
{
    struct stat found;
    size_t n = strlen(model);
    if (stat(model, &found) != 0 || !S_ISDIR(found.st_mode))
        return join(model, n, ".profile.safetensors");
    int has_slash = n && model[n - 1] == '/';
    return join(model, n, &"/grating.profile.safetensors"[has_slash]);
}

/* "a.profile.safetensors", "a.safetensors" and "a" all have "a.samples". */
static char *default_samples(const char *profile)
{
    static const char *const endings[] = {".safetensors", ".profile"};
    size_t n = strlen(profile);
    for (size_t i = 0; i < 2; i++) {
        size_t length = strlen(endings[i]);
        if (n > length && memcmp(profile + n - length, endings[i], length) == 0)
            n -= length;
    }
    return join(profile, n, ".samples");
}

/* The folder is made before the model is opened, which looks for it. */
static int make_folder(const cli_calibrate_options *options)
{
    char folder[PATH_MAX];
    int wants_it =
        !options->profile_path && (!options->is_beside || !options->samples_path);
    if (!wants_it) return CLI_SUCCESS;
    if (!cli_profile_folder(folder, sizeof folder))
        return cli_fail("neither XDG_DATA_HOME nor HOME is set: name the files with -o "
                        "and --samples");
    int code = cli_make_folder(folder);
    if (code) cli_note("other places can be named with -o and --samples");
    return code;
}

static int name_files(cli_calibrator *calibrator)
{
    const cli_calibrate_options *options = calibrator->options;
    const char *profile = options->profile_path, *samples = options->samples_path;
    grt_model_info info = GRT_MODEL_INFO_INIT;
    grt_model_describe(calibrator->host.model, &info);
    if (!profile) profile = info.profile_home;
    calibrator->samples_path = samples ? strdup(samples) : default_samples(profile);
    calibrator->profile_path =
        options->is_beside ? profile_beside(calibrator->model_path) : strdup(profile);
    if (calibrator->profile_path && calibrator->samples_path) return CLI_SUCCESS;
    return cli_fail("out of memory");
}

static int is_same_file(const char *a, const char *b)
{
    struct stat first, second;
    if (strcmp(a, b) == 0) return 1;
    return stat(a, &first) == 0 && stat(b, &second) == 0 &&
           first.st_dev == second.st_dev && first.st_ino == second.st_ino;
}

/* 1: nothing is lost when a profile takes the place of the file. */
static int may_replace(const char *path)
{
    char start[128] = "";
    struct stat found;
    if (stat(path, &found) != 0 || !S_ISREG(found.st_mode)) return 1;
    FILE *file = fopen(path, "rb");
    size_t n = file ? fread(start, 1, sizeof start, file) : 0;
    if (file) fclose(file);
    return found.st_size == 0 || memmem(start, n, "grating profile", 15) != NULL;
}

/* The profile takes the place of what has its name.  Samples go into a file of samples
 * only: the library sees to it. */
static int protect_files(const cli_calibrator *calibrator)
{
    const char *profile = calibrator->profile_path;
    if (is_same_file(profile, calibrator->samples_path))
        return cli_fail("%s: profile and samples need a file each", profile);
    if (calibrator->options->profile_path && !may_replace(profile))
        return cli_fail("%s is there already and is no profile; remove it or name "
                        "another file",
                        profile);
    return CLI_SUCCESS;
}

/* ---- Opening ---- */

int cli_calibrator_open(cli_calibrator *calibrator,
                        const cli_calibrate_options *options)
{
    *calibrator = (cli_calibrator){.options = options};
    cli_progress_init(&calibrator->progress, !options->hides_progress);
    int code = cli_find_model(&calibrator->model_path, options->model_path);
    if (!code) code = make_folder(options);
    if (code) return code;
    grt_error error = {0};
    /* An old profile that is damaged is no obstacle. */
    grt_status status = cli_host_open(&calibrator->host, calibrator->model_path, "",
                                      &options->engine, &error);
    if (status) return cli_fail_status(NULL, status, &error);
    cli_report_notes(calibrator->host.model, GRT_NOTE_RESULT);
    code = name_files(calibrator);
    return code ? code : protect_files(calibrator);
}

int cli_calibrator_survey(cli_calibrator *calibrator)
{
    const char *path = calibrator->options->queries_path;
    struct stat found;
    if (!path || (stat(path, &found) == 0 && !S_ISREG(found.st_mode)) ||
        strcmp(path, "-") == 0)
        return CLI_SUCCESS;
    cli_queries queries;
    int code = cli_queries_open(&queries, path), next = 1;
    while (!code && next > 0) {
        cli_query query = {0};
        next = cli_queries_next(&queries, &query);
        if (next <= 0 || queries.documents.n < 2) continue;
        calibrator->survey.n_queries++;
        calibrator->survey.n_documents += queries.documents.n;
    }
    cli_queries_close(&queries);
    return next < 0 ? CLI_FAILURE : code;
}

/* Refuses to replace a profile of more queries by one of n. */
static int check_replaced(const cli_calibrator *calibrator, size_t n)
{
    size_t before = grt_calibration_replaced(calibrator->calibration);
    char count[32] = "an unknown number of";
    if (calibrator->options->replaces || before <= n) return CLI_SUCCESS;
    if (before < SIZE_MAX) snprintf(count, sizeof count, "%zu", before);
    return cli_fail("%s rests on %s queries, and these are %zu; --force replaces it, "
                    "-o writes another file",
                    calibrator->profile_path, count, n);
}

int cli_calibrator_begin(cli_calibrator *calibrator)
{
    const cli_calibrate_options *options = calibrator->options;
    struct stat found;
    if (options->only_fits && stat(calibrator->samples_path, &found) != 0)
        return cli_fail("cannot open %s: %s", calibrator->samples_path,
                        strerror(errno));
    grt_error error = {0};
    grt_calibration_options calibration = GRT_CALIBRATION_OPTIONS_INIT;
    calibration.samples_path = calibrator->samples_path;
    calibration.profile_path = calibrator->profile_path;
    calibration.precision = options->precision;
    calibration.k_max = options->k_max;
    calibration.replaces = options->replaces;
    grt_status status = grt_calibration_open(
        &calibrator->calibration, calibrator->host.model, &calibration, &error);
    /* The folder of an installed model belongs to root. */
    if (status == GRT_E_IO && !(options->profile_path && options->samples_path))
        return cli_fail("%s; other places can be named with -o and --samples",
                        error.text);
    if (status) return cli_fail_status(NULL, status, &error);
    cli_say_when_interrupted(
        "grating: what was computed is kept; the same command goes on from there\n");
    /* Better known before hours of full passes; of a pipe nothing is known. */
    size_t n = grt_calibration_count(calibrator->calibration);
    if (calibrator->survey.n_queries || options->only_fits)
        return check_replaced(calibrator, n + calibrator->survey.n_queries);
    return CLI_SUCCESS;
}

/* ---- Progress ---- */

static void draw(cli_calibrator *calibrator, const char *before, uint64_t part,
                 uint64_t whole, double done, double total)
{
    cli_progress_draw_work(&calibrator->progress, before, part, whole, done, total,
                           calibrator->started_ns);
}

enum { PARTS = 1000 }; /* of a document, for the bar */

/* Draws before, while and after query `number` is computed, whose n documents have gone
 * through a part of their layers.  Documents stand for work; those that the samples
 * held already took no time. */
static void show_passes(cli_calibrator *calibrator, size_t number, size_t n,
                        const grt_calibration_progress *progress)
{
    const cli_survey *survey = &calibrator->survey;
    char before[64];
    double part =
        progress->total ? (double)progress->done / (double)progress->total : 0;
    if (survey->n_queries == 0) {
        snprintf(before, sizeof before, "query %zu ", number);
        draw(calibrator, before, (uint64_t)(part * PARTS), PARTS, 0, 0);
        return;
    }
    double gone = (double)calibrator->n_documents + part * (double)n;
    double all = (double)survey->n_documents;
    double done = (double)calibrator->n_computed_documents + part * (double)n;
    snprintf(before, sizeof before, "query %zu of %zu ", number, survey->n_queries);
    draw(calibrator, before, (uint64_t)(gone * PARTS), (uint64_t)(all * PARTS), done,
         done + all - gone);
}

/* A grt_calibration_fit_fn. */
static int show_fit(size_t done, size_t total, void *payload)
{
    draw(payload, "fitting ", done, total, (double)done, (double)total);
    return cli_was_interrupted();
}

/* ---- Computing and fitting ---- */

static void cancel_calibration(void *calibration)
{
    grt_calibration_cancel(calibration);
}

static grt_request request_of(const cli_query *query, const cli_documents *documents)
{
    grt_request request = GRT_REQUEST_INIT;
    request.query = query->text;
    request.query_bytes = query->bytes;
    request.documents = (const char *const *)documents->texts;
    request.document_bytes = documents->bytes;
    request.n_documents = documents->n;
    request.instruction = query->instruction;
    return request;
}

/* All passes over a query, layer by layer. */
static grt_status add_query(cli_calibrator *calibrator, const grt_request *request,
                            grt_error *error)
{
    grt_calibration_progress progress = GRT_CALIBRATION_PROGRESS_INIT;
    grt_calibration *calibration = calibrator->calibration;
    grt_status status = grt_calibration_start(calibration, request, error);
    while (!status && !progress.is_done) {
        show_passes(calibrator, calibrator->n_queries + 1, request->n_documents,
                    &progress);
        status = grt_calibration_step(&progress, calibration, error);
        /* A pass in another arithmetic opens the model once more. */
        if (!status && calibrator->host.options.memory_bytes)
            status = cli_host_prepare(&calibrator->host, error);
    }
    return status;
}

static int compute(cli_calibrator *calibrator, const cli_query *query,
                   const cli_documents *documents)
{
    static const grt_calibration_progress nothing;
    if (cli_was_interrupted()) return cli_fail_interrupted();
    grt_calibration *calibration = calibrator->calibration;
    grt_error error = {0};
    grt_request request = request_of(query, documents);
    size_t before = grt_calibration_count(calibration);
    cli_running running = {cancel_calibration, calibration};
    grt_status status = cli_host_prepare(&calibrator->host, &error);
    cli_cancel_when_interrupted(&running);
    if (!status) status = add_query(calibrator, &request, &error);
    cli_cancel_when_interrupted(NULL);
    cli_room_look_again();
    if (status) {
        cli_host_explain(&calibrator->host, documents->n, status, &error);
        cli_progress_erase(&calibrator->progress);
        return cli_fail_status(query->where, status, &error);
    }
    int is_new = grt_calibration_count(calibration) > before;
    calibrator->n_queries++;
    calibrator->n_documents += documents->n;
    calibrator->n_known += !is_new;
    if (is_new) calibrator->n_computed_documents += documents->n;
    show_passes(calibrator, calibrator->n_queries, 0, &nothing);
    return CLI_SUCCESS;
}

/* Says what a run that ended early leaves. */
static void report_kept(const cli_calibrator *calibrator)
{
    size_t n = grt_calibration_count(calibrator->calibration);
    cli_note("%zu quer%s kept in %s; the same command goes on from there", n,
             n == 1 ? "y is" : "ies are", calibrator->samples_path);
}

/* A fit that will not fit --memory is better known before hours of full passes.  The
 * samples may hold other queries, too. */
int cli_calibrator_plan(cli_calibrator *calibrator)
{
    grt_error error = {0};
    cli_host *host = &calibrator->host;
    const cli_survey *survey = &calibrator->survey;
    int only_fits = calibrator->options->only_fits;
    if (!host->options.memory_bytes || (!only_fits && !survey->n_queries))
        return CLI_SUCCESS;
    grt_status status = cli_host_prepare(host, &error);
    if (!status)
        status = grt_calibration_plan_fit(calibrator->calibration,
                                          only_fits ? 0 : survey->n_queries,
                                          only_fits ? 0 : survey->n_documents, &error);
    if (!status) return CLI_SUCCESS;
    /* The budget that is named is for the passes, too. */
    grt_model_info info = GRT_MODEL_INFO_INIT;
    grt_memory_plan plan = GRT_MEMORY_PLAN_INIT;
    grt_model_describe(host->model, &info);
    size_t n = survey->n_queries ? survey->n_documents / survey->n_queries + 1 : 1;
    if (!only_fits)
        (void)!grt_plan_memory(&plan, host->model, n, info.max_tokens, NULL);
    if (plan.smallest_bytes > error.smallest_bytes)
        error.smallest_bytes = plan.smallest_bytes;
    cli_host_explain(host, 0, status, &error);
    return cli_fail_status(NULL, status, &error);
}

int cli_calibrator_compute(cli_calibrator *calibrator)
{
    const cli_calibrate_options *options = calibrator->options;
    if (options->only_fits) return CLI_SUCCESS;
    cli_queries queries;
    int code = cli_queries_open(&queries, options->queries_path), next = 1;
    calibrator->started_ns = cli_now_ns();
    while (!code && next > 0) {
        cli_query query = {.instruction = options->instruction};
        next = cli_queries_next(&queries, &query);
        if (next > 0 && queries.documents.n < 2)
            calibrator->n_single++;
        else if (next > 0)
            code = compute(calibrator, &query, &queries.documents);
    }
    cli_progress_erase(&calibrator->progress);
    if (next < 0) code = CLI_FAILURE;
    if (code && grt_calibration_count(calibrator->calibration)) report_kept(calibrator);
    if (!code && calibrator->n_single)
        cli_note("%zu quer%s of %s with fewer than 2 documents passed over",
                 calibrator->n_single, calibrator->n_single == 1 ? "y" : "ies",
                 queries.lines.name);
    cli_queries_close(&queries);
    return code;
}

int cli_calibrator_fit(cli_calibrator *calibrator, grt_calibration_report *report)
{
    grt_error error = {0};
    if (cli_was_interrupted()) {
        int code = cli_fail_interrupted();
        report_kept(calibrator);
        return code;
    }
    int refused =
        check_replaced(calibrator, grt_calibration_count(calibrator->calibration));
    if (refused) return refused;
    calibrator->started_ns = cli_now_ns();
    cli_running running = {cancel_calibration, calibrator->calibration};
    cli_cancel_when_interrupted(&running);
    grt_status status = cli_host_prepare(&calibrator->host, &error);
    if (!status)
        status = grt_calibration_fit(report, calibrator->calibration, show_fit,
                                     calibrator, &error);
    cli_cancel_when_interrupted(NULL);
    cli_progress_erase(&calibrator->progress);
    if (!status) return CLI_SUCCESS;
    cli_host_explain(&calibrator->host, 0, status, &error);
    int code = cli_fail_status(NULL, status, &error);
    /* With too few queries the same command goes nowhere. */
    if (status != GRT_E_INVALID_ARG) report_kept(calibrator);
    return code;
}

void cli_calibrator_close(cli_calibrator *calibrator)
{
    cli_say_when_interrupted(NULL);
    grt_calibration_close(calibrator->calibration);
    cli_host_close(&calibrator->host);
    free(calibrator->model_path);
    free(calibrator->profile_path);
    free(calibrator->samples_path);
    *calibrator = (cli_calibrator){0};
}
