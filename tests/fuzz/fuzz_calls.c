/* fuzz_calls.c - any sequence of calls that the header allows, on two models of one
 * engine: opened, ranked with, stepped, cancelled, failed, used again, calibrated,
 * freed. A byte picks what is called next.  A full pass gives the same bits whatever
 * came before it, and at the end nothing is left. */
#include "mutant.h"
#include "outcome.h"

#include "base/memory.h"

enum { N_MODELS = 2, N_RANKINGS = 3, N_DOCUMENTS = 8, CALLS_MAX = 60 };

static const char *const paths[N_MODELS] = {GRT_TEST_DATA "/golden/bert-two-labels",
                                            GRT_TEST_DATA "/golden/qwen3-gguf-q4_0"
                                                          "/model.gguf"};
static const char *const documents[N_DOCUMENTS] = {
    "owls hunt at night",
    "",
    "bread rises",
    "a b c d e f g h i j k l m n o p q r",
    "owls hunt at night",
    "\xff\xfe",
    "the owl",
    "steam engines heat water"};

typedef struct slot {
    grt_ranking *ranking;
    size_t model, first, n;
    int is_cancelled;
} slot;

typedef struct world {
    grt_engine *engine;
    grt_model *models[N_MODELS];
    slot slots[N_RANKINGS];
    grt_calibration *calibration; /* of models[0] */
    int is_adding;                /* a query of it is not done */
} world;

static float expected[N_MODELS][N_DOCUMENTS];
static grt_policy_options policies[4];

static grt_request request_of(size_t first, size_t n)
{
    grt_request request = GRT_REQUEST_INIT;
    request.query = "how do owls hunt";
    request.documents = documents + first;
    request.n_documents = n;
    return request;
}

static grt_model *open_model(grt_engine *engine, size_t i, int residency)
{
    grt_error err = {0};
    grt_model *model = NULL;
    grt_model_options options = GRT_MODEL_OPTIONS_INIT;
    options.arithmetic = GRT_ARITHMETIC_F32;
    options.residency = residency;
    options.profile_path = "";
    grt_status status = grt_model_open(&model, engine, paths[i], &options, &err);
    if (status != GRT_OK) fuzz_check_error(status, &err);
    return model;
}

/* What full passes give, each document alone. */
static void learn(void)
{
    static int is_known;
    grt_error err;
    for (size_t m = 0; m < N_MODELS && !is_known; m++) {
        grt_model *model = open_model(NULL, m, GRT_RESIDENCY_AUTO);
        for (size_t i = 0; i < N_DOCUMENTS; i++) {
            grt_result *result = NULL;
            grt_request request = request_of(i, 1);
            fuzz_need(grt_rank(&result, model, &request, &err) == GRT_OK, err.text);
            expected[m][i] = grt_result_logits(result)[0];
            grt_result_free(result);
        }
        grt_model_close(model);
    }
    is_known = 1;
    for (int i = 0; i < 4; i++) {
        policies[i] = (grt_policy_options)GRT_POLICY_OPTIONS_INIT;
        policies[i].policy = i;
    }
}

static void check_result(const slot *self, const grt_result *result)
{
    const size_t *indices = grt_result_indices(result);
    const float *logits = grt_result_logits(result);
    const uint32_t *flags = grt_result_flags(result);
    grt_memory_plan plan = GRT_MEMORY_PLAN_INIT;
    grt_result_plan(result, &plan);
    fuzz_check_order(result, self->n);
    for (size_t i = 0; i < self->n; i++) {
        const float *right = &expected[self->model][self->first + indices[i]];
        int is_exact = (flags[i] & GRT_FLAG_EXACT) && plan.hidden != GRT_HIDDEN_BF16;
        fuzz_need(!is_exact || memcmp(&logits[i], right, sizeof(float)) == 0,
                  "a full pass gives the same bits whatever came before");
    }
}

