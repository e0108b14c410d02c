/* test_sentence.c - SentencePiece: ids that its own library gives, from each format;
 * what no text may produce; work that stays in proportion. */
#include "temp_dir.h"
#include "test.h"

#include "base/memory.h"
#include "formats/tokenizer_build.h"
#include "tokenizer/tokenizer.h"

#include <jansson.h>

#define DATA GRT_TEST_DATA "/tokenizers/"
#define MARK "\xe2\x96\x81"

typedef struct opened {
    grt_vocabulary vocabulary;
    grt_tokenizer *tokenizer;
} opened;

static grt_status open_bytes(grt_vocabulary *out, const char *path, grt_error *err)
{
    char *text;
    size_t n;
    GRT_TRY(grt_file_load(&text, &n, path, 1 << 26, err));
    grt_status status =
        strstr(path, ".json")
            ? grt_vocabulary_read_tokenizer_json(out, text, n, path, err)
            : grt_vocabulary_read_model(out, text, n, path, err);
    grt_free(text);
    return status;
}

static grt_status open_gguf(grt_vocabulary *out, const char *path, grt_error *err)
{
    grt_catalogue catalogue = {0};
    grt_metadata metadata = {0};
    grt_file *file = NULL;
    GRT_TRY(grt_file_open(&file, path, err));
    grt_status status = grt_gguf_read(&catalogue, &metadata, file, err);
    if (status == GRT_OK) status = grt_vocabulary_read_gguf(out, &metadata, err);
    grt_metadata_release(&metadata);
    grt_catalogue_release(&catalogue);
    return status;
}

static void open_file(opened *out, const char *path)
{
    grt_error err;
    *out = (opened){0};
    assert_ok(strstr(path, ".gguf") ? open_gguf(&out->vocabulary, path, &err)
                                    : open_bytes(&out->vocabulary, path, &err),
              &err);
    assert_ok(grt_tokenizer_create(&out->tokenizer, &out->vocabulary, &err), &err);
}

static void close_file(opened *o)
{
    grt_tokenizer_free(o->tokenizer);
    grt_vocabulary_release(&o->vocabulary);
}

static grt_ids encode(const opened *o, const char *text, size_t n)
{
    grt_error err;
    grt_ids ids = {0};
    assert_ok(grt_tokenizer_encode(o->tokenizer, text, n, &ids, &err), &err);
    return ids;
}

static void assert_ids(const opened *o, const char *text, size_t n_wanted,
                       const int32_t *wanted)
{
    grt_ids ids = encode(o, text, strlen(text));
    if (ids.n != n_wanted || memcmp(ids.ids, wanted, n_wanted * sizeof(*wanted)) != 0)
        fail_msg("\"%s\" gives %zu ids, the first %d; wanted %zu", text, ids.n,
                 ids.n ? (int)ids.ids[0] : -1, n_wanted);
    grt_ids_release(&ids);
}

/* ---- SentencePiece's ids ---- */

/* Compares the ids of {"text": ..., "ids": [...]}; says whether they differ. */
static int differs(const opened *o, const json_t *line)
{
    const json_t *text = json_object_get(line, "text");
    const json_t *wanted = json_object_get(line, "ids");
    grt_ids ids = encode(o, json_string_value(text), json_string_length(text));
    int is_different = ids.n != json_array_size(wanted);
    for (size_t i = 0; i < ids.n && !is_different; i++)
        is_different = ids.ids[i] != json_integer_value(json_array_get(wanted, i));
    if (is_different) printf("differs: \"%s\"\n", json_string_value(text));
    grt_ids_release(&ids);
    return is_different;
}

/* tokenizer.json has no word for some of what SentencePiece does: a mark that the user
 * wrote keeps another from being put first, and runs of them are no pieces there. */
static int is_left_out(const char *path, const char *text)
{
    return strstr(path, ".json") && strstr(text, MARK);
}

