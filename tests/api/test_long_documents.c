/* test_long_documents.c - what becomes of documents that are too long: cut, split into
 * chunks of which the best counts, or refused. */
#include "opened.h"

#include <math.h>

#define MINI GRT_SOURCE_DIR "/models/grating-mini"

enum { MAX_WORDS = 2000, MOST = 64, STRIDE = MOST - MOST / 8 };

static grt_model *model;

/* Words of one token each, so that a token is a word wherever a text is cut. */
static const char *words[64];
static size_t n_words;

static size_t count_tokens(const char *text)
{
    grt_error err;
    size_t n;
    assert_ok(grt_count_tokens(&n, model, text, GRT_NUL_TERMINATED, &err), &err);
    return n;
}

static int set_up(void **state)
{
    (void)state;
    static const char *const candidates[] = {
        "the",    "owl",   "hunts", "night",  "sound", "steam", "engine", "water",
        "bread",  "snow",  "bird",  "market", "plant", "sugar", "dark",   "ear",
        "eyes",   "prey",  "day",   "mouse",  "fox",   "cat",   "forest", "tree",
        "silent", "wings", "food",  "city",   "car",   "road"};
    setup s = SETUP_INIT;
    s.engine.n_threads = 2;
    model = open_with(MINI, &s);
    for (size_t i = 0; i < sizeof(candidates) / sizeof(candidates[0]); i++)
        if (count_tokens(candidates[i]) == 1) words[n_words++] = candidates[i];
    assert_true(n_words > 15);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    close_with(model);
    return 0;
}

/* Words first..first + n - 1 of the document that a seed stands for; to be freed. */
static char *make_text(uint32_t seed, size_t first, size_t n)
{
    char *text = calloc(MAX_WORDS * 8, 1), *at = text;
    assert_non_null(text);
    for (size_t i = 0; i < first + n; i++) {
        seed = seed * 1664525u + 1013904223u;
        if (i >= first) at += snprintf(at, 8, "%s ", words[(seed >> 16) % n_words]);
    }
    return text;
}

static grt_request request_of(const char *const *documents, size_t n)
{
    grt_request request = GRT_REQUEST_INIT;
    request.query = "how does an owl hunt";
    request.documents = documents;
    request.n_documents = n;
    request.policy = &full_pass;
    return request;
}

static float logit_of(const char *text)
{
    float logit;
    grt_request request = request_of(&text, 1);
    rank_logits(model, &request, &logit);
    return logit;
}

/* ---- Best ---- */

/* The best of the chunks, each ranked on its own. */
static float best_of_chunks(uint32_t seed, size_t n_tokens, size_t *n_best)
{
    float best = -INFINITY;
    for (size_t first = 0;; first += STRIDE) {
        size_t left = n_tokens - first, n = left < MOST ? left : MOST;
        char *text = make_text(seed, first, n);
        assert_int_equal(count_tokens(text), n);
        float logit = logit_of(text);
        free(text);
        if (logit > best) {
            best = logit;
            *n_best = n;
        }
        if (left <= MOST) return best;
    }
}

static void test_the_best_chunk_counts(void **state)
{
    (void)state;
    static const size_t lengths[] = {MOST / 2, MOST, MOST + 1,  STRIDE + MOST,
                                     150,      300,  MAX_WORDS, STRIDE + MOST + 1};
    enum { N = sizeof(lengths) / sizeof(lengths[0]) };
    char *texts[N];
    for (size_t i = 0; i < N; i++)
        texts[i] = make_text((uint32_t)i, 0, lengths[i]);
    grt_request request = request_of((const char *const *)texts, N);
    request.long_documents = GRT_LONG_BEST;
    request.max_document_tokens = MOST;
    grt_result *result = rank_ok(model, &request);
    size_t around = 0; /* tokens of a pair that are not the document's */
    for (size_t i = 0; i < N; i++)
        if (lengths[grt_result_indices(result)[i]] == MOST)
            around = grt_result_tokens(result)[i] - MOST;
    assert_true(around > 3);
    for (size_t i = 0; i < N; i++) {
        size_t index = grt_result_indices(result)[i], n_best = 0;
        float wanted = best_of_chunks((uint32_t)index, lengths[index], &n_best);
        if (grt_result_logits(result)[i] != wanted)
            fail_msg("%zu tokens: %.9g, the best of its chunks gives %.9g",
                     lengths[index], (double)grt_result_logits(result)[i],
                     (double)wanted);
        assert_int_equal(grt_result_tokens(result)[i], around + n_best);
        assert_false(grt_result_flags(result)[i] & GRT_FLAG_TRUNCATED);
        assert_int_equal(grt_result_states(result)[i], GRT_STATE_FINISHED);
    }
    grt_result_free(result);
    for (size_t i = 0; i < N; i++)
        free(texts[i]);
}

/* Chunks share one place: in steps, priors, decisions, and however they lie in chunks
 * of rows. */
