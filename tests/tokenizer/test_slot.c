/* test_slot.c - long texts: the ids that count are those of the whole text, though it
 * is not read to its end; words of any length take bounded scratch; what is counted is
 * what is built. */
#include "test.h"

#include "base/memory.h"
#include "formats/tokenizer_files.h"
#include "tokenizer/slot.h"

#include <stdlib.h>

static const char *const folders[] = {
    GRT_TEST_DATA "/golden/bert-f32",      GRT_TEST_DATA "/golden/qwen3-f32-tied",
    GRT_TEST_DATA "/golden/roberta-f32",   GRT_TEST_DATA "/golden/roberta-unigram-f16",
    GRT_TEST_DATA "/golden/gemma-f32",     GRT_TEST_DATA "/golden/llama-f32",
    GRT_TEST_DATA "/golden/minicpm-f32",   GRT_TEST_DATA "/golden/modernbert-f32",
    GRT_SOURCE_DIR "/models/grating-mini", GRT_SOURCE_DIR "/models/grating-mini-qwen3",
};
enum { N_FOLDERS = sizeof(folders) / sizeof(folders[0]) };

typedef struct opened {
    grt_vocabulary vocabulary;
    grt_tokenizer *tokenizer;
} opened;

static void open_folder(opened *out, const char *path)
{
    grt_error err;
    *out = (opened){0};
    assert_ok(grt_vocabulary_open_directory(&out->vocabulary, path, &err), &err);
    assert_ok(grt_tokenizer_create(&out->tokenizer, &out->vocabulary, &err), &err);
}

static void close_folder(opened *o)
{
    grt_tokenizer_free(o->tokenizer);
    grt_vocabulary_release(&o->vocabulary);
}

/* Text of n bytes; kind 0 is words, 1 has spaces in runs and other scripts, 2 is one
 * word, 3 is of one character only. */
static char *make_text(size_t n, int kind)
{
    static const char *const words[] = {"owl",   "hunts", "at",     "night", "12345",
                                        "don't", "steam", "engine", "a",     "x9"};
    static const char *const hard[] = {"  ",
                                       "\n\n",
                                       "\t ",
                                       "\xc3\xa9t\xc3\xa9",
                                       " \xe6\xa2\x9f\xe5\x8d\x81",
                                       "e\xcc\x81 ",
                                       "owl",
                                       " \xf0\x9f\xa6\x89",
                                       "...",
                                       "\xff "};
    char *text = malloc(n + 32);
    uint32_t seed = 7;
    size_t used = 0;
    assert_non_null(text);
    while (used < n) {
        seed = seed * 1664525u + 1013904223u;
        unsigned at = (seed >> 16) % 10;
        const char *word = kind == 1 ? hard[at] : words[at];
        if (kind == 2)
            text[used++] = (char)('a' + (seed >> 20) % 26);
        else if (kind == 3)
            text[used++] = 'a';
        else
            used +=
                (size_t)snprintf(text + used, n + 32 - used, kind ? "%s" : "%s ", word);
    }
    return text;
}