static void take_result(slot *self)
{
    grt_error err = {0};
    grt_result *result = NULL;
    if (!self->ranking) return;
    grt_status status = grt_ranking_result(&result, self->ranking, &err);
    if (status == GRT_OK)
        check_result(self, result);
    else
        fuzz_check_error(status, &err);
    grt_result_free(result);
}

static void step(slot *self, int n)
{
    grt_error err = {0};
    grt_step taken = GRT_STEP_INIT;
    for (int i = 0; self->ranking && i < n && !taken.is_done; i++) {
        grt_status status = grt_ranking_step(&taken, self->ranking, &err);
        if (status == GRT_OK) continue;
        fuzz_check_error(status, &err);
        fuzz_need(status != GRT_E_CANCELLED || self->is_cancelled,
                  "only what was cancelled says so");
        return;
    }
}

static void close_slot(slot *self)
{
    grt_ranking_free(self->ranking);
    *self = (slot){0};
}

static void open_slot(world *all, slot *self, uint8_t how, fuzz_bytes *bytes)
{
    grt_error err = {0};
    size_t model = how & 1;
    close_slot(self);
    self->model = model;
    self->first = fuzz_take(bytes) % N_DOCUMENTS;
    self->n = 1 + fuzz_take(bytes) % (N_DOCUMENTS - self->first);
    grt_request request = request_of(self->first, self->n);
    request.policy = &policies[how >> 1 & 3];
    request.k = how >> 3 & 3;
    request.deadline_ns = how >> 5 == 7 ? 1 : 0;
    request.long_documents = how >> 5 & 1;
    if (!all->models[model]) return;
    grt_status status =
        grt_ranking_open(&self->ranking, all->models[model], &request, &err);
    if (status != GRT_OK) fuzz_check_error(status, &err);
}

static void close_calibration(world *all)
{
    grt_calibration_close(all->calibration);
    all->calibration = NULL;
    all->is_adding = 0;
}

static void close_model(world *all, size_t i)
{
    for (size_t s = 0; s < N_RANKINGS; s++)
        if (all->slots[s].model == i) close_slot(&all->slots[s]);
    if (i == 0) close_calibration(all);
    grt_model_close(all->models[i]);
    all->models[i] = NULL;
}

static void open_calibration(world *all)
{
    char samples[300], profile[300];
    grt_error err = {0};
    grt_calibration_options options = GRT_CALIBRATION_OPTIONS_INIT;
    (void)snprintf(samples, sizeof(samples), "%s/x.samples", fuzz_folder());
    (void)snprintf(profile, sizeof(profile), "%s/x.profile", fuzz_folder());
    options.samples_path = samples;
    options.profile_path = profile;
    if (!all->models[0] || all->calibration) return;
    grt_status status =
        grt_calibration_open(&all->calibration, all->models[0], &options, &err);
    if (status != GRT_OK) fuzz_check_error(status, &err);
}

static void calibrate(world *all, uint8_t how)
{
    grt_error err = {0};
    grt_status status = GRT_OK;
    grt_calibration_progress progress = GRT_CALIBRATION_PROGRESS_INIT;
    grt_calibration_report report = GRT_CALIBRATION_REPORT_INIT;
    size_t first = how >> 3 & 3;
    grt_request request = request_of(first, 2 + (how >> 5) % 3);
    if (!all->calibration) return;
    switch (how & 7) {
    case 0:
        status = grt_calibration_start(all->calibration, &request, &err);
        all->is_adding |= status == GRT_OK;
        break;
    case 1: grt_calibration_cancel(all->calibration); break;
    case 2:
        status = grt_calibration_fit(&report, all->calibration, NULL, NULL, &err);
        break;
    case 3: status = grt_calibration_add(all->calibration, &request, &err); break;
    default:
        if (!all->is_adding) return;
        status = grt_calibration_step(&progress, all->calibration, &err);
        all->is_adding = status == GRT_OK && !progress.is_done;
    }
    if (status != GRT_OK) fuzz_check_error(status, &err);
}

