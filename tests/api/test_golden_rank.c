/* test_golden_rank.c - text in, logit out, through the public functions: the tiny
 * checkpoints against an independent tokenizer and forward pass. */
#include "test.h"

#include "golden/golden.h"

#include <math.h>

#define FOLDER GRT_TEST_DATA "/golden"

static double check_job(grt_session *session, const golden_job *job)
{
    grt_error err;
    grt_result *result = NULL;
    grt_request request = GRT_REQUEST_INIT;
    request.query = job->query;
    request.instruction = job->instruction;
    request.documents = job->documents;
    request.n_documents = job->n_documents;
    assert_ok(grt_rank(session, &request, &result, &err), &err);
    double worst = 0.0;
    for (size_t i = 0; i < job->n_documents; i++) {
        const grt_item *item = &grt_result_items(result)[i];
        double wanted = job->logits[item->index];
        assert_int_equal(item->n_tokens, job->n_ids[item->index]);
        assert_int_equal(item->truncated, job->is_truncated[item->index]);
        worst =
            fmax(worst, fabs((double)item->logit - wanted) / fmax(1.0, fabs(wanted)));
    }
    grt_result_free(result);
    return worst;
}

/* Every head of a layer, through a session that stops there. */
static void check_cutoffs(const golden *g)
{
    grt_error err;
    grt_model *model = NULL;
    assert_ok(grt_model_open(&model, g->path, NULL, &err), &err);
    for (size_t layer = g->first_head; layer <= g->n_layers; layer++) {
        grt_session *session = NULL;
        grt_session_options options = GRT_SESSION_OPTIONS_INIT;
        options.arithmetic = GRT_ARITHMETIC_F32;
        options.cutoff_layer = layer;
        assert_ok(grt_session_create(&session, model, &options, &err), &err);
        for (size_t j = 0; j < g->n_jobs; j++) {
            golden_job job = g->jobs[j];
            double logits[16];
            assert_true(job.n_documents <= 16);
            for (size_t i = 0; i < job.n_documents; i++)
                logits[i] = job.layer_logits[i][layer - g->first_head];
            job.logits = logits;
            assert_true(check_job(session, &job) < 1e-4);
        }
        grt_session_free(session);
    }
    grt_model_close(model);
}

static void check_case(const golden *g, grt_arithmetic arithmetic)
{
    grt_error err;
    grt_model *model = NULL;
    grt_session *session = NULL;
    assert_ok(grt_model_open(&model, g->path, NULL, &err), &err);
    grt_session_options options = GRT_SESSION_OPTIONS_INIT;
    options.arithmetic = arithmetic;
    assert_ok(grt_session_create(&session, model, &options, &err), &err);
    double worst = 0.0;
    for (size_t i = 0; i < g->n_jobs; i++)
        worst = fmax(worst, check_job(session, &g->jobs[i]));
    printf("%-22s %zu queries in %s, logits within %.1e\n", g->name, g->n_jobs,
           grt_arithmetic_text(arithmetic), worst);
    static const double tolerances[] = {[GRT_ARITHMETIC_F32] = 1e-4,
                                        [GRT_ARITHMETIC_BF16] = 1e-1,
                                        [GRT_ARITHMETIC_INT8] = 8e-1};
    assert_true(worst < tolerances[arithmetic]);
    grt_session_free(session);
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
