/* passes.c - see passes.h. */
#include "calibrate/passes.h"

#include "base/cpu.h"
#include "base/memory.h"

/* Queries that are compared: the first ones, so that a small calibration has some, and
 * a part of the others, so that all kinds in a long file have a say. */
enum { FIRST_COMPARED = 8, COMPARED_EVERY = 16 };

static grt_status put_sample(void *payload, size_t layer, size_t first, size_t n,
                             const float *scores, const float *pooled, grt_error *err)
{
    return grt_samples_put(payload, layer, first, n, scores, pooled, err);
}

void grt_passes_init(grt_passes *passes, grt_model *model, grt_samples *samples,
                     const grt_stop *stop)
{
    *passes = (grt_passes){.model = model,
                           .samples = samples,
                           .stop = stop,
                           .observer = {put_sample, samples}};
}

static void end_ranking(grt_passes *passes)
{
    if (!passes->ranking) return;
    grt_ranking_release(passes->ranking);
    grt_free(passes->ranking);
    passes->ranking = NULL;
}

static void close_model(grt_pass_model *other)
{
    if (!other->model) return;
    grt_model_release(other->model);
    grt_free(other->model);
    other->model = NULL;
}

void grt_passes_release(grt_passes *passes)
{
    if (passes->ranking) grt_samples_abandon(passes->samples);
    end_ranking(passes);
    for (int a = 0; a < GRT_N_ARITHMETICS; a++)
        close_model(&passes->others[a]);
    *passes = (grt_passes){0};
}

/* ---- Which passes ---- */

static bool is_compared(size_t index)
{
    return index < FIRST_COMPARED || index % COMPARED_EVERY == 0;
}

static grt_status find_out(bool *runs_here, const grt_passes *passes,
                           grt_arithmetic arithmetic, grt_error *err)
{
    grt_device *device;
    GRT_TRY(grt_device_create(&device, passes->model->engine->pool, grt_cpu_features(),
                              arithmetic, err));
    *runs_here = grt_device_arithmetic(device) == arithmetic;
    grt_device_free(device);
    return GRT_OK;
}

/* Comparisons of query number `index` that are wanted and not there. */
static grt_status list_comparisons(grt_passes *passes, size_t index, grt_error *err)
{
    const grt_samples *samples = passes->samples;
    grt_arithmetic own = samples->shape.arithmetic;
    if (own != grt_device_arithmetic(passes->model->device) || !is_compared(index))
        return GRT_OK;
    for (int i = GRT_ARITHMETIC_F32; i < GRT_N_ARITHMETICS; i++) {
        grt_arithmetic other = (grt_arithmetic)i;
        bool runs_here;
        if (other == own || passes->others[i].is_missing ||
            grt_samples_find(samples, passes->key, other))
            continue;
        GRT_TRY(find_out(&runs_here, passes, other, err));
        if (runs_here) passes->list[passes->n++] = other;
    }
    return GRT_OK;
}

grt_status grt_passes_start(grt_passes *passes, const grt_request *request,
                            uint64_t key, grt_error *err)
{
    const grt_samples *samples = passes->samples;
    const grt_samples_record *known =
        grt_samples_find(samples, key, GRT_ARITHMETIC_AUTO);
    grt_arithmetic own = samples->shape.arithmetic,
                   running = grt_device_arithmetic(passes->model->device);
    if (own && own != running && !known)
        GRT_FAIL(err, GRT_E_INVALID_ARG,
                 "%s: the samples were computed in %s, and this model computes in %s; "
                 "name another file, or ask for %s",
                 grt_path_tail(grt_file_path(samples->file)), grt_arithmetic_text(own),
                 grt_arithmetic_text(running), grt_arithmetic_text(own));
    passes->request = *request;
    passes->policy = (grt_policy_options)GRT_POLICY_OPTIONS_INIT;
    passes->policy.policy = GRT_POLICY_NONE;
    passes->request.policy = &passes->policy;
    passes->request.k = 0;
    passes->request.deadline_ns = 0;
    passes->request.priors = NULL;
    passes->request.long_documents = GRT_LONG_CUT;
    passes->key = key;
    passes->n = passes->n_done = 0;
    if (!known) passes->list[passes->n++] = GRT_ARITHMETIC_AUTO;
    size_t index = known ? (size_t)(known - samples->own.records) : samples->own.n;
    grt_status status = list_comparisons(passes, index, err);
    if (status != GRT_OK) passes->n = 0;
    return status;
}

