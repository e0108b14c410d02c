/* test_pair.c - pairs of the Qwen3 template: what is cut, what is shared, and that the
 * pieces around the texts are tokenised as the whole body would be. */
#include "test.h"

#include "base/memory.h"
#include "formats/tokenizer_files.h"
#include "tokenizer/pair.h"

static grt_vocabulary vocabulary;
static grt_tokenizer *tokenizer;
static const int32_t start[] = {1, 2, 3}, end[] = {4, 5};

static int open_tokenizer(void **state)
{
    (void)state;
    grt_status status = grt_vocabulary_open_directory(
        &vocabulary, GRT_TEST_DATA "/golden/qwen3-f32-tied", NULL);
    vocabulary.has_one_type = false; /* the templates of these tests have two */
    return status != GRT_OK ||
           grt_tokenizer_create(&tokenizer, &vocabulary, NULL) != GRT_OK;
}

static int close_tokenizer(void **state)
{
    (void)state;
    grt_tokenizer_free(tokenizer);
    grt_vocabulary_release(&vocabulary);
    return grt_memory_now() != 0;
}

static grt_pair_template qwen_like(size_t max_tokens)
{
    grt_pair_template t = {.n_segments = 4, .max_tokens = max_tokens};
    t.segments[0] = (grt_segment){.slot = GRT_SLOT_FIXED, .ids = start, .n_ids = 3};
    t.segments[1] = (grt_segment){
        .slot = GRT_SLOT_QUERY, .before = "<Query>: ", .after = "\n<Document>:"};
    t.segments[2] =
        (grt_segment){.slot = GRT_SLOT_DOCUMENT, .before = " ", .token_type = 1};
    t.segments[3] = (grt_segment){.slot = GRT_SLOT_FIXED, .ids = end, .n_ids = 2};
    return t;
}

static grt_text_view view(const char *text)
{
    return (grt_text_view){text, strlen(text)};
}

static void encode(grt_ids *ids, const char *text)
{
    ids->n = 0;
    assert_int_equal(grt_tokenizer_encode(tokenizer, text, strlen(text), ids, NULL),
                     GRT_OK);
}

static grt_status build(grt_pairs *out, const grt_pair_template *template,
                        grt_text_view query, const grt_text_view *documents, size_t n,
                        grt_error *err)
{
    grt_pairs_input input = {.tokenizer = tokenizer,
                             .template = template,
                             .query = query,
                             .documents = documents,
                             .n_documents = n};
    return grt_pairs_build(out, &input, err);
}

static void test_pieces_equal_the_whole_body(void **state)
{
    (void)state;
    static const char *const parts[] = {"owl", "?",    " ", "\n", "1.", " x",
                                        "'s",  "\n\n", "!", "aa", ".",  "\t"};
    uint32_t seed = 5;
    grt_ids body = {0};
    for (int round = 0; round < 3000; round++) {
        char texts[2][64] = {"", ""}, whole[200];
        for (int t = 0; t < 2; t++)
            for (int i = 0; i < 6; i++) {
                seed = seed * 1664525u + 1013904223u;
                size_t at = strlen(texts[t]);
                (void)snprintf(texts[t] + at, 64 - at, "%s", parts[(seed >> 20) % 12]);
            }
        (void)snprintf(whole, sizeof(whole), "<Query>: %s\n<Document>: %s", texts[0],
                       texts[1]);
        encode(&body, whole);
        grt_pair_template t = qwen_like(1000);
        grt_text_view document = view(texts[1]);
        grt_pairs pairs = {0};
        grt_error err;
        assert_ok(build(&pairs, &t, view(texts[0]), &document, 1, &err), &err);
        assert_int_equal(pairs.ids.n, body.n + 5);
        assert_memory_equal(pairs.ids.ids + 3, body.ids, body.n * sizeof(int32_t));
        grt_pairs_release(&pairs);
    }
    grt_ids_release(&body);
}

/* The space that a prompt ends with becomes part of a text's first piece: it is the
 * text's, and so are all rows up to what follows the text. */
static void test_a_span_has_the_first_word(void **state)
{
    (void)state;
    grt_error err;
    grt_text_view document = view("owl listens");
    grt_pair_template t = qwen_like(1000);
    grt_pairs pairs = {0};
    grt_ids own = {0};
    assert_ok(build(&pairs, &t, view("owl listens"), &document, 1, &err), &err);
    encode(&own, " owl listens");
    const grt_pair_spans *spans = &pairs.spans[0];
    assert_int_equal(spans->n_query, own.n);
    assert_int_equal(spans->n_document, own.n);
    assert_memory_equal(pairs.ids.ids + spans->first_query, own.ids,
                        own.n * sizeof(int32_t));
    assert_memory_equal(pairs.ids.ids + spans->first_document, own.ids,
                        own.n * sizeof(int32_t));
    grt_pairs_release(&pairs);
    grt_ids_release(&own);
}