static void check_start(const opened *o, const char *folder, int kind, size_t limit,
                        bool has_around)
{
    enum { BYTES = 40000 };
    grt_error err;
    char *text = make_text(BYTES, kind);
    grt_text_view view = {text, BYTES};
    grt_segment segment = {.slot = GRT_SLOT_DOCUMENT};
    if (has_around) {
        segment.before = "<Document>: ";
        segment.after = "\n<End>";
    }
    grt_surround around = {0};
    grt_slot_ids whole = {0}, start = {0};
    assert_ok(grt_surround_encode(&around, o->tokenizer, &segment, &err), &err);
    assert_ok(grt_slot_encode(&whole, o->tokenizer, &segment, &around, view, 0, &err),
              &err);
    assert_ok(
        grt_slot_encode(&start, o->tokenizer, &segment, &around, view, limit, &err),
        &err);
    size_t n = start.ids.n - start.n_after;
    bool is_whole = start.ids.n == whole.ids.n;
    if (!is_whole && n != limit)
        fail_msg("%s, kind %d: %zu ids, not %zu", folder, kind, n, limit);
    assert_int_equal(start.n_before, whole.n_before);
    for (size_t i = 0; i < n; i++)
        if (start.ids.ids[i] != whole.ids.ids[i])
            fail_msg("%s, kind %d, the first %zu: id %zu is %d, not %d", folder, kind,
                     limit, i, (int)start.ids.ids[i], (int)whole.ids.ids[i]);
    size_t end = start.ids.n - around.after.n;
    if (!is_whole)
        assert_memory_equal(start.ids.ids + end, around.after.ids,
                            around.after.n * sizeof(int32_t));
    grt_ids_release(&whole.ids);
    grt_ids_release(&start.ids);
    grt_ids_release(&around.before);
    grt_ids_release(&around.after);
    free(text);
}

static void test_the_start_of_a_text_is_the_start_of_the_whole(void **state)
{
    (void)state;
    static const size_t limits[] = {1, 17, 96, 512, 2048};
    for (size_t f = 0; f < N_FOLDERS; f++) {
        opened o;
        open_folder(&o, folders[f]);
        for (int kind = 0; kind < 4; kind++)
            for (size_t i = 0; i < sizeof(limits) / sizeof(limits[0]); i++)
                check_start(&o, folders[f], kind, limits[i], i % 2 != 0);
        close_folder(&o);
    }
    assert_int_equal(grt_memory_now(), 0);
}

static void test_a_long_text_is_not_read_to_its_end(void **state)
{
    (void)state;
    enum { BYTES = 4 << 20 };
    opened o;
    grt_error err;
    open_folder(&o, folders[1]);
    char *text = make_text(BYTES, 2);
    grt_segment segment = {.slot = GRT_SLOT_DOCUMENT};
    grt_surround around = {0};
    grt_slot_ids start = {0};
    uint64_t before = grt_memory_now();
    grt_text_view view = {text, BYTES};
    assert_ok(grt_slot_encode(&start, o.tokenizer, &segment, &around, view, 512, &err),
              &err);
    uint64_t most = grt_slot_scratch_bytes(&o.vocabulary, BYTES, 512);
    if (grt_memory_peak() - before > most)
        fail_msg("%llu bytes, and %llu are the most",
                 (unsigned long long)(grt_memory_peak() - before),
                 (unsigned long long)most);
    assert_true(most < BYTES);
    grt_ids_release(&start.ids);
    free(text);
    close_folder(&o);
}

/* A word of any length takes the scratch of GRT_WORD_BYTES, and its ids are those of
 * its parts. */
static void test_a_word_takes_bounded_scratch(void **state)
{
    (void)state;
    enum { BYTES = 5 * GRT_WORD_BYTES + 123 };
    for (size_t f = 0; f < N_FOLDERS; f++) {
        opened o;
        grt_error err;
        open_folder(&o, folders[f]);
        char *text = make_text(BYTES, 2);
        grt_ids ids = {0}, part = {0};
        uint64_t before = grt_memory_now();
        uint64_t most = grt_slot_scratch_bytes(&o.vocabulary, BYTES, 0);
        assert_ok(grt_tokenizer_encode(o.tokenizer, text, BYTES, &ids, &err), &err);
        most += 3 * ids.capacity * sizeof(int32_t);
        if (f < 2 && grt_memory_peak() - before > most) /* later: of larger models */
            fail_msg("%s: %llu bytes, and %llu are the most", folders[f],
                     (unsigned long long)(grt_memory_peak() - before),
                     (unsigned long long)most);
        if (o.vocabulary.kind == GRT_TOKENIZER_BPE) {
            assert_ok(
                grt_tokenizer_encode(o.tokenizer, text, GRT_WORD_BYTES, &part, &err),
                &err);
            assert_true(part.n < ids.n);
            assert_memory_equal(part.ids, ids.ids, part.n * sizeof(int32_t));
        }
        grt_ids_release(&ids);
        grt_ids_release(&part);
        free(text);
        close_folder(&o);
    }
    assert_int_equal(grt_memory_now(), 0);
}