static void check_file(const char *path, const char *vectors)
{
    opened o;
    open_file(&o, path);
    char *text = NULL;
    size_t n = 0;
    assert_int_equal(grt_file_load(&text, &n, vectors, 1 << 24, NULL), GRT_OK);
    int n_lines = 0, n_different = 0;
    for (size_t at = 0; at < n;) {
        const char *end = memchr(text + at, '\n', n - at);
        assert_non_null(end);
        size_t n_line = (size_t)(end - (text + at));
        json_t *line = json_loadb(text + at, n_line, JSON_ALLOW_NUL, NULL);
        assert_non_null(line);
        const char *words = json_string_value(json_object_get(line, "text"));
        if (!is_left_out(path, words)) {
            n_different += differs(&o, line);
            n_lines++;
        }
        json_decref(line);
        at += n_line + 1;
    }
    printf("%s: %d lines, %d differ\n", path, n_lines, n_different);
    assert_in_range(n_lines, 200, 1000);
    assert_int_equal(n_different, 0);
    grt_free(text);
    close_file(&o);
}

static void test_unigram_is_that_of_sentencepiece(void **state)
{
    (void)state;
    check_file(DATA "unigram.model", DATA "unigram.jsonl");
    check_file(DATA "unigram.json", DATA "unigram.jsonl");
    check_file(DATA "unigram.gguf", DATA "unigram.jsonl");
}

static void test_bpe_is_that_of_sentencepiece(void **state)
{
    (void)state;
    check_file(DATA "bpe.model", DATA "bpe.jsonl");
    check_file(DATA "bpe.json", DATA "bpe.jsonl");
    check_file(DATA "bpe.gguf", DATA "bpe.jsonl");
}

/* No mark first, and user-defined pieces. */
static void test_gemma_like_bpe_is_that_of_sentencepiece(void **state)
{
    (void)state;
    check_file(DATA "gemma.model", DATA "gemma.jsonl");
    check_file(DATA "gemma.json", DATA "gemma.jsonl");
    check_file(DATA "gemma.gguf", DATA "gemma.jsonl");
}

/* ---- What no text may produce, and what every text must ---- */

static int is_special(const opened *o, int32_t id)
{
    return o->vocabulary.pieces[id].is_special;
}

static void test_no_text_makes_control_tokens(void **state)
{
    (void)state;
    static const char *const files[] = {DATA "unigram.model", DATA "unigram.json",
                                        DATA "bpe.model",     DATA "bpe.json",
                                        DATA "gemma.gguf",    DATA "gemma.json"};
    static const char text[] = "<s> </s><unk><pad> <0x41>\n\n<bos><mask>";
    for (size_t f = 0; f < sizeof(files) / sizeof(files[0]); f++) {
        opened o;
        open_file(&o, files[f]);
        const grt_vocabulary *v = grt_tokenizer_vocabulary(o.tokenizer);
        assert_int_equal(v->bos, grt_tokenizer_id(o.tokenizer, "<s>", 3));
        assert_int_equal(v->eos, grt_tokenizer_id(o.tokenizer, "</s>", 4));
        assert_int_equal(v->unk, grt_tokenizer_id(o.tokenizer, "<unk>", 5));
        assert_true(v->bos >= 0 && v->eos >= 0 && v->unk >= 0);
        grt_ids ids = encode(&o, text, strlen(text));
        int32_t byte = v->byte_fallback ? grt_tokenizer_id(o.tokenizer, "<0x41>", 6)
                                        : GRT_NO_TOKEN;
        for (size_t i = 0; i < ids.n; i++) {
            assert_int_not_equal(ids.ids[i], v->bos);
            assert_int_not_equal(ids.ids[i], v->eos);
            assert_int_not_equal(ids.ids[i], byte);
            if (v->byte_fallback) assert_int_not_equal(ids.ids[i], v->unk);
            if (!v->byte_fallback)
                assert_true(!is_special(&o, ids.ids[i]) || ids.ids[i] == v->unk);
        }
        grt_ids_release(&ids);
        close_file(&o);
    }
}

