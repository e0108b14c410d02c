/* test_golden_rank.c - text in, logit out, through the public functions: the tiny
 * checkpoints against an independent tokenizer and forward pass. */
#include "opened.h"

#include "golden/golden.h"

#include <math.h>

#define FOLDER GRT_TEST_DATA "/golden"

static double check_job(grt_model *model, const golden_job *job)
{
    grt_request request = GRT_REQUEST_INIT;
    request.query = job->query;
    request.instruction = job->instruction;
    request.documents = job->documents;
    request.n_documents = job->n_documents;
    grt_result *result = rank_ok(model, &request);
    double worst = 0.0;
    for (size_t i = 0; i < job->n_documents; i++) {
        size_t index = grt_result_indices(result)[i];
        double logit = (double)grt_result_logits(result)[i];
        double wanted = job->logits[index];
        uint32_t flags = grt_result_flags(result)[i];
        assert_int_equal(grt_result_tokens(result)[i], job->n_ids[index]);
        assert_int_equal((flags & GRT_FLAG_TRUNCATED) != 0, job->is_truncated[index]);
        assert_true(flags & GRT_FLAG_EXACT);
        worst = fmax(worst, fabs(logit - wanted) / fmax(1.0, fabs(wanted)));
    }
    grt_result_free(result);
    return worst;
}

/* Every head of a layer, through a model that stops there. */
static void check_cutoffs(const golden *g)
{
    for (size_t layer = g->first_head; layer <= g->n_layers; layer++) {
        grt_model_options options = GRT_MODEL_OPTIONS_INIT;
        options.arithmetic = GRT_ARITHMETIC_F32;
        options.cutoff_layer = layer;
        grt_model *model = open_on(NULL, g->path, &options);
        for (size_t j = 0; j < g->n_jobs; j++) {
            golden_job job = g->jobs[j];
            double logits[16];
            assert_true(job.n_documents <= 16);
            for (size_t i = 0; i < job.n_documents; i++)
                logits[i] = job.layer_logits[i][layer - g->first_head];
            job.logits = logits;
            assert_true(check_job(model, &job) < 1e-4);
        }
        grt_model_close(model);
    }
}

static void check_case(const golden *g, grt_arithmetic arithmetic)
{
    grt_model_options options = GRT_MODEL_OPTIONS_INIT;
    options.arithmetic = (int32_t)arithmetic;
    grt_model *model = open_on(NULL, g->path, &options);
    double worst = 0.0;
    for (size_t i = 0; i < g->n_jobs; i++)
        worst = fmax(worst, check_job(model, &g->jobs[i]));
    printf("%-22s %zu queries in %s, logits within %.1e\n", g->name, g->n_jobs,
           grt_arithmetic_text(arithmetic), worst);
    static const double tolerances[] = {[GRT_ARITHMETIC_F32] = 1e-4,
                                        [GRT_ARITHMETIC_BF16] = 1e-1,
                                        [GRT_ARITHMETIC_INT8] = 8e-1};
    assert_true(worst < tolerances[arithmetic]);
    grt_model_close(model);
}

static void test_text_in_logit_out(void **state)
{
    (void)state;
    static char names[GOLDEN_MAX_CASES][GOLDEN_MAX_NAME];
    size_t n = golden_names(names, FOLDER), n_run = 0;
    for (size_t i = 0; i < n; i++) {
        golden g;
        golden_open(&g, FOLDER, names[i]);
        if (!g.refused) {
            check_case(&g, GRT_ARITHMETIC_F32);
            check_case(&g, GRT_ARITHMETIC_BF16);
            check_case(&g, GRT_ARITHMETIC_INT8);
            if (g.first_head) check_cutoffs(&g);
            n_run++;
        }
        golden_close(&g);
    }
    assert_true(n_run >= 10);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_text_in_logit_out),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
