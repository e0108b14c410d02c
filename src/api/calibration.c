/* calibration.c - grt_calibration_*: see grating.h. */
#include "api/request.h"
#include "api/structs.h"

#include "base/checked.h"
#include "base/hash.h"
#include "base/memory.h"
#include "calibrate/fit.h"
#include "calibrate/passes.h"
#include "profile/write.h"

#include <stdio.h>
#include <string.h>

struct grt_calibration {
    grt_model *model;
    grt_stop stop;
    grt_samples samples;
    grt_passes passes;
    char *profile_path; /* to write */
    float precision;
    size_t k_max;
    bool replaces;
    size_t n_replaced;     /* see grt_calibration_replaced */
    grt_fit_report report; /* of the last fit; no rows before */
};

static const float default_precision = 0.99f;
enum { DEFAULT_K_MAX = 10 };

/* ---- Opening ---- */

static grt_status check_options(const grt_model *model,
                                const grt_calibration_options *options, grt_error *err)
{
    if (!options->samples_path || !options->samples_path[0])
        GRT_FAIL(err, GRT_E_INVALID_ARG, "grt_calibration_open: no samples_path");
    if (!(options->precision >= 0.0f && options->precision < 1.0f))
        GRT_FAIL(err, GRT_E_INVALID_ARG,
                 "a precision of %g; it must lie between 0 and 1",
                 (double)options->precision);
    if (model->n_layers != model->opened.network.n_layers)
        GRT_FAIL(err, GRT_E_INVALID_ARG,
                 "grt_calibration_open: a cutoff layer; profiles are about all layers");
    if (model->opened.network.n_layers < 2)
        GRT_FAIL(err, GRT_E_UNSUPPORTED,
                 "a model of one layer has no boundary to calibrate");
    return GRT_OK;
}

/* A path that cannot be written is better known before hours of full passes. */
static grt_status try_profile_path(const char *path, grt_error *err)
{
    grt_output *output;
    GRT_TRY(grt_output_create(&output, path, err));
    grt_output_close(output);
    return GRT_OK;
}

static grt_status open_parts(grt_calibration *calibration, grt_model *model,
                             const grt_calibration_options *options, grt_error *err)
{
    const grt_network *network = &model->opened.network;
    grt_samples_shape shape = {.n_layers = network->n_layers,
                               .pooled_size = grt_pooled_size(network),
                               .arithmetic = grt_device_arithmetic(model->device)};
    GRT_TRY(grt_fingerprint_take(&shape.fingerprint, &model->opened.checkpoint, err));
    calibration->model = model;
    calibration->precision =
        options->precision > 0.0f ? options->precision : default_precision;
    calibration->k_max = options->k_max ? options->k_max : (size_t)DEFAULT_K_MAX;
    calibration->replaces = options->replaces != 0;
    const char *path =
        options->profile_path ? options->profile_path : model->profile_home;
    size_t n = strlen(path) + 1;
    GRT_TRY(grt_alloc(&calibration->profile_path, n, "a path", err));
    memcpy(calibration->profile_path, path, n);
    calibration->n_replaced = grt_profile_count_queries(path);
    GRT_TRY(try_profile_path(calibration->profile_path, err));
    grt_passes_init(&calibration->passes, model, &calibration->samples,
                    &calibration->stop);
    return grt_samples_open(&calibration->samples, options->samples_path, &shape, err);
}

grt_status grt_calibration_open(grt_calibration **out, grt_model *model,
                                const grt_calibration_options *options, grt_error *err)
{
    if (!out || !model || !options)
        GRT_FAIL(err, GRT_E_INVALID_ARG, "grt_calibration_open: no %s",
                 !out     ? "output"
                 : !model ? "model"
                          : "options");
    grt_calibration_options used = GRT_CALIBRATION_OPTIONS_INIT;
    GRT_TRY(grt_take_struct(&used, sizeof(used),
                            GRT_FIRST_SIZE(grt_calibration_options, k_max), options,
                            "grt_calibration_open: options", err));
    GRT_TRY(check_options(model, &used, err));
    grt_calibration *calibration;
    GRT_TRY(grt_alloc_array(&calibration, 1, sizeof(*calibration), "calibration", err));
    grt_status status = open_parts(calibration, model, &used, err);
    if (status != GRT_OK) {
        grt_calibration_close(calibration);
        return status;
    }
    *out = calibration;
    return GRT_OK;
}

void grt_calibration_close(grt_calibration *calibration)
{
    if (!calibration) return;
    grt_passes_release(&calibration->passes);
    grt_samples_close(&calibration->samples);
    grt_free(calibration->profile_path);
    grt_free(calibration);
}

