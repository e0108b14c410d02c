/* test_gguf.c - GGUF files that are right, and each way in which they can be wrong. */
#include "test.h"

#include "formats/opened.h"
#include "formats/writer.h"
#include <unistd.h>

static writer w;
static opened o;

static grt_status read_w(void)
{
    return opened_read(&o, GRT_FORMAT_GGUF, w.data, w.size);
}

/* Reads w, which must be refused, and releases. */
#define assert_refused_w(wanted, fragment, at)                         \
    do {                                                               \
        assert_refused_at(read_w(), (wanted), &o.err, (fragment), at); \
        assert_int_equal(o.source.n_closed, 0);                        \
        opened_release(&o);                                            \
        assert_int_equal(o.source.n_closed, 1);                        \
    } while (0)

static const uint64_t dims_32x2[] = {32, 2};
static const uint64_t dims_3[] = {3};

/* One key of most types and two tensors; ends with its last payload byte. */
static void write_sample(uint32_t version)
{
    gguf_start(&w, version, 2, 6);
    gguf_key(&w, "general.architecture", 8);
    put_text(&w, "bert");
    gguf_key(&w, "x.i8", 1);
    put_le(&w, 0xFE, 1);
    gguf_key(&w, "x.f32", 6);
    put_le(&w, 0x3FC00000, 4); /* 1.5 */
    gguf_key(&w, "x.bool", 7);
    put_le(&w, 1, 1);
    gguf_array(&w, "x.texts", 8, 2);
    put_text(&w, "");
    put_text(&w, "owl");
    gguf_array(&w, "x.ints", 5, 2);
    put_le(&w, 0xFFFFFFFF, 4);
    put_le(&w, 7, 4);
    gguf_tensor(&w, "second", 1, dims_3, 1, 96);
    gguf_tensor(&w, "first", 2, dims_32x2, 8, 0);
    gguf_data(&w, 32, 96 + 6);
}

static void reads_values_and_tensors(void **state)
{
    (void)state;
    for (uint32_t version = 2; version <= 3; version++) {
        write_sample(version);
        assert_ok(read_w(), &o.err);
        const grt_metadata *m = &o.metadata;
        grt_text text;
        double number;
        bool flag;
        uint64_t u64 = 9;
        assert_int_equal(m->n_values, 6);
        assert_string_equal(m->source, "memory");
        assert_true(grt_metadata_get_text(m, "general.architecture", &text));
        assert_memory_equal(text.data, "bert", 4);
        assert_int_equal(text.size, 4);
        assert_int_equal(grt_metadata_get(m, "x.i8")->ints[0], -2);
        assert_false(grt_metadata_get_u64(m, "x.i8", &u64));
        assert_int_equal(u64, 9);
        assert_true(grt_metadata_get_f64(m, "x.f32", &number));
        assert_true(number == 1.5);
        assert_true(grt_metadata_get_bool(m, "x.bool", &flag) && flag);
        const grt_meta_value *texts = grt_metadata_get(m, "x.texts");
        assert_true(texts->is_array && texts->n == 2 && texts->type == GRT_META_TEXT);
        assert_int_equal(texts->texts[0].size, 0);
        assert_memory_equal(texts->texts[1].data, "owl", 3);
        const grt_meta_value *ints = grt_metadata_get(m, "x.ints");
        assert_int_equal(ints->ints[0], -1);
        assert_int_equal(ints->ints[1], 7);
        size_t data = w.size - 102;
        const grt_tensor *first = grt_catalogue_get(&o.catalogue, "first");
        assert_ptr_equal(first, &o.catalogue.tensors[0]);
        assert_int_equal(first->dtype, GRT_DTYPE_Q8_0);
        assert_int_equal(first->n_dims, 2);
        assert_int_equal(first->shape[0], 2);
        assert_int_equal(first->shape[1], 32);
        assert_int_equal(first->offset, data);
        assert_int_equal(first->n_bytes, 68);
        const grt_tensor *second = grt_catalogue_get(&o.catalogue, "second");
        assert_string_equal(second->dtype_name, "F16");
        assert_int_equal(second->offset, data + 96);
        assert_null(grt_catalogue_get(&o.catalogue, "third"));
        opened_release(&o);
    }
}