static void test_chunks_are_one_candidate(void **state)
{
    (void)state;
    enum { N = 8 };
    char *texts[N];
    float logits[N], sums[N], priors[N] = {0, 1, -1, 0.5f, 0, 0, -2, 0};
    for (size_t i = 0; i < N; i++)
        texts[i] = make_text((uint32_t)(40 + i), 0, i % 2 ? 400 - 30 * i : 20 + i);
    grt_request request = request_of((const char *const *)texts, N);
    request.long_documents = GRT_LONG_BEST;
    request.max_document_tokens = MOST;
    rank_logits(model, &request, logits);
    request.priors = priors;
    rank_logits(model, &request, sums);
    for (size_t i = 0; i < N; i++)
        assert_true(sums[i] == logits[i] + priors[i]);
    request.priors = NULL;
    for (unsigned choice = 0; choice < 6; choice++) {
        grt_policy_options policy = policy_of((grt_policy)(1 + choice % 3));
        policy.promise = GRT_PROMISE_SCORES;
        request.policy = &policy;
        request.k = 2;
        setup s = SETUP_INIT;
        s.engine.chunk_rows = choice & 1 ? 1 : 100000;
        s.engine.hidden = choice & 1 ? GRT_HIDDEN_FILE : GRT_HIDDEN_F32;
        s.model.residency = GRT_RESIDENCY_STREAMED;
        grt_model *of = open_with(MINI, &s);
        grt_ranking *ranking = open_ranking(of, &request);
        grt_step step;
        do {
            step = step_ok(ranking);
            assert_true(step.n <= N);
            if (step.layer < step.n_layers)
                assert_int_equal(step.n_active + step.n_selected + step.n_dropped, N);
        } while (!step.is_done);
        grt_result *result = result_ok(ranking);
        assert_int_equal(grt_result_count(result), N);
        for (size_t i = 0; i < N; i++)
            if (grt_result_flags(result)[i] & GRT_FLAG_EXACT)
                assert_true(grt_result_logits(result)[i] ==
                            logits[grt_result_indices(result)[i]]);
        grt_result_free(result);
        grt_ranking_free(ranking);
        close_with(of);
    }
    for (size_t i = 0; i < N; i++)
        free(texts[i]);
}

/* Without a limit of their own documents are split where the model ends. */
static void test_the_models_limit_splits_too(void **state)
{
    (void)state;
    char *text = make_text(7, 0, 1200);
    const char *documents[] = {text, "the owl hunts"};
    float best[2], cut[2];
    grt_request request = request_of(documents, 2);
    rank_logits(model, &request, cut);
    request.long_documents = GRT_LONG_BEST;
    grt_result *result = rank_ok(model, &request);
    logits_of(result, best);
    for (size_t i = 0; i < 2; i++) {
        assert_true(grt_result_tokens(result)[i] <= 512);
        assert_false(grt_result_flags(result)[i] & GRT_FLAG_TRUNCATED);
    }
    assert_true(stats_of(result).n_tokens > 1200); /* all of it was computed */
    assert_true(best[0] >= cut[0]);                /* which is the first chunk */
    assert_true(best[1] == cut[1]);
    grt_result_free(result);
    free(text);
}

/* ---- Cut ---- */

static void test_documents_are_cut_where_the_request_says(void **state)
{
    (void)state;
    enum { N = 4 };
    static const size_t lengths[N] = {10, MOST, MOST + 1, 300};
    char *texts[N];
    float wanted[N];
    for (size_t i = 0; i < N; i++) {
        size_t n = lengths[i] < MOST ? lengths[i] : MOST;
        char *cut = make_text((uint32_t)i, 0, n);
        wanted[i] = logit_of(cut);
        free(cut);
        texts[i] = make_text((uint32_t)i, 0, lengths[i]);
    }
    grt_request request = request_of((const char *const *)texts, N);
    request.max_document_tokens = MOST;
    grt_result *result = rank_ok(model, &request);
    for (size_t i = 0; i < N; i++) {
        size_t index = grt_result_indices(result)[i];
        assert_true(grt_result_logits(result)[i] == wanted[index]);
        assert_int_equal((grt_result_flags(result)[i] & GRT_FLAG_TRUNCATED) != 0,
                         lengths[index] > MOST);
    }
    grt_result_free(result);
    request.max_document_tokens = 100000; /* no more than the model takes */
    float plain[N], found[N];
    rank_logits(model, &request, found);
    request.max_document_tokens = 0;
    rank_logits(model, &request, plain);
    assert_memory_equal(found, plain, sizeof(plain));
    for (size_t i = 0; i < N; i++)
        free(texts[i]);
}

/* ---- Refused ---- */

static void test_the_document_that_is_refused_is_named(void **state)
{
    (void)state;
    char *fits = make_text(1, 0, MOST), *longer = make_text(2, 0, MOST + 1),
         *endless = make_text(3, 0, 600);
    const char *documents[] = {fits, "the owl", fits, longer, endless};
    grt_error err;
    grt_result *result = NULL;
    grt_request request = request_of(documents, 3);
    request.long_documents = GRT_LONG_REFUSE;
    request.max_document_tokens = MOST;
    grt_result_free(rank_ok(model, &request));
    request.n_documents = 5;
    assert_refused(grt_rank(&result, model, &request, &err), GRT_E_TOO_LONG, &err,
                   "document 3 has 65 tokens");
    assert_null(result);
    request.max_document_tokens = 0;
    assert_refused(grt_rank(&result, model, &request, &err), GRT_E_TOO_LONG, &err,
                   "document 4 has 600 tokens");
    request.n_documents = 4; /* the model takes these */
    grt_result_free(rank_ok(model, &request));
    free(fits);
    free(longer);
    free(endless);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_best_chunk_counts),
        cmocka_unit_test(test_chunks_are_one_candidate),
        cmocka_unit_test(test_the_models_limit_splits_too),
        cmocka_unit_test(test_documents_are_cut_where_the_request_says),
        cmocka_unit_test(test_the_document_that_is_refused_is_named),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
