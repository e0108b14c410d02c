/* test_safetensors.c - safetensors files that are right, and those that are wrong. */
#include "test.h"

#include "formats/opened.h"
#include "formats/writer.h"

static writer w;
static opened o;

static grt_status read_w(void)
{
    return opened_read(&o, GRT_FORMAT_SAFETENSORS, w.data, w.size);
}

static const char sample[] =
    "{\"__metadata__\":{\"format\":\"pt\"},"
    "\"b.weight\":{\"dtype\":\"F16\",\"shape\":[2,3],\"data_offsets\":[8,20]},"
    "\"ids\":{\"dtype\":\"I64\",\"shape\":[1],\"data_offsets\":[0,8]},"
    "\"scale\":{\"dtype\":\"BF16\",\"shape\":[],\"data_offsets\":[20,22]}}  ";

static void reads_tensors(void **state)
{
    (void)state;
    safetensors_file(&w, sample, 22);
    assert_ok(read_w(), &o.err);
    uint64_t data = w.size - 22;
    assert_int_equal(o.catalogue.n_tensors, 3);
    const grt_tensor *ids = &o.catalogue.tensors[0];
    assert_string_equal(ids->name, "ids");
    assert_int_equal(ids->dtype, GRT_DTYPE_OTHER);
    assert_string_equal(ids->dtype_name, "I64");
    const grt_tensor *b = grt_catalogue_get(&o.catalogue, "b.weight");
    assert_int_equal(b->dtype, GRT_DTYPE_F16);
    assert_int_equal(b->n_dims, 2);
    assert_int_equal(b->shape[0], 2);
    assert_int_equal(b->shape[1], 3);
    assert_int_equal(b->offset, data + 8);
    assert_int_equal(b->n_bytes, 12);
    const grt_tensor *scale = grt_catalogue_get(&o.catalogue, "scale");
    assert_int_equal(scale->dtype, GRT_DTYPE_BF16);
    assert_int_equal(scale->n_dims, 0);
    assert_null(grt_catalogue_get(&o.catalogue, "__metadata__"));
    opened_release(&o);
}

static void refuses_every_truncation(void **state)
{
    (void)state;
    safetensors_file(&w, sample, 22);
    for (size_t n = 0; n < w.size; n++) {
        assert_refused(opened_read(&o, GRT_FORMAT_SAFETENSORS, w.data, n), GRT_E_FORMAT,
                       &o.err, "memory: truncated");
        assert_in_range(o.err.offset, 0, w.size);
        opened_release(&o);
    }
}

