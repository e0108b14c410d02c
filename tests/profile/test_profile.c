/* test_profile.c - profiles that are whole, damaged, of another model, or senseless;
 * and what is looked up in them. */
#include "test.h"

#include "base/memory.h"
#include "models/open.h"
#include "profile/fingerprint.h"
#include "profile/widening.h"

#include <math.h>
#include <unistd.h>

#define MODEL GRT_TEST_DATA "/golden/bert-f32"

enum { MAX_TENSORS = 20, MAX_VALUES = 4096, N_PRECISIONS = 2, N_KS = 3 };

static grt_opened model;
static char directory[] = "/tmp/grating_profile_XXXXXX";
static char path[128];

static int set_up(void **state)
{
    (void)state;
    grt_error err;
    if (!mkdtemp(directory)) return -1;
    (void)snprintf(path, sizeof(path), "%s/test.safetensors", directory);
    return grt_open(&model, MODEL, &err);
}

static int tear_down(void **state)
{
    (void)state;
    grt_opened_release(&model);
    (void)unlink(path);
    (void)rmdir(directory);
    return grt_memory_now() != 0;
}

/* ---- Writing profiles, right and wrong ones ---- */

typedef struct tensor {
    const char *name;
    const char *dtype;
    size_t shape[3]; /* ends at 0 */
    float values[MAX_VALUES];
} tensor;

typedef struct draft {
    tensor tensors[MAX_TENSORS];
    size_t n;
} draft;

static size_t count(const tensor *t)
{
    size_t n = 1;
    for (size_t i = 0; i < 3 && t->shape[i]; i++)
        n *= t->shape[i];
    return n;
}

static tensor *add(draft *d, const char *name, size_t rows, size_t columns)
{
    tensor *t = &d->tensors[d->n++];
    *t = (tensor){.name = name, .dtype = "F32", .shape = {rows, columns}};
    assert_true(count(t) <= MAX_VALUES);
    return t;
}

static tensor *get(draft *d, const char *name)
{
    size_t i = 0;
    while (i < d->n && strcmp(d->tensors[i].name, name) != 0)
        i++;
    assert_true(i < d->n);
    return &d->tensors[i];
}

static void fill_table(tensor *t, const float *values)
{
    memcpy(t->values, values, N_PRECISIONS * N_KS * sizeof(float));
}

static grt_fingerprint fingerprint_of(const grt_checkpoint *checkpoint)
{
    grt_error err;
    grt_fingerprint fingerprint;
    assert_ok(grt_fingerprint_take(&fingerprint, checkpoint, &err), &err);
    return fingerprint;
}

/* A profile that fits the model; its readouts read n_features. */
static draft *whole_of(size_t n_features)
{
    static draft d;
    const size_t n = model.network.n_layers - 1;
    d.n = 0;
    grt_fingerprint fingerprint = fingerprint_of(&model.checkpoint);
    memcpy(add(&d, "fingerprint", 4, 0)->values, fingerprint.words,
           sizeof(fingerprint.words));
    grt_fingerprint_words(fingerprint.weights, add(&d, "weights", 4, 0)->values);
    tensor *readouts = add(&d, "readouts", n, n_features);
    for (size_t i = 0; i < count(readouts); i++)
        readouts->values[i] = (float)i * 0.25f - 3.0f;
    tensor *biases = add(&d, "biases", n, 0), *spreads = add(&d, "spreads", n, 0);
    tensor *moves = add(&d, "moves", n, 0);
    for (size_t i = 0; i < n; i++) {
        biases->values[i] = -(float)i;
        spreads->values[i] = i ? 2.0f / (float)i : INFINITY;
        moves->values[i] = (float)i;
    }
    memcpy(add(&d, "precisions", N_PRECISIONS, 0)->values, (float[]){0.9f, 0.99f}, 8);
    memcpy(add(&d, "ks", N_KS, 0)->values, (float[]){1, 5, 10}, 12);
    fill_table(add(&d, "margins", 2, 3), (float[]){1, 3, 2, 4, 6, INFINITY});
    fill_table(add(&d, "dispersions", 2, 3),
               (float[]){0.1f, 0.2f, 0.3f, 0.4f, 0.6f, 0.5f});
    fill_table(add(&d, "first_layers", 2, 3), (float[]){0, 1, 2, 3, 2, 1});
    return &d;
}

