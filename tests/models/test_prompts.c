/* test_prompts.c - the ids of every golden pair, one by one, and that no text brings
 * control tokens into it. */
#include "test.h"

#include "golden/golden.h"
#include "models/open.h"

#define FOLDER GRT_TEST_DATA "/golden"

static grt_text_view view_of(const char *text)
{
    return (grt_text_view){text, strlen(text)};
}

static void check_no_control_tokens(const grt_vocabulary *v, const int32_t *ids,
                                    size_t n)
{
    for (size_t i = 0; i < n; i++) {
        assert_in_range(ids[i], 0, v->n_pieces - 1);
        if (ids[i] == v->unk) continue;
        const grt_piece *piece = &v->pieces[ids[i]];
        bool is_byte =
            v->byte_fallback && piece->size == 6 && memcmp(piece->text, "<0x", 3) == 0;
        if (piece->is_special && !is_byte)
            fail_msg("a text gave the control token %.*s", (int)piece->size,
                     piece->text);
    }
}

static void check_job(const grt_opened *model, const golden_job *job)
{
    grt_error err;
    grt_prompt prompt = {0};
    grt_pairs pairs = {0};
    grt_text_view documents[16];
    const grt_network *network = &model->network;
    assert_in_range(job->n_documents, 1, 16);
    for (size_t i = 0; i < job->n_documents; i++)
        documents[i] = view_of(job->documents[i]);
    assert_ok(network->architecture->prompt(&prompt, network, model->tokenizer,
                                            job->instruction, &err),
              &err);
    grt_pairs_input input = {.tokenizer = model->tokenizer,
                             .template = &prompt.pair,
                             .query = view_of(job->query),
                             .documents = documents,
                             .n_documents = job->n_documents};
    assert_ok(grt_pairs_build(&pairs, &input, &err), &err);
    const grt_vocabulary *v = grt_tokenizer_vocabulary(model->tokenizer);
    for (size_t i = 0; i < job->n_documents; i++) {
        size_t first = pairs.offsets[i], n = pairs.offsets[i + 1] - first;
        const int32_t *ids = pairs.ids.ids + first;
        const grt_pair_spans *spans = &pairs.spans[i];
        assert_int_equal(n, job->n_ids[i]);
        assert_memory_equal(ids, job->ids[i], n * sizeof(*ids));
        assert_memory_equal(pairs.token_types + first, job->types[i], n);
        assert_int_equal(pairs.cuts[i] != 0, job->is_truncated[i]);
        check_no_control_tokens(v, ids + spans->first_query, spans->n_query);
        check_no_control_tokens(v, ids + spans->first_document, spans->n_document);
    }
    grt_pairs_release(&pairs);
    grt_arena_release(&prompt.arena);
}

static void test_every_pair_has_the_ids_of_its_reference(void **state)
{
    (void)state;
    static char names[GOLDEN_MAX_CASES][GOLDEN_MAX_NAME];
    size_t n = golden_names(names, FOLDER), n_run = 0;
    for (size_t i = 0; i < n; i++) {
        golden g;
        golden_open(&g, FOLDER, names[i]);
        for (size_t j = 0; j < g.n_jobs; j++) {
            grt_error err;
            grt_opened model = {0};
            assert_ok(grt_open(&model, g.path, &err), &err);
            check_job(&model, &g.jobs[j]);
            grt_opened_release(&model);
            n_run++;
        }
        golden_close(&g);
    }
    assert_true(n_run > 200);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_pair_has_the_ids_of_its_reference),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
