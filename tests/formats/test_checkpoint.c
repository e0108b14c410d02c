/* test_checkpoint.c - what lies at a path: directories, shards, files of other kinds.
 */
#include "test.h"

#include "base/memory.h"
#include "formats/checkpoint.h"
#include "formats/writer.h"

#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static char root[64];
static grt_checkpoint c;
static grt_error err;

static const char *in_root(const char *name)
{
    static char path[256];
    (void)snprintf(path, sizeof(path), "%s/%s", root, name);
    return path;
}

static void write_file(const char *name, const void *data, size_t n)
{
    FILE *file = fopen(in_root(name), "wb");
    assert_non_null(file);
    assert_int_equal(fwrite(data, 1, n, file), n);
    assert_int_equal(fclose(file), 0);
}

static void write_text(const char *name, const char *text)
{
    write_file(name, text, strlen(text));
}

/* A safetensors file with one U8 tensor of 4 bytes. */
static void write_shard(const char *name, const char *tensor)
{
    static writer w;
    char header[256];
    (void)snprintf(header, sizeof(header),
                   "{\"%s\":{\"dtype\":\"U8\",\"shape\":[4],\"data_offsets\":[0,4]}}",
                   tensor);
    safetensors_file(&w, header, 4);
    write_file(name, w.data, w.size);
}

static int make_root(void **state)
{
    (void)state;
    (void)snprintf(root, sizeof(root), "/tmp/grating_checkpoint_XXXXXX");
    return mkdtemp(root) ? 0 : -1;
}

static int remove_root(void **state)
{
    (void)state;
    char name[128];
    while (grt_directory_find(root, "", name, sizeof(name)))
        if (remove(in_root(name)) != 0) return -1;
    return rmdir(root);
}

#define assert_open_refused(path, wanted, fragment) \
    assert_refused(grt_checkpoint_open(&c, (path), &err), (wanted), &err, (fragment))

static const char index_text[] = "{\"metadata\":{},\"weight_map\":{\"a\":\"m-1."
                                 "safetensors\",\"b\":\"m-2.safetensors\"}}";

static void write_sharded(const char *index)
{
    write_text("config.json", "{\"model_type\":\"bert\"}");
    write_text("model.safetensors.index.json", index);
    write_shard("m-1.safetensors", "a");
    write_shard("m-2.safetensors", "b");
}

static void opens_shards_once_each(void **state)
{
    (void)state;
    write_sharded(index_text);
    assert_ok(grt_checkpoint_open(&c, root, &err), &err);
    assert_int_equal(c.format, GRT_FORMAT_SAFETENSORS);
    assert_string_equal(c.path, root);
    assert_int_equal(c.catalogue.n_files, 2);
    assert_int_equal(c.catalogue.n_tensors, 2);
    const grt_tensor *b = grt_catalogue_get(&c.catalogue, "b");
    assert_string_equal(grt_file_path(c.catalogue.files[b->file]),
                        in_root("m-2.safetensors"));
    assert_non_null(grt_metadata_get(&c.metadata, "model_type"));
    grt_checkpoint_release(&c);
}

static void refuses_bad_indices(void **state)
{
    (void)state;
    static const struct {
        const char *map, *fragment;
        grt_status status;
    } cases[] = {
        {"{\"a\":\"m-3.safetensors\"}",
         "lists the shard \"m-3.safetensors\", which is not", GRT_E_NOT_FOUND},
        {"{\"a\":\"../m-1.safetensors\"}",
         "\"../m-1.safetensors\" leaves the directory", GRT_E_FORMAT},
        {"{\"a\":\"/etc/passwd\"}", "leaves the directory", GRT_E_FORMAT},
        {"{\"a\":\"\"}", "the shard name \"\" is empty", GRT_E_FORMAT},
        {"{\"a\":7}", "tensor \"a\" is not given a file name", GRT_E_FORMAT},
        {"{}", "has no \"weight_map\"", GRT_E_FORMAT},
        {"[]", "has no \"weight_map\"", GRT_E_FORMAT},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char index[256];
        (void)snprintf(index, sizeof(index), "{\"weight_map\":%s}", cases[i].map);
        write_sharded(index);
        assert_open_refused(root, cases[i].status, cases[i].fragment);
        assert_non_null(strstr(err.text, "model.safetensors.index.json: "));
    }
    write_sharded("{\"weight_map\":");
    assert_open_refused(root, GRT_E_FORMAT, "index.json: malformed JSON");
}

static void assert_noted(const char *fragment)
{
    for (size_t i = 0; i < c.notes.n; i++)
        if (strstr(c.notes.list[i].text, fragment)) return;
    fail_msg("no note says \"%s\"", fragment);
}