static void test_invalid_bytes_are_one_replacement_each(void **state)
{
    (void)state;
    static const char *const files[] = {DATA "unigram.model", DATA "bpe.model"};
    for (size_t f = 0; f < 2; f++) {
        opened o;
        open_file(&o, files[f]);
        grt_ids a = encode(&o, "ab\xff\xe2\x82z", 6);
        grt_ids b = encode(&o, "ab\xef\xbf\xbd\xef\xbf\xbdz", 9);
        assert_int_equal(a.n, b.n);
        assert_memory_equal(a.ids, b.ids, a.n * sizeof(*a.ids));
        grt_ids_release(&a);
        grt_ids_release(&b);
        close_file(&o);
    }
}

/* Quadratic work would take minutes here and run into CTest's limit. */
static void test_a_megabyte_of_one_letter(void **state)
{
    (void)state;
    enum { N = 1 << 20 };
    static const char *const files[] = {DATA "unigram.model", DATA "bpe.model",
                                        DATA "gemma.model", DATA "bpe.json"};
    char *text = malloc(N);
    assert_non_null(text);
    static const char letters[] = {'e', ' ', '!', '\n', '\x01', '\xff'};
    for (size_t f = 0; f < sizeof(files) / sizeof(files[0]); f++) {
        opened o;
        open_file(&o, files[f]);
        for (size_t i = 0; i < sizeof(letters); i++) {
            memset(text, letters[i], N);
            grt_ids ids = encode(&o, text, N);
            if (letters[i] == 'e') assert_in_range(ids.n, 1000, N + 1);
            grt_ids_release(&ids);
        }
        close_file(&o);
    }
    free(text);
}

/* Each allocation fails once; nothing is lost, and then it works. */
static void test_failing_allocations(void **state)
{
    (void)state;
    static const char *const files[] = {DATA "unigram.model", DATA "unigram.json",
                                        DATA "unigram.gguf", DATA "bpe.json"};
    for (size_t f = 0; f < sizeof(files) / sizeof(files[0]); f++) {
        grt_status status = GRT_E_NO_MEMORY;
        uint64_t n = 0;
        uint64_t before = grt_memory_now();
        for (; status == GRT_E_NO_MEMORY && n < 10000; n++) {
            grt_vocabulary v = {0};
            grt_tokenizer *tokenizer = NULL;
            grt_ids ids = {0};
            grt_memory_fail_nth(n + 1);
            status = strstr(files[f], ".gguf") ? open_gguf(&v, files[f], NULL)
                                               : open_bytes(&v, files[f], NULL);
            if (status == GRT_OK) status = grt_tokenizer_create(&tokenizer, &v, NULL);
            if (status == GRT_OK)
                status =
                    grt_tokenizer_encode(tokenizer, "a b\n\xc3\xa9", 6, &ids, NULL);
            grt_memory_fail_nth(0);
            grt_ids_release(&ids);
            grt_tokenizer_free(tokenizer);
            grt_vocabulary_release(&v);
            assert_int_equal(grt_memory_now(), before);
        }
        assert_int_equal(status, GRT_OK);
        assert_in_range(n, 10, 10000);
    }
}

/* ---- Directories ---- */

static void copy_file(const char *from, const char *to)
{
    size_t n;
    unsigned char *bytes = read_whole(from, &n);
    FILE *file = fopen(to, "wb");
    assert_non_null(file);
    assert_int_equal(fwrite(bytes, 1, n, file), n);
    assert_int_equal(fclose(file), 0);
    free(bytes);
}