static void refuses_every_truncation(void **state)
{
    (void)state;
    write_sample(3);
    for (size_t n = 0; n < w.size; n++) {
        grt_status status = opened_read(&o, GRT_FORMAT_GGUF, w.data, n);
        if (status == GRT_OK) print_message("%zu bytes of %zu passed\n", n, w.size);
        assert_int_equal(status, GRT_E_FORMAT);
        assert_non_null(strstr(o.err.text, "memory: "));
        assert_true(strstr(o.err.text, "truncated") ||
                    strstr(o.err.text, "fit in the file"));
        assert_in_range(o.err.offset, 0, w.size);
        opened_release(&o);
    }
}

static void reads_in_small_pieces(void **state)
{
    (void)state;
    write_sample(3);
    memset(&o, 0, sizeof(o));
    o.source = (faulty_file){.data = w.data, .size = w.size, .piece = 1};
    grt_file *file;
    assert_ok(faulty_open(&file, &o.source, "memory", &o.err), &o.err);
    assert_ok(grt_gguf_read(&o.catalogue, &o.metadata, file, &o.err), &o.err);
    assert_int_equal(o.catalogue.n_tensors, 2);
    opened_release(&o);
    o.source = (faulty_file){
        .data = w.data, .size = w.size, .piece = 64, .fail_read = 3, .fail_code = 5};
    assert_ok(faulty_open(&file, &o.source, "memory", &o.err), &o.err);
    assert_refused_at(grt_gguf_read(&o.catalogue, &o.metadata, file, &o.err), GRT_E_IO,
                      &o.err, "memory: reading at byte 128", 128);
    opened_release(&o);
}

static void refuses_other_versions(void **state)
{
    (void)state;
    gguf_start(&w, 1, 0, 0);
    assert_refused_w(GRT_E_UNSUPPORTED, "GGUF version 1; versions 2 and 3", 4);
    gguf_start(&w, 4, 0, 0);
    assert_refused_w(GRT_E_UNSUPPORTED, "GGUF version 4", 4);
    gguf_start(&w, 0x03000000, 0, 0);
    assert_refused_w(GRT_E_UNSUPPORTED, "big-endian", 4);
    gguf_start(&w, 3, 0, 0);
    w.data[0] = 'X';
    assert_refused_w(GRT_E_FORMAT, "does not begin with \"GGUF\"", 0);
}

static void refuses_huge_counts(void **state)
{
    (void)state;
    gguf_start(&w, 3, UINT64_MAX, 0);
    assert_refused_w(GRT_E_FORMAT, "claims 18446744073709551615 tensors at byte 8", 8);
    gguf_start(&w, 3, 0, 1000);
    assert_refused_w(GRT_E_FORMAT, "claims 1000 metadata keys at byte 16", 16);
    gguf_start(&w, 3, 50, 0);
    assert_refused_w(GRT_E_FORMAT, "50 tensors at byte 8, more than fit", 8);
    gguf_start(&w, 3, 0, 1);
    gguf_array(&w, "a", 8, UINT64_MAX / 8);
    assert_refused_w(GRT_E_FORMAT,
                     "key \"a\": an array of 2305843009213693951 elements", 41);
    gguf_start(&w, 3, 0, 1);
    gguf_array(&w, "a", 0, 5);
    put_zeros(&w, 4);
    assert_refused_w(GRT_E_FORMAT, "does not fit in the file", 41);
    gguf_start(&w, 3, 0, 1);
    gguf_key(&w, "a", 8);
    put_le(&w, UINT64_MAX, 8);
    assert_refused_w(GRT_E_FORMAT, "truncated: a text needs 18446744073709551615 bytes",
                     45);
    gguf_start(&w, 3, 0, 1);
    put_le(&w, UINT64_MAX - 7, 8); /* a key's length that wraps with its 8 bytes */
    put_zeros(&w, 40);
    assert_refused_w(GRT_E_FORMAT, "truncated: a metadata key needs", 32);
}

static void refuses_bad_values(void **state)
{
    (void)state;
    gguf_start(&w, 3, 0, 1);
    gguf_key(&w, "a.b", 13);
    put_zeros(&w, 8);
    assert_refused_w(GRT_E_FORMAT,
                     "key \"a.b\" has the unknown value type 13 at byte 35", 35);
    gguf_start(&w, 3, 0, 1);
    gguf_array(&w, "a.b", 9, 1);
    put_zeros(&w, 20);
    assert_refused_w(GRT_E_UNSUPPORTED, "array of arrays", 39);
    gguf_start(&w, 3, 0, 1);
    gguf_key(&w, "a.b", 7);
    put_le(&w, 2, 1);
    assert_refused_w(GRT_E_FORMAT, "key \"a.b\": 2 is not a boolean", 39);
    gguf_start(&w, 3, 0, 1);
    gguf_key(&w, "a.b", 10);
    put_le(&w, UINT64_C(1) << 63, 8);
    assert_refused_w(GRT_E_FORMAT, "9223372036854775808 is not a 63-bit number", 39);
}

