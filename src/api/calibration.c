/* calibration.c - grt_calibration_*: see grating.h. */
#include "api/arguments.h"

#include "base/hash.h"
#include "base/memory.h"
#include "calibrate/fit.h"
#include "profile/write.h"
#include "rank/session.h"

#include <stdio.h>
#include <string.h>

struct grt_calibration {
    const grt_model *model;
    grt_session *session;
    grt_observer observer; /* the session's */
    grt_samples samples;
    char *profile_path; /* to write */
    float precision;
    size_t k_max;
};

static const float default_precision = 0.99f;
enum { DEFAULT_K_MAX = 10 };

/* ---- Opening ---- */

static grt_status check_options(const grt_model *model,
                                const grt_calibration_options *options, grt_error *err)
{
    if (options->struct_size < sizeof(*options))
        GRT_FAIL(err, GRT_E_INVALID_ARG,
                 "grt_calibration_open: options.struct_size is %zu; use "
                 "GRT_CALIBRATION_OPTIONS_INIT",
                 options->struct_size);
    if (!options->samples_path || !options->samples_path[0])
        GRT_FAIL(err, GRT_E_INVALID_ARG, "grt_calibration_open: no samples_path");
    if (!(options->precision >= 0.0f && options->precision < 1.0f))
        GRT_FAIL(err, GRT_E_INVALID_ARG,
                 "a precision of %g; it must lie between 0 and 1",
                 (double)options->precision);
    if (options->session.cutoff_layer)
        GRT_FAIL(err, GRT_E_INVALID_ARG,
                 "grt_calibration_open: a cutoff layer; profiles are about all layers");
    if (model->opened.network.n_layers < 2)
        GRT_FAIL(err, GRT_E_UNSUPPORTED,
                 "a model of one layer has no boundary to calibrate");
    return GRT_OK;
}

static grt_status put_sample(void *payload, size_t layer, size_t first, size_t n,
                             const float *scores, const float *pooled, grt_error *err)
{
    return grt_samples_put(payload, layer, first, n, scores, pooled, err);
}

/* A path that cannot be written is better known before hours of full passes. */
static grt_status try_profile_path(const char *path, grt_error *err)
{
    grt_output *output;
    GRT_TRY(grt_output_create(&output, path, err));
    grt_output_close(output);
    return GRT_OK;
}

static grt_status open_parts(grt_calibration *calibration, const grt_model *model,
                             const grt_calibration_options *options, grt_error *err)
{
    const grt_network *network = &model->opened.network;
    grt_samples_shape shape = {.n_layers = network->n_layers,
                               .pooled_size = grt_pooled_size(network)};
    GRT_TRY(grt_fingerprint_take(&shape.fingerprint, &model->opened.checkpoint, err));
    calibration->model = model;
    calibration->precision =
        options->precision > 0.0f ? options->precision : default_precision;
    calibration->k_max = options->k_max ? options->k_max : (size_t)DEFAULT_K_MAX;
    if (options->profile_path) {
        size_t n = strlen(options->profile_path) + 1;
        GRT_TRY(grt_alloc(&calibration->profile_path, n, "a path", err));
        memcpy(calibration->profile_path, options->profile_path, n);
    } else {
        GRT_TRY(grt_profile_default_path(&calibration->profile_path,
                                         &model->opened.checkpoint, err));
    }
    GRT_TRY(try_profile_path(calibration->profile_path, err));
    GRT_TRY(
        grt_samples_open(&calibration->samples, options->samples_path, &shape, err));
    GRT_TRY(grt_session_create(&calibration->session, model, &options->session, err));
    calibration->observer = (grt_observer){put_sample, &calibration->samples};
    calibration->session->observer = &calibration->observer;
    return GRT_OK;
}

