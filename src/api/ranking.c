/* ranking.c - grt_rank, grt_ranking_*, grt_plan_memory: see grating.h. */
#include "rank/ranking.h"

#include "api/experiment.h"
#include "api/request.h"
#include "api/structs.h"
#include "base/checked.h"
#include "base/memory.h"
#include "tokenizer/slot.h"

enum { BYTES_OF_TOKEN = 6 }; /* of text: most have fewer */

static grt_status open_ranking(grt_ranking **out, const char *caller, grt_model *model,
                               const grt_request *request,
                               const grt_ranking_extras *extras, grt_error *err)
{
    if (!out || !model)
        GRT_FAIL(err, GRT_E_INVALID_ARG, "%s: no %s", caller, out ? "model" : "output");
    grt_taken_request taken;
    GRT_TRY(grt_take_request(&taken, caller, request, err));
    GRT_TRY(grt_engine_check_process(model->engine, err));
    grt_ranking *ranking;
    GRT_TRY(grt_alloc_array(&ranking, 1, sizeof(*ranking), "the ranking", err));
    grt_status status = grt_ranking_init(ranking, model, &taken.request, extras, err);
    if (status != GRT_OK) {
        grt_ranking_free(ranking);
        return status;
    }
    *out = ranking;
    return GRT_OK;
}

grt_status grt_ranking_open(grt_ranking **out, grt_model *model,
                            const grt_request *request, grt_error *err)
{
    grt_ranking_extras extras = {.shows_steps = true};
    return open_ranking(out, "grt_ranking_open", model, request, &extras, err);
}

grt_status grt_ranking_step(grt_step *out, grt_ranking *ranking, grt_error *err)
{
    if (!ranking || !out || out->struct_size < sizeof(size_t))
        GRT_FAIL(err, GRT_E_INVALID_ARG, "grt_ranking_step: no %s",
                 !ranking ? "ranking"
                 : !out   ? "output"
                          : "struct_size; use GRT_STEP_INIT");
    GRT_TRY(grt_ranking_take_step(ranking, err));
    grt_step step;
    grt_ranking_show(ranking, &step);
    grt_give_struct(out, &step, sizeof(step));
    return GRT_OK;
}

void grt_ranking_cancel(grt_ranking *ranking)
{
    if (ranking) atomic_store(&ranking->stop.is_cancelled, true);
}

grt_status grt_ranking_result(grt_result **out, grt_ranking *ranking, grt_error *err)
{
    if (!out || !ranking)
        GRT_FAIL(err, GRT_E_INVALID_ARG, "grt_ranking_result: no %s",
                 out ? "ranking" : "output");
    return grt_ranking_make_result(ranking, out, err);
}

void grt_ranking_free(grt_ranking *ranking)
{
    if (!ranking) return;
    grt_ranking_release(ranking);
    grt_free(ranking);
}

static grt_status rank(grt_result **out, const char *caller, grt_model *model,
                       const grt_request *request, const grt_ranking_extras *extras,
                       grt_error *err)
{
    if (!out) GRT_FAIL(err, GRT_E_INVALID_ARG, "%s: no output", caller);
    grt_ranking *ranking;
    GRT_TRY(open_ranking(&ranking, caller, model, request, extras, err));
    grt_status status = grt_ranking_run(ranking, err);
    if (status == GRT_OK) status = grt_ranking_make_result(ranking, out, err);
    grt_ranking_free(ranking);
    return status;
}

grt_status grt_rank(grt_result **out, grt_model *model, const grt_request *request,
                    grt_error *err)
{
    grt_ranking_extras extras = {0};
    return rank(out, "grt_rank", model, request, &extras, err);
}

grt_status grt_rank_experiment(grt_result **out, grt_model *model,
                               const grt_request *request,
                               const grt_experiment *experiment, grt_error *err)
{
    grt_ranking_extras extras = {
        .schedule = experiment->schedule,
        .n_schedule = experiment->n_schedule,
        .computes_prefix_apart = experiment->computes_prefix_apart != 0,
        .computes_all_rows = experiment->computes_all_rows != 0};
    return rank(out, "grt_rank_experiment", model, request, &extras, err);
}

grt_status grt_plan_memory(grt_memory_plan *out, grt_model *model, size_t n_documents,
                           size_t n_tokens, grt_error *err)
{
    if (!out || !model)
        GRT_FAIL(err, GRT_E_INVALID_ARG, "grt_plan_memory: no %s",
                 out ? "model" : "output");
    GRT_TRY(grt_engine_check_process(model->engine, err));
    size_t n_rows, max_tokens = model->opened.network.max_tokens;
    if (n_documents == 0 || n_tokens == 0 || n_tokens > max_tokens)
        GRT_FAIL(err, GRT_E_INVALID_ARG,
                 "a plan for %zu documents of %zu tokens; the model takes 1 to %zu "
                 "tokens",
                 n_documents, n_tokens, max_tokens);
    if (!grt_mul_size(&n_rows, n_documents, n_tokens))
        GRT_FAIL(err, GRT_E_TOO_LONG, "%zu documents are too many", n_documents);
    grt_plan_input input = {.n_documents = n_documents,
                            .n_pairs = n_documents,
                            .n_rows = n_rows,
                            .n_longest = n_tokens,
                            .n_sequence = n_tokens,
                            .n_distinct = n_rows,
                            .token_bytes = grt_pairs_bytes_of(n_documents, n_rows) +
                                           n_documents * sizeof(grt_row_range)};
    input.reading_bytes =
        input.token_bytes + grt_slot_scratch_bytes(&model->opened.vocabulary,
                                                   (uint64_t)BYTES_OF_TOKEN * n_tokens,
                                                   0);
    grt_turn turn = {0};
    grt_plan_held held;
    (void)grt_turns_take(&model->engine->turns, &turn, NULL);
    grt_plan_input_fill(&input, model, &held);
    grt_turns_give(&model->engine->turns, &turn);
    grt_plan plan;
    grt_status status = grt_plan_make(&plan, &input, err);
    grt_give_struct(out, &plan.plan, sizeof(plan.plan));
    return status;
}