static draft *whole(void)
{
    return whole_of(grt_features_size(&model.network));
}

static void write_draft(const draft *d)
{
    char header[4096];
    size_t n = 0, at = 0;
    for (size_t i = 0; i < d->n; i++) {
        const tensor *t = &d->tensors[i];
        n += (size_t)snprintf(header + n, sizeof(header) - n,
                              "%s\"%s\": {\"dtype\": \"%s\", \"shape\": [%zu",
                              i ? "," : "{", t->name, t->dtype, t->shape[0]);
        for (size_t k = 1; k < 3 && t->shape[k]; k++)
            n += (size_t)snprintf(header + n, sizeof(header) - n, ", %zu", t->shape[k]);
        n +=
            (size_t)snprintf(header + n, sizeof(header) - n,
                             "], \"data_offsets\": [%zu, %zu]}", at, at + 4 * count(t));
        at += 4 * count(t);
    }
    header[n++] = '}';
    FILE *file = fopen(path, "wb");
    assert_non_null(file);
    uint64_t length = n; /* little endian, as the machines that run this */
    (void)fwrite(&length, 8, 1, file);
    (void)fwrite(header, 1, n, file);
    for (size_t i = 0; i < d->n; i++)
        (void)fwrite(d->tensors[i].values, 4, count(&d->tensors[i]), file);
    assert_int_equal(fclose(file), 0);
}

static grt_status open_profile(grt_profile *out, grt_error *err)
{
    return grt_profile_open(out, &model.checkpoint, &model.network, path, path, err);
}

/* Refused with this text, nothing kept. */
static void check_refused(const char *text)
{
    grt_error err;
    grt_profile profile;
    uint64_t before = grt_memory_now();
    assert_refused(open_profile(&profile, &err), GRT_E_FORMAT, &err, text);
    if (!strstr(err.text, "test.safetensors")) fail_msg("no file: %s", err.text);
    assert_null(profile.path);
    assert_int_equal(grt_memory_now(), before);
}

/* ---- Whole profiles ---- */

static void check_comes_back(size_t width)
{
    grt_error err;
    grt_profile profile;
    size_t n = model.network.n_layers;
    draft *d = whole_of(width);
    write_draft(d);
    assert_ok(open_profile(&profile, &err), &err);
    assert_string_equal(profile.path, path);
    assert_int_equal(profile.n_layers, n);
    assert_true(profile.spreads[0] == INFINITY);
    assert_memory_equal(profile.spreads + 1, get(d, "spreads")->values, 4 * (n - 1));
    assert_memory_equal(profile.moves + 1, get(d, "moves")->values, 4 * (n - 1));
    for (size_t boundary = 1; boundary < n; boundary++) {
        grt_readout readout = grt_profile_readout(&profile, boundary);
        assert_int_equal(readout.n_features, width);
        assert_true(readout.bias == -(float)(boundary - 1));
        assert_memory_equal(readout.weights,
                            get(d, "readouts")->values + (boundary - 1) * width,
                            4 * width);
    }
    grt_profile_release(&profile);
}

static void test_a_profile_comes_back_as_written(void **state)
{
    (void)state;
    check_comes_back(grt_features_size(&model.network));
    check_comes_back(grt_pooled_size(&model.network)); /* an older one */
}