static void check_counts(const opened *o, grt_long_documents how)
{
    static const int32_t fixed[] = {1, 2};
    enum { N = 7 };
    grt_error err;
    grt_pair_template template = {.n_segments = 3, .max_tokens = 96};
    template.segments[0] =
        (grt_segment){.slot = GRT_SLOT_FIXED, .ids = fixed, .n_ids = 2};
    template.segments[1] = (grt_segment){.slot = GRT_SLOT_QUERY};
    template.segments[2] = (grt_segment){.slot = GRT_SLOT_DOCUMENT, .before = " "};
    char *texts[N];
    grt_text_view views[N];
    for (size_t i = 0; i < N; i++) {
        texts[i] = make_text(40 * i * i + 1, (int)(i % 4));
        views[i] = (grt_text_view){texts[i], i == 3 ? 0 : 40 * i * i + 1};
    }
    grt_pairs_input input = {.tokenizer = o->tokenizer,
                             .template = &template,
                             .query = {"how do owls hunt", 16},
                             .documents = views,
                             .n_documents = N,
                             .long_documents = how};
    grt_pairs_counts counts, bound;
    grt_pairs grown = {0}, exact = {0};
    assert_ok(grt_pairs_build(&grown, &input, &err), &err);
    uint64_t before = grt_memory_now();
    assert_ok(grt_pairs_count(&counts, &input, &err), &err);
    assert_int_equal(grt_memory_now(), before);
    assert_int_equal(counts.n_pairs, grown.n_pairs);
    assert_int_equal(counts.n_ids, grown.ids.n);
    assert_int_equal(counts.n_prefix, grown.n_prefix);
    grt_pairs_bound(&bound, &input);
    assert_true(bound.n_ids >= counts.n_ids && bound.n_pairs >= counts.n_pairs);
    assert_true(bound.n_longest >= counts.n_longest);
    input.counts = &counts;
    assert_ok(grt_pairs_build(&exact, &input, &err), &err);
    assert_int_equal(exact.ids.n, grown.ids.n);
    assert_memory_equal(exact.ids.ids, grown.ids.ids, grown.ids.n * sizeof(int32_t));
    assert_memory_equal(exact.token_types, grown.token_types, grown.ids.n);
    assert_memory_equal(exact.offsets, grown.offsets,
                        (grown.n_pairs + 1) * sizeof(size_t));
    assert_memory_equal(exact.cuts, grown.cuts, grown.n_pairs);
    uint64_t shrunk = grt_pairs_shrunk_bytes(&counts, N);
    assert_int_equal(grt_pairs_bytes(&exact), shrunk);
    assert_ok(grt_pairs_shrink(&grown, &err), &err);
    assert_int_equal(grt_pairs_bytes(&grown), shrunk);
    grt_pairs_release(&grown);
    grt_pairs_release(&exact);
    for (size_t i = 0; i < N; i++)
        free(texts[i]);
}

static void test_what_is_counted_is_what_is_built(void **state)
{
    (void)state;
    for (size_t f = 0; f < N_FOLDERS; f++) {
        opened o;
        open_folder(&o, folders[f]);
        check_counts(&o, GRT_LONG_CUT);
        check_counts(&o, GRT_LONG_BEST);
        close_folder(&o);
    }
    assert_int_equal(grt_memory_now(), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_long_text_is_not_read_to_its_end),
        cmocka_unit_test(test_a_word_takes_bounded_scratch),
        cmocka_unit_test(test_the_start_of_a_text_is_the_start_of_the_whole),
        cmocka_unit_test(test_what_is_counted_is_what_is_built),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
