/* test_find.c - models by name: bundled ones, and those in the caches of others. */
#include "opened.h"

#include "base/memory.h"
#include "temp_dir.h"

#include <errno.h>
#include <ftw.h>
#include <stdlib.h>

typedef struct caches {
    temp_dir dir;
    char hub[160], store[160];
} caches;

static void make_folders(const char *path)
{
    char upper[1024];
    assert_true(strlen(path) < sizeof(upper));
    for (size_t i = 1; path[i - 1]; i++) {
        if (path[i] && path[i] != '/') continue;
        memcpy(upper, path, i);
        upper[i] = 0;
        assert_true(mkdir(upper, 0700) == 0 || errno == EEXIST);
    }
}

/* A file of these words, its folders made. */
static void put(const char *folder, const char *name, const char *text)
{
    char path[1024];
    int n = snprintf(path, sizeof(path), "%s/%s", folder, name);
    assert_true(n > 0 && n < (int)sizeof(path));
    char *slash = strrchr(path, '/');
    *slash = 0;
    make_folders(path);
    *slash = '/';
    FILE *file = fopen(path, "we");
    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
    assert_int_equal(fclose(file), 0);
}

/* The folder of a golden checkpoint, under the name of a snapshot. */
static void link_snapshot(const char *hub, const char *repository, const char *revision)
{
    char folder[512], name[1024];
    int n =
        snprintf(folder, sizeof(folder), "%s/models--%s/snapshots", hub, repository);
    assert_true(n > 0 && n < (int)sizeof(folder));
    make_folders(folder);
    n = snprintf(name, sizeof(name), "%s/%s", folder, revision);
    assert_true(n > 0 && n < (int)sizeof(name));
    assert_int_equal(symlink(GRT_TEST_DATA "/golden/bert-f32", name), 0);
}

static void set_up(caches *out)
{
    static const char *const unset[] = {"HUGGINGFACE_HUB_CACHE", "TRANSFORMERS_CACHE",
                                        "SENTENCE_TRANSFORMERS_HOME", "XDG_CACHE_HOME"};
    temp_make(&out->dir);
    for (size_t i = 0; i < sizeof(unset) / sizeof(unset[0]); i++)
        assert_int_equal(unsetenv(unset[i]), 0);
    (void)snprintf(out->hub, sizeof(out->hub), "%s/home/hub", out->dir.path);
    (void)snprintf(out->store, sizeof(out->store), "%s/ollama", out->dir.path);
    char home[160];
    (void)snprintf(home, sizeof(home), "%s/home", out->dir.path);
    assert_int_equal(setenv("HF_HOME", home, 1) | setenv("HOME", home, 1) |
                         setenv("OLLAMA_MODELS", out->store, 1) |
                         unsetenv("HF_HUB_CACHE"),
                     0);
}

static int remove_one(const char *path, const struct stat *status, int kind,
                      struct FTW *where)
{
    (void)status, (void)kind, (void)where;
    return remove(path);
}

static void tear_down(caches *made)
{
    assert_int_equal(nftw(made->dir.path, remove_one, 8, FTW_DEPTH | FTW_PHYS), 0);
    assert_int_equal(grt_memory_now(), 0);
}

static grt_model_place found(const char *name, grt_model_source source)
{
    grt_model_place place = GRT_MODEL_PLACE_INIT;
    grt_error err;
    if (grt_model_find(&place, name, &err)) fail_msg("%s", err.text);
    assert_int_equal(place.source, source);
    return place;
}

static void not_found(const char *name, grt_status status, const char *fragment)
{
    grt_model_place place = GRT_MODEL_PLACE_INIT;
    grt_error err;
    assert_int_equal(grt_model_find(&place, name, &err), status);
    if (!strstr(err.text, fragment))
        fail_msg("\"%s\" does not say %s", err.text, fragment);
    assert_string_equal(place.path, ""); /* not written */
}

static void test_bundled(void **state)
{
    (void)state;
    caches made;
    set_up(&made);
    grt_model_place place = found(NULL, GRT_SOURCE_BUNDLED);
    assert_string_equal(place.name, GRT_DEFAULT_MODEL);
    assert_string_equal(place.path, GRT_SOURCE_DIR "/models/" GRT_DEFAULT_MODEL);
    (void)found("grating-mini-qwen3", GRT_SOURCE_BUNDLED);

    grt_model *model = NULL;
    grt_error err;
    assert_int_equal(grt_model_open(&model, NULL, GRT_DEFAULT_MODEL, NULL, &err),
                     GRT_OK);
    grt_model_close(model);
    assert_int_equal(grt_model_open(&model, NULL, "grating-maxi", NULL, &err),
                     GRT_E_NOT_FOUND);
    assert_non_null(strstr(err.text, "no model \"grating-maxi\""));
    tear_down(&made);
}

static void test_paths_are_first(void **state)
{
    (void)state;
    caches made;
    set_up(&made);
    char golden[] = GRT_TEST_DATA "/golden/bert-f32";
    assert_string_equal(found(golden, GRT_SOURCE_PATH).path, golden);
    not_found("no/such/path", GRT_E_NOT_FOUND, "no/such/path: no such file or folder");
    not_found("model.gguf", GRT_E_NOT_FOUND, "model.gguf: no such file or folder");
    not_found("", GRT_E_INVALID_ARG, "empty");
    char *longest = malloc(6000);
    assert_non_null(longest);
    memset(longest, 'a', 5999);
    longest[5999] = 0;
    not_found(longest, GRT_E_NOT_FOUND, "no such file");
    free(longest);
    /* A link to nowhere is there: opening it says what is wrong. */
    char broken[128];
    assert_int_equal(
        symlink("/nonexistent/model", temp_path(&made.dir, "broken", broken)), 0);
    assert_string_equal(found(broken, GRT_SOURCE_PATH).path, broken);
    tear_down(&made);
}