/* What is nowhere, in another shard than the index says, or in two of them. */
/* What follows the layers that a config says the weights have. */
static void notes_layers_that_are_not_read(void **state)
{
    (void)state;
    static const struct {
        const char *config, *tensor;
        size_t n_notes;
    } cases[] = {
        {"{\"num_hidden_layers\":2}", "bert.encoder.layer.2.output.dense.weight", 1},
        {"{\"num_hidden_layers\":3}", "bert.encoder.layer.2.output.dense.weight", 0},
        {"{\"num_hidden_layers\":1}", "model.layers.10.mlp.up_proj.weight", 1},
        {"{\"text_config\":{\"num_hidden_layers\":1}}", "layers.1.weight", 1},
        {"{\"num_hidden_layers\":1}", "vision_tower.layers.5.weight", 0},
        {"{\"num_hidden_layers\":1}", "lm_head.5.linear_head.weight", 0},
        {"{}", "model.layers.10.weight", 0},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        write_text("config.json", cases[i].config);
        write_shard("model.safetensors", cases[i].tensor);
        assert_ok(grt_checkpoint_open(&c, root, &err), &err);
        assert_ok(grt_checkpoint_check_keys(&c, &err), &err);
        assert_int_equal(c.notes.n, cases[i].n_notes);
        if (cases[i].n_notes) {
            assert_noted("num_hidden_layers is ");
            assert_int_equal(c.notes.list[0].level, GRT_NOTE_RESULT);
        }
        grt_checkpoint_release(&c);
    }
}

static void notes_where_index_and_shards_differ(void **state)
{
    (void)state;
    write_sharded(
        "{\"weight_map\":{\"a\":\"m-1.safetensors\",\"b\":\"m-2.safetensors\","
        "\"c\":\"m-1.safetensors\"}}");
    assert_ok(grt_checkpoint_open(&c, root, &err), &err);
    assert_noted("tensor c is in no shard");
    assert_null(grt_catalogue_get(&c.catalogue, "c"));
    grt_checkpoint_release(&c);
    write_sharded(
        "{\"weight_map\":{\"a\":\"m-2.safetensors\",\"b\":\"m-1.safetensors\"}}");
    assert_ok(grt_checkpoint_open(&c, root, &err), &err);
    assert_noted("tensor a is in another shard");
    assert_non_null(grt_catalogue_get(&c.catalogue, "a"));
    grt_checkpoint_release(&c);
    write_sharded(index_text);
    write_shard("m-2.safetensors", "a");
    assert_ok(grt_checkpoint_open(&c, root, &err), &err);
    assert_noted("tensor a is in several shards");
    const grt_tensor *a = grt_catalogue_get(&c.catalogue, "a");
    assert_non_null(strstr(grt_file_path(c.catalogue.files[a->file]), "m-1"));
    grt_checkpoint_release(&c);
    write_sharded(
        "{\"weight_map\":{\"c\":\"m-1.safetensors\",\"d\":\"m-2.safetensors\"}}");
    write_shard("m-2.safetensors", "a"); /* the index has neither */
    assert_open_refused(root, GRT_E_FORMAT,
                        "m-2.safetensors: tensor \"a\" appears twice");
    assert_int_equal(err.offset, 61);
}

static void names_the_truncated_shard(void **state)
{
    (void)state;
    write_sharded(index_text);
    assert_int_equal(truncate(in_root("m-2.safetensors"), 64), 0);
    assert_open_refused(root, GRT_E_FORMAT,
                        "m-2.safetensors: truncated: tensor \"b\" has 4 bytes");
}

static void hints_at_what_a_directory_holds(void **state)
{
    (void)state;
    assert_open_refused(root, GRT_E_NOT_FOUND,
                        "holds neither model.safetensors nor its");
    write_text("config.json", "{}");
    assert_open_refused(root, GRT_E_NOT_FOUND,
                        "holds neither model.safetensors nor its");
    write_text("model.onnx", "x");
    assert_open_refused(root, GRT_E_NOT_FOUND, "but model.onnx: ONNX is not read");
    write_text("pytorch_model.bin", "x");
    assert_open_refused(root, GRT_E_NOT_FOUND,
                        "but pytorch_model.bin: convert the PyTorch weights");
    write_text("other.gguf", "x");
    assert_open_refused(root, GRT_E_NOT_FOUND,
                        "but other.gguf: give the path of the GGUF");
    assert_open_refused(in_root("absent"), GRT_E_NOT_FOUND, "absent: no such file");
    assert_int_equal(symlink("../../blobs/gone", in_root("model.safetensors")), 0);
    assert_open_refused(root, GRT_E_IO,
                        "model.safetensors: is a link to a file that is gone");
    assert_int_equal(remove(in_root("model.safetensors")), 0);
    assert_int_equal(symlink("gone", in_root("model.safetensors.index.json")), 0);
    assert_open_refused(root, GRT_E_IO, "index.json: is a link to a file");
    assert_int_equal(remove(in_root("model.safetensors.index.json")), 0);
    write_text("snapshots", "x");
    assert_open_refused(root, GRT_E_NOT_FOUND, "/snapshots that holds config.json");
    write_text("adapter_config.json", "{}");
    assert_open_refused(root, GRT_E_UNSUPPORTED,
                        "holds an adapter (LoRA), not a model");
}