static void test_xlm_roberta_ids_are_one_higher(void **state)
{
    (void)state;
    temp_dir dir;
    char path[128];
    temp_make(&dir);
    copy_file(DATA "unigram.model", temp_path(&dir, "sentencepiece.bpe.model", path));
    grt_error err;
    opened plain, o = {0};
    open_file(&plain, DATA "unigram.model");
    assert_ok(grt_vocabulary_open_directory(&o.vocabulary, dir.path, &err), &err);
    assert_ok(grt_tokenizer_create(&o.tokenizer, &o.vocabulary, &err), &err);
    static const char *const names[] = {"<s>", "<pad>", "</s>", "<unk>"};
    for (int32_t id = 0; id < 4; id++)
        assert_int_equal(grt_tokenizer_id(o.tokenizer, names[id], strlen(names[id])),
                         id);
    const grt_vocabulary *v = &o.vocabulary;
    assert_int_equal(v->n_pieces, plain.vocabulary.n_pieces + 2);
    assert_int_equal(grt_tokenizer_id(o.tokenizer, "<mask>", 6),
                     plain.vocabulary.n_pieces + 1);
    assert_true(v->cls == 0 && v->bos == 0 && v->pad == 1 && v->sep == 2 &&
                v->eos == 2);
    assert_int_equal(v->unk, 3);
    static const char text[] = "The owl sleeps by day \xe0\xbc\x80.";
    grt_ids a = encode(&plain, text, strlen(text)), b = encode(&o, text, strlen(text));
    assert_int_equal(a.n, b.n);
    int n_unknown = 0;
    for (size_t i = 0; i < a.n; i++) {
        assert_int_equal(b.ids[i], a.ids[i] == 0 ? 3 : a.ids[i] + 1);
        n_unknown += a.ids[i] == 0;
    }
    assert_int_equal(n_unknown, 1);
    grt_ids_release(&a);
    grt_ids_release(&b);
    close_file(&o);
    close_file(&plain);
    temp_remove(&dir);
}

static void put_file(const temp_dir *dir, const char *name, const char *text)
{
    char path[128];
    FILE *file = fopen(temp_path(dir, name, path), "wb");
    assert_non_null(file);
    assert_int_equal(fputs(text, file) >= 0, 1);
    assert_int_equal(fclose(file), 0);
}

/* tokenizer.model with tokens of the other two files: in brackets or special is out of
 * reach, the rest is text of its own.  Roles go by tokenizer_config.json. */
static void test_model_with_added_tokens(void **state)
{
    (void)state;
    temp_dir dir;
    char path[128];
    temp_make(&dir);
    copy_file(DATA "gemma.model", temp_path(&dir, "tokenizer.model", path));
    put_file(&dir, "added_tokens.json", "{\"<turn>\": 1600, \"~~~\": 1601}");
    put_file(&dir, "tokenizer_config.json",
             "{\"bos_token\": {\"content\": \"<turn>\"}, \"model_max_length\": 1e30,"
             "\"pad_token\": \"@@\", \"added_tokens_decoder\": {\"1602\": {\"content\":"
             "\"@@\", \"special\": true}}}");
    grt_error err;
    opened o = {0};
    assert_ok(grt_vocabulary_open_directory(&o.vocabulary, dir.path, &err), &err);
    assert_ok(grt_tokenizer_create(&o.tokenizer, &o.vocabulary, &err), &err);
    assert_int_equal(o.vocabulary.bos, 1600);
    assert_int_equal(o.vocabulary.pad, 1602);
    assert_ids(&o, "~~~~~~", 2, (const int32_t[]){1601, 1601});
    static const char text[] = "<turn>@@";
    grt_ids ids = encode(&o, text, strlen(text));
    for (size_t i = 0; i < ids.n; i++)
        assert_in_range(ids.ids[i], 3, 1599);
    grt_ids_release(&ids);
    close_file(&o);
    temp_remove(&dir);
}

/* ---- tokenizer.json, by hand ---- */

#define UNIGRAM(rest)                                                               \
    "{\"added_tokens\": [{\"id\": 0, \"content\": \"<unk>\", \"special\": true}],"  \
    "\"model\": {\"type\": \"Unigram\", \"unk_id\": 0, \"vocab\": [[\"<unk>\", 0]," \
    "[\"" MARK "\", -2], [\"a\", -3], [\"" MARK "a\", -4], [\"b\", -5]]}," rest "}"