static void test_the_more_careful_neighbour_is_taken(void **state)
{
    (void)state;
    grt_error err;
    grt_profile p;
    write_draft(whole());
    assert_ok(open_profile(&p, &err), &err);
    const struct {
        float precision;
        size_t k;
        float margin, dispersion;
        size_t first_layer;
    } cases[] = {
        {0.9f, 1, 1, 0.1f, 1},         {0.9f, 5, 3, 0.2f, 1},
        {0.9f, 10, 2, 0.3f, 2},        {0.9f, 3, 3, 0.2f, 1},
        {0.9f, 7, 3, 0.3f, 2},         {0.9f, 1000, 2, 0.3f, 2},
        {0.1f, 1, 1, 0.1f, 1},         {0.95f, 1, 4, 0.4f, 3},
        {0.99f, 1, 4, 0.4f, 3},        {0.999f, 5, 6, 0.6f, 2},
        {0.99f, 7, INFINITY, 0.6f, 2}, {0.99f, 2, 6, 0.6f, 3},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        float dispersion;
        size_t first_layer;
        assert_true(grt_profile_margin(&p, cases[i].precision, cases[i].k) ==
                    cases[i].margin);
        grt_profile_cluster(&p, cases[i].precision, cases[i].k, &dispersion,
                            &first_layer);
        assert_true(dispersion == cases[i].dispersion);
        assert_int_equal(first_layer, cases[i].first_layer);
    }
    grt_profile_release(&p);
}

/* ---- Arithmetics ---- */

/* A profile made in bf16 that knows int8. */
static draft *whole_with_int8(void)
{
    const size_t n = model.network.n_layers - 1;
    draft *d = whole();
    add(d, "arithmetic", 1, 0)->values[0] = (float)GRT_ARITHMETIC_BF16;
    memcpy(add(d, "queries", 2, 0)->values, (float[]){30, 10}, 8);
    tensor *spreads = add(d, "int8.spreads", n, 0), *moves = add(d, "int8.moves", n, 0);
    tensor *shifts = add(d, "int8.shifts", n, 0);
    for (size_t i = 0; i < n; i++) {
        spreads->values[i] = 1.5f;
        moves->values[i] = 2.0f;
        shifts->values[i] = -0.5f;
    }
    const float logits[] = {400, 0.25f, 1.5f, 0.0625f, 20, 0.9f};
    memcpy(add(d, "int8.logits", 6, 0)->values, logits, sizeof(logits));
    return d;
}

static void test_a_profile_says_what_it_was_made_of(void **state)
{
    (void)state;
    grt_error err;
    grt_profile p;
    grt_logit_effect effect;
    write_draft(whole());
    assert_ok(open_profile(&p, &err), &err);
    assert_int_equal(p.arithmetic, GRT_ARITHMETIC_AUTO);
    assert_int_equal(p.n_fitted + p.n_reported, 0);
    assert_int_equal(grt_profile_made_in(&p), GRT_ARITHMETIC_BF16);
    assert_true(grt_profile_serves(&p, GRT_ARITHMETIC_F32)); /* finer */
    assert_true(grt_profile_serves(&p, GRT_ARITHMETIC_BF16));
    assert_false(grt_profile_serves(&p, GRT_ARITHMETIC_INT8));
    for (int a = GRT_ARITHMETIC_F32; a <= GRT_ARITHMETIC_INT8; a++)
        assert_false(grt_profile_effect(&p, (grt_arithmetic)a, &effect));
    grt_profile_release(&p);
    write_draft(whole_with_int8());
    assert_ok(open_profile(&p, &err), &err);
    assert_int_equal(p.arithmetic, GRT_ARITHMETIC_BF16);
    assert_int_equal(p.n_fitted, 30);
    assert_int_equal(p.n_reported, 10);
    assert_true(grt_profile_serves(&p, GRT_ARITHMETIC_INT8));
    assert_true(grt_profile_effect(&p, GRT_ARITHMETIC_INT8, &effect));
    assert_true(effect.n_pairs == 400 && effect.largest == 1.5f);
    assert_true(effect.share == 0.0625f && effect.kept == 0.9f);
    assert_true(grt_profile_effect(&p, GRT_ARITHMETIC_BF16, &effect)); /* its own */
    assert_true(effect.n_pairs == 0 && effect.share == 0);
    assert_false(grt_profile_effect(&p, GRT_ARITHMETIC_F32, &effect));
    grt_profile_release(&p);
    draft *coarse = whole();
    add(coarse, "arithmetic", 1, 0)->values[0] = (float)GRT_ARITHMETIC_F32;
    write_draft(coarse);
    assert_ok(open_profile(&p, &err), &err);
    assert_false(grt_profile_serves(&p, GRT_ARITHMETIC_BF16));
    grt_profile_release(&p);
}