static void ask(world *all, uint8_t how)
{
    grt_error err = {0};
    grt_engine_usage usage = GRT_ENGINE_USAGE_INIT;
    grt_memory_plan plan = GRT_MEMORY_PLAN_INIT;
    size_t n = 0;
    fuzz_need(grt_engine_describe(all->engine, &usage) == GRT_OK, "an engine is there");
    grt_model *model = all->models[how & 1];
    if (!model) return;
    grt_status status =
        grt_count_tokens(&n, model, documents[how >> 1 & 7], GRT_NUL_TERMINATED, &err);
    if (status != GRT_OK) fuzz_check_error(status, &err);
    status = grt_plan_memory(&plan, model, how, how, &err);
    if (status != GRT_OK) fuzz_check_error(status, &err);
}

static void rank_at_once(world *all, slot *self, uint8_t how, fuzz_bytes *bytes)
{
    grt_error err = {0};
    grt_result *result = NULL;
    close_slot(self);
    self->model = how & 1;
    self->first = fuzz_take(bytes) % N_DOCUMENTS;
    self->n = 1 + fuzz_take(bytes) % (N_DOCUMENTS - self->first);
    grt_request request = request_of(self->first, self->n);
    request.policy = &policies[how >> 1 & 3];
    request.k = how >> 3 & 7;
    if (!all->models[self->model]) return;
    grt_status status = grt_rank(&result, all->models[self->model], &request, &err);
    if (status == GRT_OK)
        check_result(self, result);
    else
        fuzz_check_error(status, &err);
    grt_result_free(result);
}

static void call(world *all, uint8_t what, fuzz_bytes *bytes)
{
    static const uint64_t budgets[] = {0, 1 << 20, 3 << 20, 8 << 20, 64 << 20};
    uint8_t how = fuzz_take(bytes);
    slot *self = &all->slots[what >> 4 & 1 ? 0 : how % N_RANKINGS];
    size_t model = how & 1;
    switch (what & 15) {
    case 0:
        if (!all->models[model])
            all->models[model] = open_model(all->engine, model, how >> 1 & 1);
        break;
    case 1: close_model(all, model); break;
    case 2:
    case 3: open_slot(all, self, how, bytes); break;
    case 4: step(self, 1); break;
    case 5: step(self, 100); break;
    case 6: take_result(self); break;
    case 7: close_slot(self); break;
    case 8:
        if (self->ranking) grt_ranking_cancel(self->ranking);
        self->is_cancelled = self->ranking != NULL;
        break;
    case 9: grt_engine_set_memory(all->engine, budgets[how % 5]); break;
    case 10: grt_memory_fail_nth(how); break;
    case 11: ask(all, how); break;
    case 12: open_calibration(all); break;
    case 13: close_calibration(all); break;
    case 14: calibrate(all, how); break;
    default: rank_at_once(all, self, how, bytes);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    fuzz_bytes bytes = {data, size, 0};
    world all = {0};
    grt_error err = {0};
    grt_engine_options options = GRT_ENGINE_OPTIONS_INIT;
    learn();
    fuzz_folder_clear();
    uint64_t before = grt_memory_now();
    uint8_t how = fuzz_take(&bytes);
    options.n_threads = 1 + how % 3;
    options.hidden = how >> 2 & 3;
    options.chunk_rows = how >> 4 ? (size_t)(how >> 4) * 8 : 0;
    options.temporary_directory = fuzz_folder();
    fuzz_need(grt_engine_create(&all.engine, &options, &err) == GRT_OK, err.text);
    for (int i = 0; i < CALLS_MAX && bytes.at < bytes.n; i++)
        call(&all, fuzz_take(&bytes), &bytes);
    grt_memory_fail_nth(0);
    for (size_t m = 0; m < N_MODELS; m++)
        close_model(&all, m);
    grt_engine_free(all.engine);
    fuzz_need(grt_memory_now() == before, "nothing is kept");
    return 0;
}