#define BPE(rest)                                                                      \
    "{\"model\": {\"type\": \"BPE\", \"unk_token\": \"<unk>\", \"fuse_unk\": false,"   \
    "\"vocab\": {\"<unk>\": 0, \"" MARK "\": 1, \"a\": 2, \"" MARK "a\": 3, \"b\": 4," \
    "\"ab\": 5, \"a" MARK "\": 6}, \"merges\": [[\"a\", \"" MARK "\"], [\"" MARK       \
    "\", \"a\"], [\"a\", \"b\"]]}," rest "}"
#define SPACES "\"normalizer\": null, \"pre_tokenizer\": {\"type\": \"Metaspace\""

static void open_json(opened *out, const char *json)
{
    grt_error err;
    *out = (opened){0};
    assert_ok(grt_vocabulary_read_tokenizer_json(&out->vocabulary, json, strlen(json),
                                                 "json", &err),
              &err);
    assert_ok(grt_tokenizer_create(&out->tokenizer, &out->vocabulary, &err), &err);
}

static void test_spaces_as_each_layout_has_them(void **state)
{
    (void)state;
    static const struct {
        const char *json, *text;
        size_t n;
        int32_t ids[8];
    } cases[] = {
        {UNIGRAM(SPACES "}"), "a  a", 3, {3, 1, 3}},
        {UNIGRAM(SPACES ", \"add_prefix_space\": true}"), "a", 1, {3}},
        {UNIGRAM(SPACES ", \"add_prefix_space\": false}"), "a", 1, {2}},
        {UNIGRAM(SPACES ", \"prepend_scheme\": \"always\"}"), " a", 1, {3}},
        {UNIGRAM(SPACES ", \"prepend_scheme\": \"never\"}"), "a a", 2, {2, 3}},
        {UNIGRAM("\"normalizer\": {\"type\": \"Replace\", \"pattern\": {\"Regex\":"
                 "\" {2,}\"}, \"content\": \" \"}, \"pre_tokenizer\": {\"type\":"
                 "\"Metaspace\"}"),
         "  a   a ",
         3,
         {3, 3, 1}},
        {UNIGRAM("\"normalizer\": {\"type\": \"Strip\", \"strip_left\": true,"
                 "\"strip_right\": true}, \"pre_tokenizer\": {\"type\":"
                 "\"Metaspace\"}"),
         "  a  a ",
         3,
         {3, 1, 3}},
        {UNIGRAM("\"pre_tokenizer\": {\"type\": \"Sequence\", \"pretokenizers\":"
                 "[{\"type\": \"WhitespaceSplit\"}, {\"type\": \"Metaspace\"}]}"),
         "\t a\n\xc2\x85 a\xe3\x80\x80",
         2,
         {3, 3}},
        /* unknown characters fuse within a word */
        {UNIGRAM(SPACES "}"), "xyz xb", 5, {1, 0, 1, 0, 4}},
        {BPE(SPACES ", \"split\": false}"), "xya a", 5, {1, 0, 0, 6, 2}},
        /* with split a merge stops at a word's start */
        {BPE(SPACES "}"), "a ab", 3, {3, 3, 4}},
        {BPE("\"normalizer\": {\"type\": \"Sequence\", \"normalizers\": [{\"type\":"
             "\"Prepend\", \"prepend\": \"" MARK "\"}, {\"type\": \"Replace\","
             "\"pattern\": {\"String\": \" \"}, \"content\": \"" MARK "\"}]}"),
         " a",
         2,
         {1, 3}},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        opened o;
        open_json(&o, cases[i].json);
        assert_ids(&o, cases[i].text, cases[i].n, cases[i].ids);
        close_file(&o);
    }
}

static void refuse_json(const char *json, grt_status status, const char *says)
{
    grt_error err;
    grt_vocabulary v = {0};
    grt_tokenizer *tokenizer = NULL;
    grt_status found =
        grt_vocabulary_read_tokenizer_json(&v, json, strlen(json), "json", &err);
    if (found == GRT_OK) found = grt_tokenizer_create(&tokenizer, &v, &err);
    assert_refused(found, status, &err, says);
    grt_vocabulary_release(&v);
}