/* ---- Adding ---- */

size_t grt_calibration_count(const grt_calibration *calibration)
{
    return calibration->samples.own.n;
}

size_t grt_calibration_replaced(const grt_calibration *calibration)
{
    return calibration->n_replaced;
}

static uint64_t hash_text(uint64_t hash, const char *text, size_t n_bytes)
{
    if (n_bytes == GRT_NUL_TERMINATED) n_bytes = strlen(text);
    return grt_hash_bytes(grt_hash_u64(hash, n_bytes), text, n_bytes);
}

static uint64_t key_of(const grt_request *request)
{
    uint64_t key = hash_text(GRT_HASH_INIT, request->query, request->query_bytes);
    key = grt_hash_u64(key, request->instruction != NULL); /* NULL is not "" */
    if (request->instruction)
        key = hash_text(key, request->instruction, request->instruction_bytes);
    for (size_t i = 0; i < request->n_documents; i++)
        key = hash_text(key, request->documents[i],
                        request->document_bytes ? request->document_bytes[i]
                                                : GRT_NUL_TERMINATED);
    return key;
}

static grt_status start(grt_calibration *calibration, const char *caller,
                        const grt_request *request, grt_error *err)
{
    if (!calibration) GRT_FAIL(err, GRT_E_INVALID_ARG, "%s: no calibration", caller);
    grt_taken_request taken;
    GRT_TRY(grt_take_request(&taken, caller, request, err));
    if (taken.request.n_documents < 2)
        GRT_FAIL(err, GRT_E_INVALID_ARG,
                 "calibration needs at least 2 documents for a query");
    if (!grt_passes_are_done(&calibration->passes))
        GRT_FAIL(err, GRT_E_INVALID_ARG, "%s: the query before is not done", caller);
    return grt_passes_start(&calibration->passes, &taken.request,
                            key_of(&taken.request), err);
}

grt_status grt_calibration_start(grt_calibration *calibration,
                                 const grt_request *request, grt_error *err)
{
    return start(calibration, "grt_calibration_start", request, err);
}

grt_status grt_calibration_step(grt_calibration_progress *out,
                                grt_calibration *calibration, grt_error *err)
{
    if (!calibration || !out || out->struct_size < sizeof(size_t))
        GRT_FAIL(err, GRT_E_INVALID_ARG, "grt_calibration_step: no %s",
                 !calibration ? "calibration"
                 : !out       ? "output"
                              : "struct_size; use GRT_CALIBRATION_PROGRESS_INIT");
    grt_passes *passes = &calibration->passes;
    GRT_TRY(grt_passes_step(passes, err));
    grt_calibration_progress progress = {.is_done = grt_passes_are_done(passes)};
    grt_passes_count(passes, &progress.done, &progress.total);
    grt_give_struct(out, &progress, sizeof(progress));
    return GRT_OK;
}

grt_status grt_calibration_add(grt_calibration *calibration, const grt_request *request,
                               grt_error *err)
{
    GRT_TRY(start(calibration, "grt_calibration_add", request, err));
    while (!grt_passes_are_done(&calibration->passes))
        GRT_TRY(grt_passes_step(&calibration->passes, err));
    return GRT_OK;
}

void grt_calibration_cancel(grt_calibration *calibration)
{
    if (calibration) atomic_store(&calibration->stop.is_cancelled, true);
}

/* ---- Fitting ---- */

static grt_status report_and_write(grt_calibration *calibration, const grt_fit *fit,
                                   grt_error *err)
{
    grt_fit_report *report = &calibration->report;
    GRT_TRY(grt_fit_make_report(fit, calibration->precision, report, err));
    return grt_profile_write(&fit->profile, &calibration->samples.shape.fingerprint,
                             fit->network, calibration->profile_path, err);
}

static grt_status check_replaced(const grt_calibration *calibration, grt_error *err)
{
    size_t before = calibration->n_replaced, now = calibration->samples.own.n;
    char count[32] = "an unknown number of";
    if (calibration->replaces || before <= now) return GRT_OK;
    if (before < SIZE_MAX) (void)snprintf(count, sizeof(count), "%zu", before);
    GRT_FAIL(err, GRT_E_INVALID_ARG,
             "%s rests on %s queries, and is not replaced by a profile of %zu",
             grt_path_tail(calibration->profile_path), count, now);
}

/* The caller's progress, and whether the calibration was cancelled. */
typedef struct fit_progress {
    const grt_calibration *calibration;
    grt_calibration_fit_fn *fn; /* NULL: none */
    void *payload;
} fit_progress;