static void test_hugging_face(void **state)
{
    (void)state;
    caches made;
    set_up(&made);
    not_found("owner/name", GRT_E_NOT_FOUND, "\"hf download owner/name\" fetches it");
    link_snapshot(made.hub, "owner--name", "abc");
    grt_model_place place = found("owner/name", GRT_SOURCE_HUGGING_FACE);
    assert_non_null(strstr(place.path, "/models--owner--name/snapshots/abc"));
    assert_string_equal(place.note, "");
    grt_model *model = NULL;
    assert_int_equal(grt_model_open(&model, NULL, "owner/name", NULL, NULL), GRT_OK);
    grt_model_close(model);

    /* What was chosen is a note of the model. */
    char folder[512];
    (void)snprintf(folder, sizeof(folder), "%s/models--owner--name", made.hub);
    put(folder, "refs/main", "def");
    put(folder, "snapshots/def/config.json", "{}");
    place = found("owner/name", GRT_SOURCE_HUGGING_FACE);
    assert_non_null(strstr(place.note, "branch main has no weights"));
    assert_int_equal(grt_model_open(&model, NULL, "owner/name", NULL, NULL), GRT_OK);
    grt_note note = GRT_NOTE_INIT;
    assert_int_equal(grt_model_note(model, 0, &note), GRT_OK);
    assert_string_equal(note.text, place.note);
    assert_int_equal(note.level, GRT_NOTE_RESULT);
    grt_model_close(model);

    (void)snprintf(folder, sizeof(folder), "%s/models--a--several/snapshots/1",
                   made.hub);
    put(folder, "several-Q4_0.gguf", "");
    put(folder, "several-Q8_0.gguf", "");
    not_found("a/several", GRT_E_UNSUPPORTED, "a/several:Q4_0, a/several:Q8_0");
    assert_non_null(
        strstr(found("a/several:q8_0", GRT_SOURCE_HUGGING_FACE).path, "Q8_0.gguf"));
    tear_down(&made);
}

static void test_ollama(void **state)
{
    (void)state;
    static const char manifest[] = "manifests/registry.ollama.ai/library/ranker/latest";
    caches made;
    set_up(&made);
    not_found("ollama:ranker", GRT_E_NOT_FOUND, "\"ollama pull ranker\" fetches it");
    put(made.store, manifest, "not JSON");
    not_found("ollama:ranker", GRT_E_UNSUPPORTED, "its manifest");
    put(made.store, manifest,
        "{\"layers\": [{\"mediaType\": \"application/vnd.ollama.image.model\","
        " \"digest\": \"sha256:12ab\"}]}");
    not_found("ollama:ranker", GRT_E_UNSUPPORTED, "is not there");
    put(made.store, "blobs/sha256-12ab", "GGUF");
    grt_model_place place = found("ollama:Ranker", GRT_SOURCE_OLLAMA);
    assert_non_null(strstr(place.path, "/blobs/sha256-12ab"));
    tear_down(&made);
}

typedef struct told {
    size_t n[4], n_unusable, limit;
} told;

static int count(const grt_model_place *place, void *payload)
{
    told *self = payload;
    self->n[place->source]++;
    if (!place->path[0]) {
        self->n_unusable++;
        assert_true(place->note[0]);
    }
    assert_true(place->name[0] && place->struct_size == sizeof(*place));
    return --self->limit == 0 ? 42 : 0;
}

static void test_all(void **state)
{
    (void)state;
    caches made;
    set_up(&made);
    link_snapshot(made.hub, "owner--name", "abc");
    put(made.hub, "models--owner--empty/snapshots/1/config.json", "{}");
    put(made.hub, "datasets--owner--texts/snapshots/1/data.json", "{}");
    told here = {.limit = 100};
    assert_int_equal(grt_models_walk(count, &here), 0);
    assert_true(here.n[GRT_SOURCE_BUNDLED] >= 2);
    assert_int_equal(here.n[GRT_SOURCE_HUGGING_FACE], 2);
    assert_int_equal(here.n_unusable, 1);
    here = (told){.limit = 1};
    assert_int_equal(grt_models_walk(count, &here), 42);
    tear_down(&made);
}

static void test_structs(void **state)
{
    (void)state;
    grt_error err;
    grt_model_place place = {.struct_size = 0};
    assert_int_equal(grt_model_find(&place, NULL, &err), GRT_E_INVALID_ARG);
    assert_int_equal(grt_model_find(NULL, NULL, &err), GRT_E_INVALID_ARG);
    /* Of an older program, that knows the source alone. */
    memset(&place, 7, sizeof(place));
    place.struct_size = offsetof(grt_model_place, name);
    assert_int_equal(grt_model_find(&place, NULL, &err), GRT_OK);
    assert_int_equal(place.source, GRT_SOURCE_BUNDLED);
    assert_int_equal(place.name[0], 7);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_bundled),      cmocka_unit_test(test_paths_are_first),
        cmocka_unit_test(test_hugging_face), cmocka_unit_test(test_ollama),
        cmocka_unit_test(test_all),          cmocka_unit_test(test_structs),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