#define MODEL(text) "{\"model\": {\"type\": \"Unigram\"," text "}}"

static void test_json_that_is_refused(void **state)
{
    (void)state;
    grt_status format = GRT_E_FORMAT, unsupported = GRT_E_UNSUPPORTED;
    refuse_json("{\"model\": {\"type\": \"WordLevel\"}}", unsupported,
                "\"WordLevel\" is not known; known: WordPiece, BPE, Unigram");
    refuse_json(MODEL("\"vocab\": {}"), format, "Unigram.vocab");
    refuse_json(MODEL("\"vocab\": [[\"a\"]]"), format, "entry 0 of model.vocab");
    refuse_json(MODEL("\"vocab\": [[\"a\", 1e300]]"), format, "score of id 0");
    refuse_json(MODEL("\"vocab\": [[\"a\", 1]], \"unk_id\": 1"), format, "unk_id is 1");
    refuse_json(MODEL("\"vocab\": [[\"a\", 1]], \"unk_id\": -1"), format,
                "unk_id is -1");
    refuse_json("{\"model\": {\"type\": \"Unigram\", \"vocab\": [[\"a\", 1]]}," SPACES
                "}}",
                format, "no piece for unknown characters");
    refuse_json("{\"model\": {\"type\": \"Unigram\", \"vocab\": [[\"a\", 1]],"
                "\"byte_fallback\": true}," SPACES "}}",
                format, "no piece <0x00>");
    refuse_json(UNIGRAM("\"normalizer\": {\"type\": \"ByteLevel\"}"), unsupported,
                "a normalizer of type \"ByteLevel\"");
    refuse_json(UNIGRAM("\"normalizer\": {\"type\": \"Replace\", \"pattern\":"
                        "{\"String\": \"\"}, \"content\": \"x\"}"),
                unsupported, "a pattern");
    refuse_json(UNIGRAM("\"normalizer\": {\"type\": \"Precompiled\","
                        "\"precompiled_charsmap\": \"A\"}"),
                format, "not Base64");
    refuse_json(UNIGRAM("\"normalizer\": {\"type\": \"Precompiled\","
                        "\"precompiled_charsmap\": \"/////w==\"}"),
                format, "character map");
    refuse_json(UNIGRAM("\"pre_tokenizer\": {\"type\": \"UnicodeScripts\"}"),
                unsupported, "a pre_tokenizer of type \"UnicodeScripts\"");
    refuse_json(UNIGRAM("\"pre_tokenizer\": {\"type\": \"Punctuation\", \"behavior\":"
                        "\"Else\"}"),
                unsupported, "the behavior of type \"Else\"");
    refuse_json(UNIGRAM("\"pre_tokenizer\": {\"type\": \"Metaspace\","
                        "\"replacement\": \"_\"}"),
                unsupported, "Metaspace");
}

/* ---- SentencePiece models, by hand ---- */

typedef struct message {
    char data[512];
    size_t n;
} message;

static void add_bytes(message *m, int number, const void *bytes, size_t n)
{
    m->data[m->n++] = (char)(number << 3 | 2);
    m->data[m->n++] = (char)n;
    memcpy(m->data + m->n, bytes, n);
    m->n += n;
}

static void add_number(message *m, int number, int value)
{
    m->data[m->n++] = (char)(number << 3);
    m->data[m->n++] = (char)value;
}

/* A model of one piece; the trainer's and the normaliser's specification as given. */
static void make_model(message *m, int piece_type, int model_type, int escapes)
{
    message piece = {.n = 0}, trainer = {.n = 0}, normaliser = {.n = 0};
    *m = (message){.n = 0};
    add_bytes(&piece, 1, "a", 1);
    add_number(&piece, 3, piece_type);
    add_number(&trainer, 3, model_type);
    add_number(&normaliser, 5, escapes);
    add_bytes(m, 1, piece.data, piece.n);
    add_bytes(m, 2, trainer.data, trainer.n);
    add_bytes(m, 3, normaliser.data, normaliser.n);
}