/* Variances add; what is not known stays so. */
static void test_a_profile_is_widened(void **state)
{
    (void)state;
    grt_error err;
    grt_profile p, plain;
    size_t n = model.network.n_layers;
    write_draft(whole_with_int8());
    assert_ok(open_profile(&p, &err), &err);
    assert_ok(open_profile(&plain, &err), &err);
    const float *spreads = p.spreads;
    for (int a = GRT_ARITHMETIC_F32; a <= GRT_ARITHMETIC_BF16; a++)
        assert_ok(grt_profile_widen(&p, (grt_arithmetic)a, &err), &err);
    assert_ptr_equal(p.spreads, spreads); /* these add nothing */
    assert_ok(grt_profile_widen(&p, GRT_ARITHMETIC_INT8, &err), &err);
    assert_true(isinf(p.spreads[0]) && isinf(p.spreads[1]));
    assert_true(p.moves[1] == 0); /* not known */
    for (size_t l = 2; l < n; l++) {
        assert_true(fabsf(p.spreads[l] - hypotf(plain.spreads[l], 1.5f)) < 1e-6f);
        assert_true(fabsf(p.moves[l] - hypotf(plain.moves[l], 2.0f)) < 1e-6f);
    }
    for (size_t l = 1; l < n; l++)
        assert_true(grt_profile_readout(&p, l).bias ==
                    grt_profile_readout(&plain, l).bias - 0.5f);
    grt_profile_release(&plain);
    grt_profile_release(&p);
}

/* ---- Profiles that are refused ---- */

static void test_senseless_widenings_are_refused(void **state)
{
    (void)state;
    static const char *const names[] = {"int8.moves", "int8.shifts", "int8.logits"};
    char text[100];
    for (size_t i = 0; i < 3; i++) {
        draft *d = whole_with_int8();
        get(d, names[i])->values[0] = NAN;
        write_draft(d);
        (void)snprintf(text, sizeof(text), "tensor %s holds nan", names[i]);
        check_refused(text);
        d = whole_with_int8();
        get(d, names[i])->name = "another";
        write_draft(d);
        (void)snprintf(text, sizeof(text), "tensor %s is missing", names[i]);
        check_refused(text);
    }
    draft *d = whole_with_int8();
    get(d, "int8.spreads")->values[0] = -1;
    write_draft(d);
    check_refused("tensor int8.spreads holds -1, expected 0 to ");
    const float arithmetics[] = {-1, 4, 1.5f};
    for (size_t i = 0; i < 3; i++) {
        d = whole_with_int8();
        get(d, "arithmetic")->values[0] = arithmetics[i];
        write_draft(d);
        check_refused(i < 2 ? "tensor arithmetic holds "
                            : "tensor arithmetic holds 1.5: no arithmetic has that "
                              "number");
    }
}

static void test_missing_and_wrongly_shaped_tensors_are_named(void **state)
{
    (void)state;
    draft *d = whole();
    char text[200];
    for (size_t i = 0; i < d->n; i++) {
        draft *other = whole();
        tensor *t = &other->tensors[i];
        (void)snprintf(text, sizeof(text), "tensor %s is missing", t->name);
        const char *name = t->name;
        t->name = "another";
        write_draft(other);
        check_refused(text);
        t->name = name;
        size_t columns = t->shape[1];
        t->shape[1] = columns ? 0 : 1; /* one dimension less, or one more */
        (void)snprintf(text, sizeof(text), "tensor %s is not F32 with %d dimensions",
                       name, columns ? 2 : 1);
        write_draft(other);
        check_refused(text);
        t->shape[1] = columns;
        t->dtype = "I32";
        write_draft(other);
        check_refused(text);
        t->dtype = "F32";
        if (strcmp(name, "precisions") == 0 || strcmp(name, "ks") == 0) continue;
        if (columns)
            (void)snprintf(text, sizeof(text),
                           "tensor %s does not have the shape [%zu][%zu]", name,
                           t->shape[0], columns);
        else
            (void)snprintf(text, sizeof(text),
                           "tensor %s does not have the shape [%zu];", name,
                           t->shape[0]);
        t->shape[0]++;
        write_draft(other);
        check_refused(text);
    }
}