grt_status grt_calibration_open(grt_calibration **out, const grt_model *model,
                                const grt_calibration_options *options, grt_error *err)
{
    if (!out || !model || !options)
        GRT_FAIL(err, GRT_E_INVALID_ARG, "grt_calibration_open: no %s",
                 !out     ? "output"
                 : !model ? "model"
                          : "options");
    GRT_TRY(check_options(model, options, err));
    grt_calibration *calibration;
    GRT_TRY(grt_alloc_array(&calibration, 1, sizeof(*calibration), "calibration", err));
    grt_status status = open_parts(calibration, model, options, err);
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
    grt_session_free(calibration->session);
    grt_samples_close(&calibration->samples);
    grt_free(calibration->profile_path);
    grt_free(calibration);
}

/* ---- Adding ---- */

size_t grt_calibration_count(const grt_calibration *calibration)
{
    return calibration->samples.n_records;
}

static uint64_t hash_text(uint64_t hash, const char *text, size_t n_bytes)
{
    if (n_bytes == 0) n_bytes = strlen(text);
    return grt_hash_bytes(grt_hash_u64(hash, n_bytes), text, n_bytes);
}

static uint64_t key_of(const grt_request *request)
{
    uint64_t key = hash_text(GRT_HASH_INIT, request->query, request->query_bytes);
    key = grt_hash_u64(key, request->instruction != NULL); /* NULL is not "" */
    if (request->instruction) key = hash_text(key, request->instruction, 0);
    for (size_t i = 0; i < request->n_documents; i++) {
        const char *text = request->documents[i];
        size_t n = request->document_bytes ? request->document_bytes[i] : strlen(text);
        key = grt_hash_bytes(grt_hash_u64(key, n), text, n);
    }
    return key;
}

grt_status grt_calibration_add(grt_calibration *calibration, const grt_request *request,
                               grt_error *err)
{
    if (!calibration)
        GRT_FAIL(err, GRT_E_INVALID_ARG, "grt_calibration_add: no calibration");
    GRT_TRY(grt_check_request("grt_calibration_add", request, err));
    if (request->n_documents < 2)
        GRT_FAIL(err, GRT_E_INVALID_ARG,
                 "calibration needs at least 2 documents for a query");
    grt_samples *samples = &calibration->samples;
    uint64_t key = key_of(request);
    if (grt_samples_has(samples, key)) return GRT_OK;
    grt_request full = *request;
    full.policy = GRT_POLICY_NONE;
    full.k = 0;
    full.trace = NULL;
    GRT_TRY(grt_samples_begin(samples, key, request->n_documents, err));
    grt_result *result = NULL;
    grt_status status = grt_session_rank(calibration->session, &full, &result, err);
    if (status == GRT_OK) status = grt_samples_finish(samples, err);
    if (status != GRT_OK) grt_samples_abandon(samples);
    grt_result_free(result);
    return status;
}

/* ---- Fitting ---- */

static grt_status report_and_write(const grt_calibration *calibration,
                                   const grt_fit *fit, grt_calibration_report *out,
                                   grt_error *err)
{
    grt_calibration_report report;
    GRT_TRY(grt_fit_report(fit, calibration->precision, &report, err));
    GRT_TRY(grt_profile_write(&fit->profile, &calibration->samples.shape.fingerprint,
                              fit->network, &report, calibration->profile_path, err));
    (void)snprintf(report.profile_path, sizeof(report.profile_path), "%s",
                   calibration->profile_path);
    *out = report;
    return GRT_OK;
}

grt_status grt_calibration_fit(grt_calibration *calibration,
                               grt_calibration_report *out,
                               grt_calibration_progress_fn *progress, void *payload,
                               grt_error *err)
{
    if (!calibration || !out)
        GRT_FAIL(err, GRT_E_INVALID_ARG, "grt_calibration_fit: no %s",
                 calibration ? "output" : "calibration");
    grt_fit fit;
    grt_status status =
        grt_fit_run(&fit, &calibration->samples, &calibration->model->opened.network,
                    calibration->k_max, progress, payload, err);
    if (status == GRT_OK) status = report_and_write(calibration, &fit, out, err);
    grt_fit_release(&fit);
    return status;
}