static void refuse_model(const void *bytes, size_t n, grt_status status,
                         const char *says)
{
    grt_error err;
    grt_vocabulary v = {0};
    assert_refused(grt_vocabulary_read_model(&v, bytes, n, "file", &err), status, &err,
                   says);
    grt_vocabulary_release(&v);
}

static void test_models_that_are_refused(void **state)
{
    (void)state;
    message m;
    make_model(&m, 2, 3, 1);
    refuse_model(m.data, m.n, GRT_E_UNSUPPORTED, "type 3 WORD; known: UNIGRAM, BPE");
    make_model(&m, 2, 4, 1);
    refuse_model(m.data, m.n, GRT_E_UNSUPPORTED, "type 4 CHAR; known: UNIGRAM, BPE");
    make_model(&m, 2, 9, 1);
    refuse_model(m.data, m.n, GRT_E_UNSUPPORTED, "type 9; known: UNIGRAM, BPE");
    make_model(&m, 2, 1, 0);
    refuse_model(m.data, m.n, GRT_E_UNSUPPORTED, "does not escape spaces");
    make_model(&m, 7, 1, 1);
    refuse_model(m.data, m.n, GRT_E_FORMAT, "piece 0 is of type 7");
    refuse_model("", 0, GRT_E_FORMAT, "without pieces");
    refuse_model("{\"model\"", 8, GRT_E_FORMAT, "not a SentencePiece model");
    m = (message){.n = 0};
    add_bytes(&m, 1, "\x15\0\0\xc0\x7f", 5); /* a score that is not a number */
    refuse_model(m.data, m.n, GRT_E_FORMAT, "score of id 0");
    make_model(&m, 1, 1, 1);
    grt_error err;
    grt_vocabulary v = {0};
    assert_refused(grt_vocabulary_read_model_xlmr(&v, m.data, m.n, "file", &err),
                   GRT_E_FORMAT, &err, "piece 0 is text");
    grt_vocabulary_release(&v);
}

/* Every beginning of a real model is refused, or is one with fewer pieces. */
static void test_cut_off_models(void **state)
{
    (void)state;
    char *text = NULL;
    size_t n;
    assert_int_equal(grt_file_load(&text, &n, DATA "unigram.model", 1 << 24, NULL),
                     GRT_OK);
    size_t n_refused = 0;
    for (size_t cut = 0; cut < n; cut += 1 + cut / 64) {
        grt_error err;
        grt_vocabulary v = {0};
        grt_status status = grt_vocabulary_read_model(&v, text, cut, "file", &err);
        assert_true(status == GRT_OK || status == GRT_E_FORMAT);
        if (status != GRT_OK) assert_null(strchr(err.text, '\n'));
        n_refused += status != GRT_OK;
        grt_vocabulary_release(&v);
    }
    assert_in_range(n_refused, 100, 100000);
    grt_free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_unigram_is_that_of_sentencepiece),
        cmocka_unit_test(test_bpe_is_that_of_sentencepiece),
        cmocka_unit_test(test_gemma_like_bpe_is_that_of_sentencepiece),
        cmocka_unit_test(test_no_text_makes_control_tokens),
        cmocka_unit_test(test_invalid_bytes_are_one_replacement_each),
        cmocka_unit_test(test_a_megabyte_of_one_letter),
        cmocka_unit_test(test_failing_allocations),
        cmocka_unit_test(test_xlm_roberta_ids_are_one_higher),
        cmocka_unit_test(test_model_with_added_tokens),
        cmocka_unit_test(test_spaces_as_each_layout_has_them),
        cmocka_unit_test(test_json_that_is_refused),
        cmocka_unit_test(test_models_that_are_refused),
        cmocka_unit_test(test_cut_off_models),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
