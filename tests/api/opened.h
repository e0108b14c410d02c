/* opened.h - the short way to engines, models and rankings, for tests that go through
 * the public interface. */
#ifndef GRT_TESTS_API_OPENED_H
#define GRT_TESTS_API_OPENED_H

#include "test.h"

/* Nobody is decided early. */
static const grt_policy_options full_pass = {.struct_size = sizeof(grt_policy_options),
                                             .policy = GRT_POLICY_NONE};

/* The default policy with all its defaults, or another one. */
static inline grt_policy_options policy_of(grt_policy policy)
{
    grt_policy_options options = GRT_POLICY_OPTIONS_INIT;
    options.policy = (int32_t)policy;
    return options;
}

/* One empty, two the same, some about nothing that is asked. */
enum { N_PASSAGES = 16 };
static const char *const passages[N_PASSAGES] = {
    "Owls hunt at night by sound; their feathers make no noise.",
    "Steam engines heat water in a boiler.",
    "The barn owl drops on voles that it hears under the snow.",
    "",
    "An owl.",
    "Hawks hunt by day, from a perch or in flight.",
    "Owls hunt at night by sound; their feathers make no noise.",
    "Plants turn carbon dioxide and water into sugar.",
    "Mice are hunted by owls, cats, weasels, foxes and snakes.",
    "Night vision of owls comes from large tubular eyes.",
    "The stock market closed slightly higher on Friday.",
    "A predator that hunts in the dark needs ears more than eyes.",
    "Bread rises because yeast makes carbon dioxide.",
    "Some birds of prey are active at dusk.",
    "Flour, water and salt.",
    "Shares of bakeries fell."};

/* The first n of them. */
static inline grt_request passages_request(const grt_policy_options *policy, size_t n,
                                           size_t k)
{
    grt_request request = GRT_REQUEST_INIT;
    request.query = "how do owls hunt";
    request.documents = passages;
    request.n_documents = n;
    request.k = k;
    request.policy = policy;
    return request;
}

/* What a model and an engine of its own are opened with. */
typedef struct setup {
    grt_engine_options engine;
    grt_model_options model;
} setup;

#define SETUP_INIT                                      \
    {                                                   \
        GRT_ENGINE_OPTIONS_INIT, GRT_MODEL_OPTIONS_INIT \
    }

static inline grt_engine *new_engine(const grt_engine_options *options)
{
    grt_error err;
    grt_engine *engine = NULL;
    assert_ok(grt_engine_create(&engine, options, &err), &err);
    return engine;
}

static inline grt_model *open_on(grt_engine *engine, const char *path,
                                 const grt_model_options *options)
{
    grt_error err;
    grt_model *model = NULL;
    assert_ok(grt_model_open(&model, engine, path, options, &err), &err);
    return model;
}

static inline grt_model *open_with(const char *path, const setup *s)
{
    return open_on(new_engine(&s->engine), path, &s->model);
}

/* With the engine that open_with made for it. */
static inline void close_with(grt_model *model)
{
    grt_engine *engine = grt_model_engine(model);
    grt_model_close(model);
    grt_engine_free(engine);
}

static inline grt_engine_usage usage_of(const grt_model *model)
{
    grt_engine_usage usage = {.struct_size = sizeof(usage)};
    assert_int_equal(grt_engine_describe(grt_model_engine(model), &usage), GRT_OK);
    return usage;
}

static inline grt_stats stats_of(const grt_result *result)
{
    grt_stats stats = GRT_STATS_INIT;
    grt_result_stats(result, &stats);
    return stats;
}

static inline grt_memory_plan plan_of(const grt_result *result)
{
    grt_memory_plan plan = GRT_MEMORY_PLAN_INIT;
    grt_result_plan(result, &plan);
    return plan;
}

static inline grt_result *rank_ok(grt_model *model, const grt_request *request)
{
    grt_error err;
    grt_result *result = NULL;
    assert_ok(grt_rank(&result, model, request, &err), &err);
    assert_int_equal(grt_result_count(result), request->n_documents);
    return result;
}

/* logits[count] in the request's order. */
static inline void logits_of(const grt_result *result, float *logits)
{
    for (size_t i = 0; i < grt_result_count(result); i++)
        logits[grt_result_indices(result)[i]] = grt_result_logits(result)[i];
}

static inline void rank_logits(grt_model *model, const grt_request *request,
                               float *logits)
{
    grt_result *result = rank_ok(model, request);
    logits_of(result, logits);
    grt_result_free(result);
}

static inline grt_ranking *open_ranking(grt_model *model, const grt_request *request)
{
    grt_error err;
    grt_ranking *ranking = NULL;
    assert_ok(grt_ranking_open(&ranking, model, request, &err), &err);
    return ranking;
}

static inline grt_step step_ok(grt_ranking *ranking)
{
    grt_error err;
    grt_step step = GRT_STEP_INIT;
    assert_ok(grt_ranking_step(&step, ranking, &err), &err);
    return step;
}

static inline grt_result *result_ok(grt_ranking *ranking)
{
    grt_error err;
    grt_result *result = NULL;
    assert_ok(grt_ranking_result(&result, ranking, &err), &err);
    return result;
}

/* All columns of two results are the same, bit for bit. */
static inline void assert_same_result(const grt_result *a, const grt_result *b)
{
    size_t n = grt_result_count(a);
    assert_int_equal(grt_result_count(b), n);
    assert_int_equal(grt_result_top(a), grt_result_top(b));
    assert_memory_equal(grt_result_indices(a), grt_result_indices(b),
                        n * sizeof(size_t));
    assert_memory_equal(grt_result_scores(a), grt_result_scores(b), n * sizeof(float));
    assert_memory_equal(grt_result_logits(a), grt_result_logits(b), n * sizeof(float));
    assert_memory_equal(grt_result_states(a), grt_result_states(b),
                        n * sizeof(int32_t));
    assert_memory_equal(grt_result_layers(a), grt_result_layers(b), n * sizeof(size_t));
    assert_memory_equal(grt_result_tokens(a), grt_result_tokens(b), n * sizeof(size_t));
    assert_memory_equal(grt_result_flags(a), grt_result_flags(b), n * sizeof(uint32_t));
}

#endif /* GRT_TESTS_API_OPENED_H */