static void refuses_bad_entries(void **state)
{
    (void)state;
    static const struct {
        const char *header, *fragment;
        grt_status status;
        int64_t offset; /* -10 - x: x bytes after the header */
    } cases[] = {
        {"[1]", "not a JSON object", GRT_E_FORMAT, 8},
        {"{\"w\":1}", "tensor \"w\": its entry is not a JSON object", GRT_E_FORMAT, 8},
        {"{\"w\":{}}", "tensor \"w\": has no \"dtype\" text", GRT_E_FORMAT, 8},
        {"{\"w\":{\"dtype\":\"Q9\"}}",
         "tensor \"w\" has the unknown storage type \"Q9\"", GRT_E_UNSUPPORTED, 8},
        {"{\"w\":{\"dtype\":\"F32\"}}", "has no \"shape\" array", GRT_E_FORMAT, 8},
        {"{\"w\":{\"dtype\":\"F32\",\"shape\":[-1]}}", "something else than sizes",
         GRT_E_FORMAT, 8},
        {"{\"w\":{\"dtype\":\"F32\",\"shape\":[1.0]}}", "something else than sizes",
         GRT_E_FORMAT, 8},
        {"{\"w\":{\"dtype\":\"F32\",\"shape\":[1,1,1,1,1]}}", "has 5 dimensions",
         GRT_E_UNSUPPORTED, 8},
        {"{\"w\":{\"dtype\":\"F32\",\"shape\":[9223372036854775807,4]}}",
         "product of its shape overflows", GRT_E_FORMAT, 8},
        {"{\"w\":{\"dtype\":\"F32\",\"shape\":[1]}}", "not a pair of integers",
         GRT_E_FORMAT, 8},
        {"{\"w\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4,8]}}",
         "not a pair of integers", GRT_E_FORMAT, 8},
        {"{\"w\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[4,0]}}",
         "run backwards", GRT_E_FORMAT, 8},
        {"{\"w\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[-4,0]}}",
         "run backwards", GRT_E_FORMAT, 8},
        {"{\"w\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":"
         "[9223372036854775800,9223372036854775804]}}",
         "overflow", GRT_E_FORMAT, 8},
        {"{\"w\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,4]}}",
         "tensor \"w\" has 4 bytes of data, its shape and type F32 need 8",
         GRT_E_FORMAT, -10},
        {"{\"w\":{\"dtype\":\"F4\",\"shape\":[3],\"data_offsets\":[0,2]}}",
         "not a number of bytes", GRT_E_FORMAT, -10},
        {"{\"w\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[60,68]}}",
         "truncated: tensor \"w\" has 8 bytes from byte", GRT_E_FORMAT, -70},
        {"{\"\":{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[0,1]}}",
         "a tensor name of 0 bytes is empty", GRT_E_FORMAT, 8},
        {"{\"a\\nb\":{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[0,1]}}",
         "holds a control character", GRT_E_FORMAT, 8},
        {"{\"\xFF\":1}", "malformed JSON in line 1", GRT_E_FORMAT, ANY_OFFSET},
        {"{\"a\":1,,}", "malformed JSON in line 1, column 8", GRT_E_FORMAT, 16},
        {"{\"w\":{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[0,1]},"
         "\"w\":{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[1,2]}}",
         "duplicate object key", GRT_E_FORMAT, ANY_OFFSET},
        {"{\"left\":{\"dtype\":\"U8\",\"shape\":[4],\"data_offsets\":[0,4]},"
         "\"right\":{\"dtype\":\"U8\",\"shape\":[2],\"data_offsets\":[3,5]}}",
         "tensors \"left\" and \"right\" overlap at byte", GRT_E_FORMAT, -13},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        safetensors_file(&w, cases[i].header, 64);
        int64_t at = cases[i].offset;
        if (at <= -10) at = (int64_t)(8 + strlen(cases[i].header)) - at - 10;
        assert_refused_at(read_w(), cases[i].status, &o.err, cases[i].fragment, at);
        assert_ptr_equal(strstr(o.err.text, "memory: "), o.err.text);
        opened_release(&o);
    }
}

static void refuses_bad_lengths(void **state)
{
    (void)state;
    w.size = 0;
    put_le(&w, 100000001, 8);
    put_zeros(&w, 100);
    assert_refused_at(read_w(), GRT_E_FORMAT, &o.err,
                      "header would have 100000001 bytes", 0);
    opened_release(&o);
    w.size = 0;
    put_le(&w, 101, 8);
    put_zeros(&w, 100);
    assert_refused_at(read_w(), GRT_E_FORMAT, &o.err,
                      "truncated: its header has 101 bytes", 8);
    opened_release(&o);
    w.size = 0;
    put(&w, "version https://git-lfs.github.com/spec/v1\n", 43);
    assert_refused_at(read_w(), GRT_E_FORMAT, &o.err, "Git LFS pointer", 0);
    opened_release(&o);
}

static void refuses_long_names(void **state)
{
    (void)state;
    char header[1024], name[GRT_MAX_TENSOR_NAME_BYTES + 2];
    memset(name, 'n', sizeof(name));
    for (int n = GRT_MAX_TENSOR_NAME_BYTES; n <= GRT_MAX_TENSOR_NAME_BYTES + 1; n++) {
        (void)snprintf(
            header, sizeof(header),
            "{\"%.*s\":{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[0,1]}}", n,
            name);
        safetensors_file(&w, header, 1);
        if (n == GRT_MAX_TENSOR_NAME_BYTES)
            assert_ok(read_w(), &o.err);
        else
            assert_refused_at(read_w(), GRT_E_FORMAT, &o.err,
                              "of 513 bytes is too long", 8);
        opened_release(&o);
    }
}

static void frees_all_when_allocation_fails(void **state)
{
    (void)state;
    safetensors_file(&w, sample, 22);
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_tensors),
        cmocka_unit_test(refuses_every_truncation),
        cmocka_unit_test(refuses_bad_entries),
        cmocka_unit_test(refuses_bad_lengths),
        cmocka_unit_test(refuses_long_names),
        cmocka_unit_test(frees_all_when_allocation_fails),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