/* Neither with derived features nor without. */
static void test_readouts_of_other_widths_are_refused(void **state)
{
    (void)state;
    char text[200];
    size_t n = model.network.n_layers - 1, d = model.network.hidden_size;
    const size_t widths[] = {1,         2 * d,     3 * d - 1, 3 * d + 1,
                             4 * d - 1, 4 * d + 1, 5 * d};
    (void)snprintf(text, sizeof(text),
                   "tensor readouts does not have the shape [%zu][%zu]; the profile "
                   "was made for another model",
                   n, 4 * d);
    for (size_t i = 0; i < sizeof(widths) / sizeof(widths[0]); i++) {
        write_draft(whole_of(widths[i]));
        check_refused(text);
    }
}

static void set_value(const char *name, size_t at, float value, const char *text)
{
    draft *d = whole();
    get(d, name)->values[at] = value;
    write_draft(d);
    check_refused(text);
}

static void test_values_that_make_no_sense_are_refused(void **state)
{
    (void)state;
    static const char *const sizes[] = {"fingerprint", "weights",      "spreads",
                                        "precisions",  "ks",           "margins",
                                        "dispersions", "first_layers", "moves"};
    static const char *const all[] = {
        "fingerprint", "weights",      "readouts", "biases",     "spreads", "margins",
        "dispersions", "first_layers", "ks",       "precisions", "moves"};
    char text[100];
    for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
        (void)snprintf(text, sizeof(text), "tensor %s holds %s", all[i], "nan");
        set_value(all[i], 1, NAN, text);
    }
    for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        (void)snprintf(text, sizeof(text), "tensor %s holds -1, expected 0 to ",
                       sizes[i]);
        set_value(sizes[i], 1, -1.0f, text);
    }
    set_value("readouts", 7, INFINITY, "tensor readouts holds inf");
    set_value("biases", 0, -INFINITY, "tensor biases holds -inf");
    set_value("first_layers", 0, INFINITY, "tensor first_layers holds inf");
    set_value("ks", 2, INFINITY, "tensor ks holds inf");
    set_value("precisions", 1, 1.5f, "tensor precisions holds 1.5, expected 0 to 1");
    set_value("precisions", 1, 0.9f, "the values of tensor precisions do not rise");
    set_value("precisions", 0, 0.0f, "the values of tensor precisions do not rise");
    set_value("ks", 1, 11.0f, "the values of tensor ks do not rise");
    set_value(
        "fingerprint", 2, 7.0f,
        "the profile was made for another checkpoint; calibrate again or remove it");
    set_value(
        "weights", 0, 7.0f,
        "the profile was made for other weights of this model; calibrate again or "
        "remove it");
}

/* Profiles of earlier versions did not say for which weights they are. */
static void test_a_profile_without_weights_is_refused(void **state)
{
    (void)state;
    draft *d = whole();
    get(d, "weights")->name = "another";
    write_draft(d);
    check_refused(
        "tensor weights is missing: the profile was made by an earlier version "
        "and does not say for which weights; calibrate again");
}

static void test_grids_have_a_size(void **state)
{
    (void)state;
    draft *d = whole();
    get(d, "ks")->shape[0] = GRT_PROFILE_MAX_GRID + 1;
    write_draft(d);
    check_refused("tensor ks has 65 values, expected 1 to 64");
}

static void test_damaged_files_are_refused(void **state)
{
    (void)state;
    grt_error err;
    grt_profile profile;
    write_draft(whole());
    FILE *file = fopen(path, "rb");
    assert_non_null(file);
    (void)fseek(file, 0, SEEK_END);
    long size = ftell(file);
    (void)fclose(file);
    for (long n = 0; n < size; n += 1 + n / 40) {
        write_draft(whole());
        assert_int_equal(truncate(path, n), 0);
        check_refused("");
    }
    (void)unlink(path);
    assert_refused(open_profile(&profile, &err), GRT_E_NOT_FOUND, &err,
                   "test.safetensors");
    assert_refused(grt_profile_open(&profile, &model.checkpoint, &model.network,
                                    directory, "", &err),
                   GRT_E_IO, &err, "is a directory");
}