static void refuses_bad_keys(void **state)
{
    (void)state;
    static const struct {
        const char *key, *fragment;
    } cases[] = {
        {"", "the metadata key at byte 24 is empty"},
        {"a\xC0\x80", "is not valid UTF-8"},
        {"a\xED\xA0\x80", "is not valid UTF-8"},
        {"a\xF4\x90\x80\x80", "is not valid UTF-8"},
        {"a\xE2\x82", "is not valid UTF-8"},
        {"a\nb", "holds a control character"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        gguf_start(&w, 3, 0, 1);
        gguf_key(&w, cases[i].key, 0);
        put_zeros(&w, 8);
        assert_refused_w(GRT_E_FORMAT, cases[i].fragment, 24);
    }
    gguf_start(&w, 3, 0, 1);
    put_le(&w, GRT_MAX_KEY_BYTES + 1, 8);
    put_zeros(&w, 2000);
    assert_refused_w(GRT_E_FORMAT, "has 513 bytes, at most 512", 24);
    gguf_start(&w, 3, 0, 2);
    gguf_key(&w, "a", 0);
    put_le(&w, 0, 1);
    gguf_key(&w, "a", 0);
    put_le(&w, 0, 1);
    assert_refused_w(GRT_E_FORMAT, "memory: key \"a\" appears twice", -1);
}

static void one_tensor(const char *name, uint32_t n_dims, const uint64_t *dims,
                       uint32_t type, uint64_t offset)
{
    gguf_start(&w, 3, 1, 0);
    gguf_tensor(&w, name, n_dims, dims, type, offset);
    gguf_data(&w, 32, 128);
}

static void refuses_bad_tensors(void **state)
{
    (void)state;
    static const uint64_t huge[] = {UINT64_C(1) << 33, UINT64_C(1) << 33};
    static const uint64_t five[5] = {1, 1, 1, 1, 1};
    static const uint64_t wide[] = {UINT64_C(1) << 62};
    one_tensor("w", 1, dims_3, 0, 8);
    assert_refused_w(GRT_E_FORMAT, "tensor \"w\": its offset 8 is not a multiple", 24);
    one_tensor("w", 1, dims_3, 0, 128);
    assert_refused_w(GRT_E_FORMAT, "truncated: tensor \"w\" has 12 bytes from byte 192",
                     192);
    one_tensor("w", 1, dims_3, 0, UINT64_MAX - 31);
    assert_refused_w(GRT_E_FORMAT, "tensor \"w\": its offset 18446744073709551584", 24);
    one_tensor("w", 1, dims_3, 4, 0);
    assert_refused_w(GRT_E_UNSUPPORTED,
                     "\"w\" has the unknown storage type 4 at byte 45", 45);
    one_tensor("w", 1, dims_3, 99, 0);
    assert_refused_w(GRT_E_UNSUPPORTED, "storage type 99", 45);
    one_tensor("w", 1, dims_3, 8, 0);
    assert_refused_w(GRT_E_FORMAT, "rows of 3 values are not whole Q8_0 blocks", 45);
    one_tensor("w", 2, huge, 0, 0);
    assert_refused_w(GRT_E_FORMAT, "tensor \"w\": its shape overflows", 53);
    one_tensor("w", 1, wide, 0, 0);
    assert_refused_w(GRT_E_FORMAT, "tensor \"w\": its shape overflows", 45);
    one_tensor("w", 5, five, 0, 0);
    assert_refused_w(GRT_E_UNSUPPORTED, "tensor \"w\" has 5 dimensions", 33);
    one_tensor("", 1, dims_3, 0, 0);
    assert_refused_w(GRT_E_FORMAT, "the tensor name at byte 24 is empty", 24);
    one_tensor("\xFF", 1, dims_3, 0, 0);
    assert_refused_w(GRT_E_FORMAT, "the tensor name at byte 24 is not valid UTF-8", 24);
    gguf_start(&w, 3, 1, 0);
    put_le(&w, 600, 8);
    put_zeros(&w, 1000);
    assert_refused_w(GRT_E_FORMAT, "a tensor name at byte 24 has 600 bytes", 24);
}

static void refuses_duplicates_and_overlaps(void **state)
{
    (void)state;
    gguf_start(&w, 3, 2, 0);
    gguf_tensor(&w, "same", 1, dims_3, 0, 0);
    gguf_tensor(&w, "same", 1, dims_3, 0, 32);
    gguf_data(&w, 32, 64);
    size_t data = w.size - 64;
    assert_refused_w(GRT_E_FORMAT, "memory: tensor \"same\" appears twice", data + 32);
    gguf_start(&w, 3, 2, 0);
    gguf_tensor(&w, "right", 1, dims_3, 0, 32);
    gguf_tensor(&w, "left", 2, dims_32x2, 8, 0);
    gguf_data(&w, 32, 96);
    data = w.size - 96;
    assert_refused_w(GRT_E_FORMAT, "tensors \"left\" and \"right\" overlap", data + 32);
}

static void takes_the_alignment_from_its_key(void **state)
{
    (void)state;
    static const uint64_t bad[] = {0, 24, UINT64_C(1) << 31};
    for (size_t i = 0; i < 3; i++) {
        gguf_start(&w, 3, 0, 1);
        gguf_key(&w, "general.alignment", 4);
        put_le(&w, bad[i], 4);
        assert_refused_w(GRT_E_FORMAT, "\"general.alignment\"", -1);
    }
    gguf_start(&w, 3, 1, 1);
    gguf_key(&w, "general.alignment", 4);
    put_le(&w, 256, 4);
    gguf_tensor(&w, "w", 1, dims_3, 0, 0);
    gguf_data(&w, 256, 12);
    assert_ok(read_w(), &o.err);
    assert_int_equal(o.catalogue.tensors[0].offset, 256);
    opened_release(&o);
}

static void knows_the_size_of_each_type(void **state)
{
    (void)state;
    static const uint64_t dims[] = {256};
    static const struct {
        uint32_t type;
        const char *name;
        uint64_t n_bytes;
        grt_dtype dtype;
    } cases[] = {
        {0, "F32", 1024, GRT_DTYPE_F32},    {1, "F16", 512, GRT_DTYPE_F16},
        {30, "BF16", 512, GRT_DTYPE_BF16},  {8, "Q8_0", 272, GRT_DTYPE_Q8_0},
        {2, "Q4_0", 144, GRT_DTYPE_Q4_0},   {3, "Q4_1", 160, GRT_DTYPE_Q4_1},
        {6, "Q5_0", 176, GRT_DTYPE_Q5_0},   {7, "Q5_1", 192, GRT_DTYPE_Q5_1},
        {10, "Q2_K", 84, GRT_DTYPE_Q2_K},   {11, "Q3_K", 110, GRT_DTYPE_Q3_K},
        {12, "Q4_K", 144, GRT_DTYPE_Q4_K},  {13, "Q5_K", 176, GRT_DTYPE_Q5_K},
        {14, "Q6_K", 210, GRT_DTYPE_Q6_K},  {15, "Q8_K", 292, GRT_DTYPE_OTHER},
        {24, "I8", 256, GRT_DTYPE_OTHER},   {27, "I64", 2048, GRT_DTYPE_OTHER},
        {28, "F64", 2048, GRT_DTYPE_OTHER}, {20, "IQ4_NL", 144, GRT_DTYPE_OTHER},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        gguf_start(&w, 3, 1, 0);
        gguf_tensor(&w, "w", 1, dims, cases[i].type, 0);
        gguf_data(&w, 32, (size_t)cases[i].n_bytes);
        assert_ok(read_w(), &o.err);
        const grt_tensor *tensor = &o.catalogue.tensors[0];
        assert_int_equal(tensor->dtype, cases[i].dtype);
        assert_string_equal(tensor->dtype_name, cases[i].name);
        assert_int_equal(tensor->n_bytes, cases[i].n_bytes);
        uint64_t n_bytes;
        if (tensor->dtype != GRT_DTYPE_OTHER) {
            assert_true(grt_dtype_bytes(&n_bytes, tensor->dtype, 256));
            assert_int_equal(n_bytes, cases[i].n_bytes);
        }
        opened_release(&o);
        w.size--;
        assert_refused_w(GRT_E_FORMAT, "truncated: tensor \"w\"", 64);
    }
}

/* What fills whole blocks of 32 need not fill blocks of 256, whatever all rows hold. */
static void refuses_rows_of_half_blocks(void **state)
{
    (void)state;
    static const uint64_t dims[] = {128, 4};
    static const struct {
        uint32_t type;
        const char *fragment;
    } cases[] = {
        {10, "rows of 128 values are not whole Q2_K blocks"},
        {11, "rows of 128 values are not whole Q3_K blocks"},
        {12, "rows of 128 values are not whole Q4_K blocks"},
        {13, "rows of 128 values are not whole Q5_K blocks"},
        {14, "rows of 128 values are not whole Q6_K blocks"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        gguf_start(&w, 3, 1, 0);
        gguf_tensor(&w, "w", 2, dims, cases[i].type, 0);
        gguf_data(&w, 32, 512);
        assert_refused_w(GRT_E_FORMAT, cases[i].fragment, 53);
    }
}

static void says_what_a_needed_key_lacks(void **state)
{
    (void)state;
    write_sample(3);
    assert_ok(read_w(), &o.err);
    uint64_t got = 0;
    const grt_metadata *m = &o.metadata;
    assert_refused_at(
        grt_metadata_need_u64(m, "none", 1, 5, &got, &o.err), GRT_E_FORMAT, &o.err,
        "memory: \"none\": found nothing, expected an integer from 1 to 5", -1);
    assert_refused_at(grt_metadata_need_u64(m, "x.f32", 1, 5, &got, &o.err),
                      GRT_E_FORMAT, &o.err, "found 1.5", -1);
    assert_refused_at(grt_metadata_need_u64(m, "x.i8", 1, 5, &got, &o.err),
                      GRT_E_FORMAT, &o.err, "found -2", -1);
    assert_refused_at(grt_metadata_need_u64(m, "x.ints", 1, 5, &got, &o.err),
                      GRT_E_FORMAT, &o.err, "found an array of 2 integers", -1);
    assert_int_equal(got, 0);
    opened_release(&o);
}

static void frees_all_when_allocation_fails(void **state)
{
    (void)state;
    write_sample(3);
    uint64_t before = grt_memory_now();
    grt_status status = GRT_E_NO_MEMORY;
    uint64_t nth = 0;
    while (status == GRT_E_NO_MEMORY && nth < 100) {
        grt_memory_fail_nth(++nth);
        status = read_w();
        grt_memory_fail_nth(0);
        opened_release(&o);
        assert_int_equal(grt_memory_now(), before);
    }
    assert_int_equal(status, GRT_OK);
    assert_true(nth > 5);
}

static void reads_a_real_vocabulary(void **state)
{
    (void)state;
    const char *path =
        GRT_SHARED_DIR "/data/tokenizers/llama.cpp/ggml-vocab-bert-bge.gguf";
    if (access(path, F_OK) != 0) {
        print_message("SKIP reads_a_real_vocabulary: %s is absent\n", path);
        return;
    }
    grt_checkpoint c;
    grt_error err;
    assert_ok(grt_checkpoint_open(&c, path, &err), &err);
    assert_int_equal(c.format, GRT_FORMAT_GGUF);
    assert_int_equal(c.catalogue.n_tensors, 0);
    const grt_meta_value *tokens =
        grt_metadata_get(&c.metadata, "tokenizer.ggml.tokens");
    assert_non_null(tokens);
    assert_int_equal(tokens->n, 30522);
    assert_memory_equal(tokens->texts[101].data, "[CLS]", 5);
    grt_checkpoint_release(&c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_values_and_tensors),
        cmocka_unit_test(refuses_every_truncation),
        cmocka_unit_test(reads_in_small_pieces),
        cmocka_unit_test(refuses_other_versions),
        cmocka_unit_test(refuses_huge_counts),
        cmocka_unit_test(refuses_bad_values),
        cmocka_unit_test(refuses_bad_keys),
        cmocka_unit_test(refuses_bad_tensors),
        cmocka_unit_test(refuses_duplicates_and_overlaps),
        cmocka_unit_test(takes_the_alignment_from_its_key),
        cmocka_unit_test(knows_the_size_of_each_type),
        cmocka_unit_test(refuses_rows_of_half_blocks),
        cmocka_unit_test(says_what_a_needed_key_lacks),
        cmocka_unit_test(frees_all_when_allocation_fails),
        cmocka_unit_test(reads_a_real_vocabulary),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