static int see_progress(size_t done, size_t total, void *payload)
{
    const fit_progress *progress = payload;
    if (grt_stop_asked(&progress->calibration->stop) != GRT_STOP_NONE) return 1;
    return progress->fn ? progress->fn(done, total, progress->payload) : 0;
}

/* Reserves what the fit takes, to be released with *n_bytes. */
static grt_status reserve_fit(const grt_calibration *calibration,
                              const grt_fit_size *size, uint64_t *n_bytes,
                              grt_error *err)
{
    const grt_model *model = calibration->model;
    grt_budget *budget = &model->engine->budget;
    *n_bytes = grt_fit_bytes(size, &model->opened.network);
    if (grt_budget_reserve(budget, *n_bytes)) return GRT_OK;
    uint64_t used = grt_budget_used(budget), needed = UINT64_MAX;
    (void)grt_add_u64(&needed, used, *n_bytes);
    if (err) err->smallest_bytes = needed;
    GRT_FAIL(err, GRT_E_NO_MEMORY,
             "fitting: %zu queries (%zu documents) do not fit %.1f MiB; the smallest "
             "budget that works is %.1f MiB",
             size->n_queries, size->n_documents,
             (double)grt_engine_budget_bytes(model->engine) / 1048576,
             (double)(needed + 104857) / 1048576);
}

grt_status grt_calibration_plan_fit(const grt_calibration *calibration,
                                    size_t n_queries, size_t n_documents,
                                    grt_error *err)
{
    if (!calibration)
        GRT_FAIL(err, GRT_E_INVALID_ARG, "grt_calibration_plan_fit: no calibration");
    grt_fit_size size = {n_queries, n_documents, n_documents};
    uint64_t n_bytes;
    if (n_queries == 0)
        size = grt_fit_size_of(&calibration->samples);
    else
        size.n_longest = n_documents / n_queries;
    grt_model_drop_idle(calibration->model->engine);
    GRT_TRY(reserve_fit(calibration, &size, &n_bytes, err));
    grt_budget_release(&calibration->model->engine->budget, n_bytes);
    return GRT_OK;
}

grt_status grt_calibration_fit(grt_calibration_report *out,
                               grt_calibration *calibration,
                               grt_calibration_fit_fn *progress, void *payload,
                               grt_error *err)
{
    if (!calibration || !out)
        GRT_FAIL(err, GRT_E_INVALID_ARG, "grt_calibration_fit: no %s",
                 calibration ? "output" : "calibration");
    GRT_TRY(check_replaced(calibration, err));
    grt_engine *engine = calibration->model->engine;
    grt_fit_size size = grt_fit_size_of(&calibration->samples);
    uint64_t reserved;
    /* The passes are over: what they kept for later ones gives room. */
    if (grt_engine_budget_bytes(engine)) grt_model_drop_idle(engine);
    GRT_TRY(reserve_fit(calibration, &size, &reserved, err));
    grt_fit fit;
    fit_progress seen = {calibration, progress, payload};
    grt_status status =
        grt_fit_run(&fit, &calibration->samples, &calibration->model->opened.network,
                    calibration->k_max, &calibration->stop, see_progress, &seen, err);
    if (status == GRT_OK) status = report_and_write(calibration, &fit, err);
    grt_fit_release(&fit);
    grt_budget_release(&engine->budget, reserved);
    if (status != GRT_OK) return status;
    calibration->n_replaced = calibration->samples.own.n;
    const grt_fit_report *report = &calibration->report;
    grt_calibration_report given = {.n_fitted = report->n_fitted,
                                    .n_reported = report->n_reported,
                                    .n_layers = report->n_layers,
                                    .n_rows = report->n_rows,
                                    .profile_path = calibration->profile_path};
    grt_give_struct(out, &given, sizeof(given));
    return GRT_OK;
}

grt_status grt_calibration_report_row(const grt_calibration *calibration, size_t i,
                                      grt_calibration_row *out)
{
    if (i >= calibration->report.n_rows) return GRT_E_INVALID_ARG;
    grt_give_struct(out, &calibration->report.rows[i], sizeof(grt_calibration_row));
    return GRT_OK;
}

grt_status grt_calibration_gamma(const grt_calibration *calibration, size_t layer,
                                 float *head, float *readout)
{
    const grt_fit_report *report = &calibration->report;
    if (layer == 0 || layer >= report->n_layers) return GRT_E_INVALID_ARG;
    *head = report->gamma_head[layer - 1];
    *readout = report->gamma_readout[layer - 1];
    return GRT_OK;
}