/* ---- Where a profile is looked for ---- */

static void test_the_place_of_a_profile(void **state)
{
    (void)state;
    grt_error err;
    char *found;
    static const char *const folders[] = {NULL, "/no/such/folder"};
    for (size_t i = 0; i < 2; i++) {
        assert_ok(grt_profile_home(&found, &model.checkpoint, folders[i], &err), &err);
        assert_string_equal(found, MODEL "/grating.profile.safetensors");
        grt_free(found);
    }
    grt_checkpoint gguf = {.path = GRT_TEST_DATA "/golden/bert-gguf-f16/model.gguf"};
    assert_ok(grt_profile_home(&found, &gguf, NULL, &err), &err);
    assert_string_equal(found, GRT_TEST_DATA
                        "/golden/bert-gguf-f16/model.gguf.profile.safetensors");
    grt_profile profile;
    assert_ok(grt_profile_open(&profile, &model.checkpoint, &model.network, NULL, found,
                               &err),
              &err);
    assert_null(profile.path); /* there is none, and none beside it */
    grt_profile_release(&profile);
    grt_free(found);
}

/* Under names that tell shapes and weights: 16 digits each. */
static void test_a_folder_of_profiles(void **state)
{
    (void)state;
    grt_error err;
    grt_profile profile;
    char *home, *other, name[64];
    grt_fingerprint own = fingerprint_of(&model.checkpoint);
    assert_ok(grt_profile_home(&home, &model.checkpoint, directory, &err), &err);
    (void)snprintf(name, sizeof(name), "%04x%04x%04x%04x%016llx.profile.safetensors",
                   (unsigned)own.words[3], (unsigned)own.words[2],
                   (unsigned)own.words[1], (unsigned)own.words[0],
                   (unsigned long long)own.weights);
    assert_string_equal(home + strlen(directory) + 1, name);
    grt_checkpoint bf16 = {0};
    assert_ok(grt_checkpoint_open(&bf16, GRT_TEST_DATA "/golden/bert-bf16", &err),
              &err);
    assert_ok(grt_profile_home(&other, &bf16, directory, &err), &err);
    assert_string_not_equal(home, other);
    grt_checkpoint_release(&bf16);
    write_draft(whole());
    assert_int_equal(rename(path, home), 0);
    assert_ok(
        grt_profile_open(&profile, &model.checkpoint, &model.network, NULL, home, &err),
        &err);
    assert_string_equal(profile.path, home);
    grt_profile_release(&profile);
    assert_ok(
        grt_profile_open(&profile, &model.checkpoint, &model.network, "", home, &err),
        &err);
    assert_null(profile.path); /* none is wanted */
    assert_int_equal(rename(home, path), 0);
    grt_free(home);
    grt_free(other);
}

static void test_how_many_queries_a_profile_rests_on(void **state)
{
    (void)state;
    write_draft(whole_with_int8());
    assert_int_equal(grt_profile_count_queries(path), 40);
    write_draft(whole());
    assert_true(grt_profile_count_queries(path) == SIZE_MAX); /* it does not say */
    assert_int_equal(truncate(path, 100), 0);
    assert_int_equal(grt_profile_count_queries(path), 0);
    assert_int_equal(grt_profile_count_queries("/no/such/file"), 0);
    assert_int_equal(grt_profile_count_queries(MODEL "/model.safetensors"), 0);
}

static void test_fingerprints_tell_checkpoints_apart(void **state)
{
    (void)state;
    static const char *const others[] = {"bert-f16", "bert-bf16", "bert-sharded",
                                         "qwen3-f32-tied", "bert-gguf-f16"};
    grt_fingerprint found[6];
    found[5] = fingerprint_of(&model.checkpoint);
    for (size_t i = 0; i < 5; i++) {
        grt_error err;
        grt_checkpoint checkpoint = {0};
        char name[256];
        (void)snprintf(name, sizeof(name), GRT_TEST_DATA "/golden/%s%s", others[i],
                       i == 4 ? "/model.gguf" : "");
        assert_ok(grt_checkpoint_open(&checkpoint, name, &err), &err);
        found[i] = fingerprint_of(&checkpoint);
        grt_checkpoint_release(&checkpoint);
    }
    for (size_t i = 0; i < 6; i++)
        for (size_t j = 0; j < i; j++)
            assert_memory_not_equal(found[i].words, found[j].words,
                                    sizeof(found[i].words));
}