static void test_the_longer_text_is_cut_and_the_template_stays(void **state)
{
    (void)state;
    grt_error err;
    const char *query = "owls owls owls";
    const grt_text_view documents[] = {view("z"),
                                       view("zqzqzqzqzqzqzqzqzqzqzqzqzqzqzqzq")};
    grt_pairs full = {0}, cut = {0};
    grt_pair_template t = qwen_like(1000);
    assert_ok(build(&full, &t, view(query), documents, 2, &err), &err);
    size_t n_short = full.offsets[1], n_long = full.offsets[2] - full.offsets[1];
    t.max_tokens = n_short;
    assert_ok(build(&cut, &t, view(query), documents, 2, &err), &err);
    assert_false(full.cuts[0] || full.cuts[1] || cut.cuts[0]);
    assert_int_equal(cut.cuts[1], GRT_CUT_DOCUMENT | GRT_CUT_QUERY); /* to the same */
    assert_true(n_long > n_short);
    assert_int_equal(cut.offsets[2] - cut.offsets[1], n_short);
    assert_memory_equal(cut.ids.ids + cut.offsets[2] - 2, end, sizeof(end));
    assert_int_equal(cut.token_types[cut.offsets[2] - 3], 1);
    assert_int_equal(cut.token_types[cut.offsets[2] - 1], 0);
    assert_true(full.n_prefix > 3 && full.n_prefix < n_short);
    for (size_t i = 0; i < full.n_prefix; i++)
        assert_int_equal(full.ids.ids[i], full.ids.ids[full.offsets[1] + i]);
    grt_pairs_release(&cut);
    t.max_tokens = n_long - 1; /* the longer text loses one id */
    assert_ok(build(&cut, &t, view(query), documents, 2, &err), &err);
    assert_int_equal(cut.cuts[1], GRT_CUT_DOCUMENT);
    grt_pairs_release(&cut);
    t.max_tokens = n_short; /* the same with the long text as the query */
    assert_ok(build(&cut, &t, documents[1], documents, 1, &err), &err);
    assert_int_equal(cut.cuts[0], GRT_CUT_QUERY);
    t.max_tokens = 10; /* less than the template alone */
    grt_pairs none = {0};
    assert_refused(build(&none, &t, view(query), documents, 2, &err), GRT_E_TOO_LONG,
                   &err, "10 tokens");
    grt_pairs_release(&full);
    grt_pairs_release(&cut);
}

/* Every limit between the template alone and no cut at all: never longer than asked,
 * and the two texts differ in length by at most one id once both had to give. */
static void test_every_limit(void **state)
{
    (void)state;
    grt_error err;
    grt_text_view document = view("zqzqzqzqzqzqzqzq");
    grt_pair_template t = qwen_like(1000);
    grt_pairs pairs = {0};
    assert_ok(build(&pairs, &t, view("zq zq zq"), &document, 1, &err), &err);
    size_t n = pairs.ids.n, shortest = n;
    grt_pairs_release(&pairs);
    for (t.max_tokens = n; t.max_tokens > 0; t.max_tokens--) {
        grt_status status = build(&pairs, &t, view("zq zq zq"), &document, 1, &err);
        if (status == GRT_E_TOO_LONG) break;
        assert_ok(status, &err);
        assert_int_equal(pairs.ids.n, t.max_tokens);
        assert_int_equal(pairs.cuts[0] != 0, t.max_tokens < n);
        shortest = pairs.ids.n;
        grt_pairs_release(&pairs);
    }
    assert_true(shortest < n - 8);
}

static void test_running_out_of_memory(void **state)
{
    (void)state;
    uint64_t before = grt_memory_now();
    grt_text_view document = view("zqzq");
    grt_pair_template t = qwen_like(1000);
    grt_status status = GRT_E_NO_MEMORY;
    for (uint64_t nth = 1; status != GRT_OK; nth++) {
        grt_pairs pairs = {0};
        grt_memory_fail_nth(nth);
        status = build(&pairs, &t, view("q"), &document, 1, NULL);
        grt_memory_fail_nth(0);
        grt_pairs_release(&pairs);
        assert_int_equal(grt_memory_now(), before);
        assert_true(nth < 1000);
    }
}

static grt_status build_one(grt_pairs *pairs, const char *query, const char *document,
                            size_t max_tokens)
{
    grt_pair_template template = qwen_like(max_tokens);
    grt_text_view q = {query, strlen(query)}, d = {document, strlen(document)};
    return build(pairs, &template, q, &d, 1, NULL);
}

static void test_what_the_vocabulary_says_of_pairs(void **state)
{
    (void)state;
    grt_pairs whole = {0}, left = {0}, plain = {0};
    const char *query = "a", *document = "1 2 3 4 5 6 7 8 9";
    assert_int_equal(build_one(&whole, query, document, 100), GRT_OK);
    size_t n = whole.ids.n;
    vocabulary.cuts_left = true;
    vocabulary.max_tokens = n - 4;
    assert_int_equal(build_one(&left, query, document, 100), GRT_OK);
    assert_int_equal(left.ids.n, n - 4);
    assert_true(left.cuts[0]);
    const grt_pair_spans *all = &whole.spans[0], *cut = &left.spans[0];
    assert_int_equal(cut->n_document, all->n_document - 4);
    assert_memory_equal(left.ids.ids + cut->first_document,
                        whole.ids.ids + all->first_document + 4,
                        cut->n_document * sizeof(int32_t));
    vocabulary.cuts_left = false;
    vocabulary.max_tokens = 1000; /* more than the model's: without effect */
    vocabulary.has_one_type = true;
    assert_int_equal(build_one(&plain, query, document, n - 4), GRT_OK);
    assert_memory_equal(plain.ids.ids + all->first_document,
                        whole.ids.ids + all->first_document,
                        (all->n_document - 4) * sizeof(int32_t));
    for (size_t i = 0; i < plain.ids.n; i++)
        assert_int_equal(plain.token_types[i], 0);
    vocabulary.max_tokens = 0;
    vocabulary.has_one_type = false;
    grt_pairs_release(&whole);
    grt_pairs_release(&left);
    grt_pairs_release(&plain);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_pieces_equal_the_whole_body),
        cmocka_unit_test(test_a_span_has_the_first_word),
        cmocka_unit_test(test_the_longer_text_is_cut_and_the_template_stays),
        cmocka_unit_test(test_every_limit),
        cmocka_unit_test(test_what_the_vocabulary_says_of_pairs),
        cmocka_unit_test(test_running_out_of_memory),
    };
    return cmocka_run_group_tests(tests, open_tokenizer, close_tokenizer);
}