bool grt_passes_are_done(const grt_passes *passes)
{
    return passes->n_done == passes->n;
}

void grt_passes_count(const grt_passes *passes, size_t *done, size_t *total)
{
    size_t n_layers = passes->model->n_layers;
    *total = passes->n * n_layers;
    *done = passes->n_done * n_layers + (passes->ranking ? passes->ranking->layer : 0);
}

/* ---- One after the other ---- */

/* Its layers go through memory two at a time: few queries are compared. */
static grt_status open_other(grt_passes *passes, grt_arithmetic arithmetic,
                             grt_error *err)
{
    grt_pass_model *other = &passes->others[arithmetic];
    grt_model_options options = GRT_MODEL_OPTIONS_INIT;
    /* Opening has no plan: what is idle gives it room. */
    if (grt_engine_budget_bytes(passes->model->engine))
        grt_model_drop_idle(passes->model->engine);
    options.arithmetic = (int32_t)arithmetic;
    options.residency = GRT_RESIDENCY_STREAMED;
    options.profile_path = "";
    GRT_TRY(grt_alloc_array(&other->model, 1, sizeof(*other->model), "the model", err));
    grt_status status =
        grt_model_init(other->model, passes->model->engine,
                       passes->model->opened.checkpoint.path, &options, err);
    if (status != GRT_OK) close_model(other);
    return status;
}

static grt_status begin(grt_passes *passes, grt_arithmetic arithmetic, grt_error *err)
{
    grt_model *model = passes->model;
    if (arithmetic) model = passes->others[arithmetic].model;
    GRT_TRY(grt_samples_begin(passes->samples, passes->key, passes->request.n_documents,
                              arithmetic, err));
    grt_ranking_extras extras = {.observer = &passes->observer, .whole = passes->stop};
    grt_status status = grt_alloc_array(&passes->ranking, 1, sizeof(*passes->ranking),
                                        "the ranking", err);
    if (status == GRT_OK)
        status =
            grt_ranking_init(passes->ranking, model, &passes->request, &extras, err);
    return status;
}

static grt_status advance(grt_passes *passes, grt_arithmetic arithmetic, grt_error *err)
{
    /* A step of its own: opening leaves gaps that a host may want to give back. */
    if (arithmetic && !passes->others[arithmetic].model)
        return open_other(passes, arithmetic, err);
    if (!passes->ranking) GRT_TRY(begin(passes, arithmetic, err));
    GRT_TRY(grt_ranking_take_step(passes->ranking, err));
    if (passes->ranking->phase != GRT_RANKING_DONE) return GRT_OK;
    const grt_model *model = passes->ranking->model;
    GRT_TRY(grt_catalogue_check_unchanged(&model->opened.checkpoint.catalogue, err));
    GRT_TRY(grt_samples_finish(passes->samples, err));
    end_ranking(passes);
    passes->n_done++;
    return GRT_OK;
}

grt_status grt_passes_step(grt_passes *passes, grt_error *err)
{
    if (grt_passes_are_done(passes)) return GRT_OK;
    grt_error own = {0};
    if (!err) err = &own;
    err->smallest_bytes = 0;
    grt_arithmetic arithmetic = passes->list[passes->n_done];
    grt_status status = advance(passes, arithmetic, err);
    if (status == GRT_OK) return GRT_OK;
    end_ranking(passes);
    grt_samples_abandon(passes->samples);
    /* Where the budget would have to be larger, but not where the system is out of
     * memory: the profile would depend on the moment. */
    bool is_over_budget =
        (status == GRT_E_NO_MEMORY || status == GRT_E_BUSY) && err->smallest_bytes > 0;
    if (arithmetic && is_over_budget) {
        /* The calibration goes on; the profile will not know this arithmetic. */
        close_model(&passes->others[arithmetic]);
        passes->others[arithmetic].is_missing = true;
        passes->n_done++;
        return GRT_OK;
    }
    passes->n = passes->n_done = 0;
    return status;
}