/* Copies a file of MODEL into the directory; one bit of a weight changes where asked.
 */
static void copy_file(const char *name, bool is_changed)
{
    static unsigned char bytes[1 << 22];
    char to[256];
    FILE *file =
        fopen(name[0] == 'c' ? MODEL "/config.json" : MODEL "/model.safetensors", "rb");
    assert_non_null(file);
    size_t n = fread(bytes, 1, sizeof(bytes), file), n_header = 0;
    (void)fclose(file);
    assert_true(n > 8 && n < sizeof(bytes));
    memcpy(&n_header, bytes, sizeof(n_header));
    if (is_changed) bytes[8 + n_header] ^= 1;
    (void)snprintf(to, sizeof(to), "%s/%s", directory, name);
    file = fopen(to, "wb");
    assert_non_null(file);
    assert_int_equal(fwrite(bytes, 1, n, file), n);
    assert_int_equal(fclose(file), 0);
}

/* Trained further in its folder: the shapes say nothing, the values do. */
static void test_fingerprints_tell_weights_apart(void **state)
{
    (void)state;
    grt_fingerprint own = fingerprint_of(&model.checkpoint);
    copy_file("config.json", false);
    for (int is_changed = 0; is_changed < 2; is_changed++) {
        grt_error err;
        grt_checkpoint checkpoint = {0};
        copy_file("model.safetensors", is_changed);
        assert_ok(grt_checkpoint_open(&checkpoint, directory, &err), &err);
        grt_fingerprint found = fingerprint_of(&checkpoint);
        assert_memory_equal(found.words, own.words, sizeof(own.words));
        assert_int_equal(found.weights == own.weights, !is_changed);
        grt_checkpoint_release(&checkpoint);
    }
    char name[256];
    (void)snprintf(name, sizeof(name), "%s/config.json", directory);
    (void)unlink(name);
    (void)snprintf(name, sizeof(name), "%s/model.safetensors", directory);
    (void)unlink(name);
}

static void test_running_out_of_memory_leaves_nothing(void **state)
{
    (void)state;
    write_draft(whole_with_int8());
    uint64_t before = grt_memory_now();
    for (uint64_t nth = 1;; nth++) {
        grt_error err;
        grt_profile profile;
        grt_memory_fail_nth(nth);
        grt_status status = open_profile(&profile, &err);
        grt_memory_fail_nth(0);
        grt_profile_release(&profile);
        assert_int_equal(grt_memory_now(), before);
        if (status == GRT_OK) break;
        assert_int_equal(status, GRT_E_NO_MEMORY);
        assert_true(nth < 500);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_profile_comes_back_as_written),
        cmocka_unit_test(test_the_more_careful_neighbour_is_taken),
        cmocka_unit_test(test_a_profile_says_what_it_was_made_of),
        cmocka_unit_test(test_a_profile_is_widened),
        cmocka_unit_test(test_senseless_widenings_are_refused),
        cmocka_unit_test(test_missing_and_wrongly_shaped_tensors_are_named),
        cmocka_unit_test(test_readouts_of_other_widths_are_refused),
        cmocka_unit_test(test_values_that_make_no_sense_are_refused),
        cmocka_unit_test(test_grids_have_a_size),
        cmocka_unit_test(test_damaged_files_are_refused),
        cmocka_unit_test(test_the_place_of_a_profile),
        cmocka_unit_test(test_a_folder_of_profiles),
        cmocka_unit_test(test_how_many_queries_a_profile_rests_on),
        cmocka_unit_test(test_fingerprints_tell_checkpoints_apart),
        cmocka_unit_test(test_fingerprints_tell_weights_apart),
        cmocka_unit_test(test_a_profile_without_weights_is_refused),
        cmocka_unit_test(test_running_out_of_memory_leaves_nothing),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