static void needs_a_config(void **state)
{
    (void)state;
    write_shard("model.safetensors", "a");
    assert_open_refused(root, GRT_E_NOT_FOUND,
                        "config.json: no such file; it must lie");
    write_text("config.json", "{\"x\":}");
    assert_open_refused(root, GRT_E_FORMAT, "config.json: malformed JSON in line 1");
    write_text("config.json", "{\"x\":1}");
    assert_ok(grt_checkpoint_open(&c, in_root("model.safetensors"), &err), &err);
    assert_int_equal(c.catalogue.n_tensors, 1);
    assert_non_null(grt_metadata_get(&c.metadata, "x"));
    grt_checkpoint_release(&c);
}

static void says_what_a_file_is(void **state)
{
    (void)state;
    static const struct {
        const char *start, *fragment;
    } cases[] = {
        {"", "this is an empty file"},
        {"PK\003\004aaaaaaaaaaaaaaaaaaaa", "this is a ZIP archive"},
        {"version https://git-lfs.github.com/spec/v1", "this is a Git LFS pointer"},
        {"{\"model_type\":\"bert\"}", "this is a JSON text"},
        {"\211HDF\r\n\032\n", "this is an HDF5 file"},
        {"hello there", "this is of no format known here"},
        {"GG", "this is of no format known here"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        write_text("model", cases[i].start);
        assert_open_refused(in_root("model"), GRT_E_FORMAT, cases[i].fragment);
        assert_non_null(strstr(err.text, "/model: neither GGUF nor safetensors"));
    }
    write_shard("model-00001-of-00002.safetensors", "a");
    assert_open_refused(in_root("model-00001-of-00002.safetensors"), GRT_E_FORMAT,
                        "is one shard of several; give the directory");
}

static void tells_gguf_by_its_first_bytes(void **state)
{
    (void)state;
    static writer w;
    gguf_start(&w, 3, 0, 1);
    gguf_key(&w, "general.architecture", 8);
    put_text(&w, "bert");
    write_file("model.safetensors", w.data, w.size);
    assert_ok(grt_checkpoint_open(&c, in_root("model.safetensors"), &err), &err);
    assert_int_equal(c.format, GRT_FORMAT_GGUF);
    assert_non_null(grt_metadata_get(&c.metadata, "general.architecture"));
    grt_checkpoint_release(&c);
}

static void frees_all_when_allocation_fails(void **state)
{
    (void)state;
    write_sharded(index_text);
    uint64_t before = grt_memory_now();
    grt_status status = GRT_E_NO_MEMORY;
    uint64_t nth = 0;
    while (status != GRT_OK && nth < 200) {
        grt_memory_fail_nth(++nth);
        status = grt_checkpoint_open(&c, root, &err);
        grt_memory_fail_nth(0);
        if (status != GRT_OK && status != GRT_E_NO_MEMORY)
            fail_msg("allocation %d: %s", (int)nth, err.text);
        if (status == GRT_OK) grt_checkpoint_release(&c);
        assert_int_equal(grt_memory_now(), before);
    }
    assert_int_equal(status, GRT_OK);
    assert_true(nth > 15);
}

static void opens_the_embedded_model(void **state)
{
    (void)state;
    assert_ok(grt_checkpoint_open(&c, GRT_SOURCE_DIR "/models/grating-mini", &err),
              &err);
    uint64_t hidden = 0;
    assert_ok(
        grt_metadata_need_u64(&c.metadata, "hidden_size", 1, 10000, &hidden, &err),
        &err);
    assert_int_equal(hidden, 256);
    const grt_tensor *words =
        grt_catalogue_get(&c.catalogue, "bert.embeddings.word_embeddings.weight");
    assert_non_null(words);
    assert_int_equal(words->dtype, GRT_DTYPE_F16);
    assert_int_equal(words->shape[0], 30522);
    assert_int_equal(words->shape[1], 256);
    grt_checkpoint_release(&c);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, make_root, remove_root)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(opens_shards_once_each),
        TEST(refuses_bad_indices),
        TEST(notes_where_index_and_shards_differ),
        TEST(notes_layers_that_are_not_read),
        TEST(names_the_truncated_shard),
        TEST(hints_at_what_a_directory_holds),
        TEST(needs_a_config),
        TEST(says_what_a_file_is),
        TEST(tells_gguf_by_its_first_bytes),
        TEST(frees_all_when_allocation_fails),
        cmocka_unit_test(opens_the_embedded_model),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
