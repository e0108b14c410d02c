/* test_storage.c - tensors stored in a way that cannot be read are refused when the
 * model is opened, wherever they stand, and the message names tensor and type. */
#include "test.h"

#include "models/open.h"

#include <unistd.h>

static const char source[] = GRT_TEST_DATA "/golden/qwen3-gguf-q4_0/model.gguf";
static char path[] = "/tmp/grating_storage_XXXXXX";
static unsigned char *content;
static size_t content_bytes;

static int set_up(void **state)
{
    (void)state;
    FILE *file = fopen(source, "rb");
    if (!file || fseek(file, 0, SEEK_END) != 0) return -1;
    content_bytes = (size_t)ftell(file);
    rewind(file);
    content = malloc(content_bytes);
    if (!content || fread(content, 1, content_bytes, file) != content_bytes) return -1;
    int fd = mkstemp(path);
    return fd < 0 || close(fd) != 0 || fclose(file) != 0;
}

static int tear_down(void **state)
{
    (void)state;
    free(content);
    return remove(path);
}

/* Where the header holds the number of a matrix's storage type: after its name, the
 * count of dimensions and two dimensions. */
static size_t type_at(const char *tensor)
{
    size_t n = strlen(tensor), i = 0;
    while (memcmp(content + i, tensor, n) != 0 || content[i + n] != 2) {
        i++;
        assert_true(i + n + 24 < content_bytes);
    }
    return i + n + 4 + 2 * 8;
}

static grt_status open_with(const char *tensor, unsigned char type, grt_error *err)
{
    size_t at = type_at(tensor);
    unsigned char before = content[at];
    content[at] = type;
    FILE *file = fopen(path, "wb");
    assert_non_null(file);
    assert_int_equal(fwrite(content, 1, content_bytes, file), content_bytes);
    assert_int_equal(fclose(file), 0);
    content[at] = before;
    grt_opened model = {0};
    grt_status status = grt_open(&model, path, err);
    grt_opened_release(&model);
    return status;
}

static const char *const places[] = {"blk.1.ffn_gate.weight", "blk.0.attn_q.weight",
                                     "token_embd.weight", "cls.output.weight"};
enum {
    N_PLACES = sizeof(places) / sizeof(places[0]),
    Q4_0 = 2,
    Q4_K = 12,
    IQ4_NL = 20
};

static void test_unknown_types_are_named(void **state)
{
    (void)state;
    for (size_t i = 0; i < N_PLACES; i++) {
        grt_error err;
        char wanted[128];
        assert_ok(open_with(places[i], Q4_0, &err), &err);
        (void)snprintf(wanted, sizeof(wanted),
                       "tensor %s has storage type IQ4_NL; known are F32, F16, BF16, "
                       "Q8_0, Q4_0,",
                       places[i]);
        assert_refused(open_with(places[i], IQ4_NL, &err), GRT_E_UNSUPPORTED, &err,
                       wanted);
    }
}

static void test_rows_must_fill_blocks(void **state)
{
    (void)state;
    for (size_t i = 0; i < N_PLACES; i++) {
        grt_error err;
        assert_refused(open_with(places[i], Q4_K, &err), GRT_E_FORMAT, &err,
                       "its rows of 32 values are not whole Q4_K blocks");
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_unknown_types_are_named),
        cmocka_unit_test(test_rows_must_fill_blocks),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
