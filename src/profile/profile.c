/* profile.c - see profile.h. */
#include "profile/profile.h"

#include "base/memory.h"
#include "profile/fingerprint.h"
#include "profile/widening.h"

#include <float.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

static const char directory_name[] = "grating.profile.safetensors";
static const char file_suffix[] = ".profile.safetensors";
static const float QUERIES_MAX = 16777216.0f; /* an f32 counts so far */
static const float SHIFT_MAX = 1e6f;          /* no bias becomes infinite by one */

/* ---- Places ---- */

static grt_status path_beside(char **out, const grt_checkpoint *checkpoint,
                              grt_error *err)
{
    const char *path = checkpoint->path;
    if (grt_path_is_directory(path))
        return grt_path_join(out, path, directory_name, err);
    size_t n = strlen(path);
    char *joined;
    GRT_TRY(grt_alloc(&joined, n + sizeof(file_suffix), "a path", err));
    memcpy(joined, path, n);
    memcpy(joined + n, file_suffix, sizeof(file_suffix));
    *out = joined;
    return GRT_OK;
}

/* 16 digits for the shapes, 16 for the weights. */
static grt_status path_in_folder(char **out, const grt_checkpoint *checkpoint,
                                 const char *folder, grt_error *err)
{
    char name[32 + sizeof(file_suffix)];
    grt_fingerprint fingerprint;
    GRT_TRY(grt_fingerprint_take(&fingerprint, checkpoint, err));
    for (size_t i = 0; i < GRT_FINGERPRINT_WORDS; i++)
        (void)snprintf(name + 4 * i, sizeof(name) - 4 * i, "%04x",
                       (unsigned)fingerprint.words[GRT_FINGERPRINT_WORDS - 1 - i]);
    (void)snprintf(name + 16, sizeof(name) - 16, "%016" PRIx64 "%s",
                   fingerprint.weights, file_suffix);
    return grt_path_join(out, folder, name, err);
}

grt_status grt_profile_home(char **out, const grt_checkpoint *checkpoint,
                            const char *folder, grt_error *err)
{
    if (folder && grt_path_is_directory(folder))
        return path_in_folder(out, checkpoint, folder, err);
    return path_beside(out, checkpoint, err);
}

/* ---- Reading ---- */

typedef struct profile_reader {
    grt_profile *profile;
    const grt_catalogue *catalogue;
    const char *path;
    grt_error *err;
} profile_reader;

static grt_status find(const profile_reader *r, const char *name, uint32_t n_dims,
                       const grt_tensor **out)
{
    const grt_tensor *tensor = grt_catalogue_get(r->catalogue, name);
    if (!tensor)
        GRT_FAIL(r->err, GRT_E_FORMAT, "%s: tensor %s is missing", r->path, name);
    if (tensor->dtype != GRT_DTYPE_F32 || tensor->n_dims != n_dims)
        GRT_FAIL_AT(r->err, GRT_E_FORMAT, tensor->offset,
                    "%s: tensor %s is not F32 with %u dimensions", r->path, name,
                    n_dims);
    *out = tensor;
    return GRT_OK;
}

/* A tensor as it must be. */
typedef struct wanted_tensor {
    const char *name;
    size_t rows;
    size_t columns;    /* 0: [rows] */
    float least, most; /* of its values, both allowed */
} wanted_tensor;

static grt_status check_shape(const profile_reader *r, const wanted_tensor *wanted,
                              const grt_tensor *tensor)
{
    static const char why[] = "the profile was made for another model";
    if (!wanted->columns && tensor->shape[0] != wanted->rows)
        GRT_FAIL_AT(r->err, GRT_E_FORMAT, tensor->offset,
                    "%s: tensor %s does not have the shape [%zu]; %s", r->path,
                    wanted->name, wanted->rows, why);
    if (wanted->columns &&
        (tensor->shape[0] != wanted->rows || tensor->shape[1] != wanted->columns))
        GRT_FAIL_AT(r->err, GRT_E_FORMAT, tensor->offset,
                    "%s: tensor %s does not have the shape [%zu][%zu]; %s", r->path,
                    wanted->name, wanted->rows, wanted->columns, why);
    return GRT_OK;
}

static grt_status load(const profile_reader *r, const wanted_tensor *wanted,
                       const float **out)
{
    const grt_tensor *tensor;
    GRT_TRY(find(r, wanted->name, wanted->columns ? 2 : 1, &tensor));
    GRT_TRY(check_shape(r, wanted, tensor));
    size_t n = wanted->rows * (wanted->columns ? wanted->columns : 1);
    float *values;
    GRT_TRY(grt_arena_alloc(&r->profile->arena, &values, n, sizeof(*values), r->err));
    GRT_TRY(grt_file_read_at(r->catalogue->files[tensor->file], tensor->offset, values,
                             n * sizeof(*values), r->err));
    for (size_t i = 0; i < n; i++)
        if (!(values[i] >= wanted->least && values[i] <= wanted->most)) /* or NaN */
            GRT_FAIL_AT(r->err, GRT_E_FORMAT, tensor->offset + i * sizeof(*values),
                        "%s: tensor %s holds %g, expected %g to %g", r->path,
                        wanted->name, (double)values[i], (double)wanted->least,
                        (double)wanted->most);
    *out = values;
    return GRT_OK;
}

/* A grid of rising positive values up to `most`. */
static grt_status load_grid(const profile_reader *r, const char *name, float most,
                            const float **out, size_t *n)
{
    const grt_tensor *tensor;
    GRT_TRY(find(r, name, 1, &tensor));
    if (tensor->shape[0] == 0 || tensor->shape[0] > GRT_PROFILE_MAX_GRID)
        GRT_FAIL_AT(r->err, GRT_E_FORMAT, tensor->offset,
                    "%s: tensor %s has %llu values, expected 1 to %d", r->path, name,
                    (unsigned long long)tensor->shape[0], (int)GRT_PROFILE_MAX_GRID);
    *n = (size_t)tensor->shape[0];
    GRT_TRY(load(r, &(wanted_tensor){name, *n, 0, 0.0f, most}, out));
    for (size_t i = 0; i < *n; i++)
        if (!((*out)[i] > (i ? (*out)[i - 1] : 0.0f)))
            GRT_FAIL_AT(r->err, GRT_E_FORMAT, tensor->offset,
                        "%s: the values of tensor %s do not rise", r->path, name);
    return GRT_OK;
}

static grt_status load_words(const profile_reader *r, const char *name,
                             const float **out)
{
    return load(r, &(wanted_tensor){name, GRT_FINGERPRINT_WORDS, 0, 0.0f, 65535.0f},
                out);
}

/* A profile without a sum of the weights was made before there was one: it may be about
 * weights that are gone. */
static grt_status check_fingerprint(const profile_reader *r,
                                    const grt_checkpoint *checkpoint)
{
    const float *found;
    float weights[GRT_FINGERPRINT_WORDS];
    grt_fingerprint wanted;
    GRT_TRY(load_words(r, "fingerprint", &found));
    GRT_TRY(grt_fingerprint_take(&wanted, checkpoint, r->err));
    if (memcmp(found, wanted.words, sizeof(wanted.words)) != 0)
        GRT_FAIL(r->err, GRT_E_FORMAT,
                 "%s: the profile was made for another checkpoint; calibrate again or "
                 "remove it",
                 r->path);
    if (!grt_catalogue_get(r->catalogue, "weights"))
        GRT_FAIL(r->err, GRT_E_FORMAT,
                 "%s: tensor weights is missing: the profile was made by an earlier "
                 "version and does not say for which weights; calibrate again",
                 r->path);
    GRT_TRY(load_words(r, "weights", &found));
    grt_fingerprint_words(wanted.weights, weights);
    if (memcmp(found, weights, sizeof(weights)) != 0)
        GRT_FAIL(r->err, GRT_E_FORMAT,
                 "%s: the profile was made for other weights of this model; calibrate "
                 "again or remove it",
                 r->path);
    return GRT_OK;
}

/* A tensor of boundaries 1.. n_layers-1, as an array that counts from 0. */
static grt_status load_boundaries(const profile_reader *r, const char *name,
                                  const float **out)
{
    size_t n_layers = r->profile->n_layers;
    const float *found;
    GRT_TRY(load(r, &(wanted_tensor){name, n_layers - 1, 0, 0.0f, INFINITY}, &found));
    float *values;
    GRT_TRY(grt_arena_alloc(&r->profile->arena, &values, n_layers, sizeof(*values),
                            r->err));
    values[0] = INFINITY;
    memcpy(values + 1, found, (n_layers - 1) * sizeof(*values));
    *out = values;
    return GRT_OK;
}

/* A profile made before there were derived features reads pooled states alone. */
static grt_status load_readouts(const profile_reader *r, const grt_network *network)
{
    const grt_tensor *tensor;
    grt_profile *p = r->profile;
    GRT_TRY(find(r, "readouts", 2, &tensor));
    p->n_features = grt_features_size(network);
    if (tensor->shape[1] == grt_pooled_size(network))
        p->n_features = grt_pooled_size(network);
    return load(r,
                &(wanted_tensor){"readouts", network->n_layers - 1, p->n_features,
                                 -FLT_MAX, FLT_MAX},
                &p->readouts);
}

/* ---- What later versions added ---- */

static grt_status load_origin(const profile_reader *r)
{
    const float *found;
    grt_profile *p = r->profile;
    if (grt_catalogue_get(r->catalogue, "arithmetic")) {
        GRT_TRY(load(r, &(wanted_tensor){"arithmetic", 1, 0, 0.0f, 3.0f}, &found));
        p->arithmetic = (grt_arithmetic)*found;
        if ((float)p->arithmetic != *found)
            GRT_FAIL(r->err, GRT_E_FORMAT,
                     "%s: tensor arithmetic holds %g: no arithmetic has that number",
                     r->path, (double)*found);
    }
    if (grt_catalogue_get(r->catalogue, "queries")) {
        GRT_TRY(load(r, &(wanted_tensor){"queries", 2, 0, 0.0f, QUERIES_MAX}, &found));
        p->n_fitted = (size_t)found[0];
        p->n_reported = (size_t)found[1];
    }
    return GRT_OK;
}

static grt_status load_widening(const profile_reader *r, grt_arithmetic arithmetic)
{
    const grt_widening_names *names = &grt_widening_names_of[arithmetic];
    grt_widening *w = &r->profile->widenings[arithmetic];
    size_t n = r->profile->n_layers - 1;
    const float *logits;
    if (!names->spreads || !grt_catalogue_get(r->catalogue, names->spreads))
        return GRT_OK;
    GRT_TRY(load(r, &(wanted_tensor){names->moves, n, 0, 0.0f, FLT_MAX}, &w->moves));
    GRT_TRY(load(r, &(wanted_tensor){names->shifts, n, 0, -SHIFT_MAX, SHIFT_MAX},
                 &w->shifts));
    GRT_TRY(load(
        r, &(wanted_tensor){names->logits, GRT_LOGIT_EFFECT_VALUES, 0, 0.0f, FLT_MAX},
        &logits));
    memcpy(&w->logits, logits, sizeof(w->logits));
    return load(r, &(wanted_tensor){names->spreads, n, 0, 0.0f, FLT_MAX}, &w->spreads);
}

static grt_status load_later_parts(const profile_reader *r)
{
    GRT_TRY(load_origin(r));
    for (int a = GRT_ARITHMETIC_F32; a < GRT_N_ARITHMETICS; a++)
        GRT_TRY(load_widening(r, (grt_arithmetic)a));
    return GRT_OK;
}

static grt_status read_tensors(const profile_reader *r,
                               const grt_checkpoint *checkpoint,
                               const grt_network *network)
{
    grt_profile *p = r->profile;
    size_t n = network->n_layers - 1;
    p->n_layers = network->n_layers;
    GRT_TRY(check_fingerprint(r, checkpoint));
    GRT_TRY(load_readouts(r, network));
    GRT_TRY(load(r, &(wanted_tensor){"biases", n, 0, -FLT_MAX, FLT_MAX}, &p->biases));
    GRT_TRY(load_boundaries(r, "spreads", &p->spreads));
    GRT_TRY(load_boundaries(r, "moves", &p->moves));
    GRT_TRY(load_grid(r, "precisions", 1.0f, &p->precisions, &p->n_precisions));
    GRT_TRY(load_grid(r, "ks", FLT_MAX, &p->ks, &p->n_ks));
    size_t rows = p->n_precisions, columns = p->n_ks;
    GRT_TRY(load(r, &(wanted_tensor){"margins", rows, columns, 0.0f, INFINITY},
                 &p->margins));
    GRT_TRY(load(r, &(wanted_tensor){"dispersions", rows, columns, 0.0f, INFINITY},
                 &p->dispersions));
    GRT_TRY(load(
        r, &(wanted_tensor){"first_layers", rows, columns, 0.0f, (float)GRT_MAX_LAYERS},
        &p->first_layers));
    return load_later_parts(r);
}

grt_status grt_profile_read(grt_profile *out, grt_file *file,
                            const grt_checkpoint *checkpoint,
                            const grt_network *network, grt_error *err)
{
    grt_catalogue catalogue = {0};
    memset(out, 0, sizeof(*out));
    grt_status status = grt_safetensors_read(&catalogue, file, err);
    if (status == GRT_OK) status = grt_catalogue_finish(&catalogue, err);
    if (status == GRT_OK) {
        const char *path = grt_file_path(file);
        profile_reader reader = {out, &catalogue, grt_path_tail(path), err};
        status = read_tensors(&reader, checkpoint, network);
        if (status == GRT_OK)
            status =
                grt_arena_copy_text(&out->arena, &out->path, path, strlen(path), err);
    }
    grt_catalogue_release(&catalogue);
    if (status != GRT_OK) grt_profile_release(out);
    return status;
}

static grt_status read_profile(grt_profile *out, const grt_checkpoint *checkpoint,
                               const grt_network *network, const char *path,
                               grt_error *err)
{
    grt_file *file;
    GRT_TRY(grt_file_open(&file, path, err));
    return grt_profile_read(out, file, checkpoint, network, err);
}

grt_status grt_profile_open(grt_profile *out, const grt_checkpoint *checkpoint,
                            const grt_network *network, const char *path,
                            const char *home, grt_error *err)
{
    memset(out, 0, sizeof(*out));
    if (path && !path[0]) return GRT_OK;
    if (path) return read_profile(out, checkpoint, network, path, err);
    if (network->n_layers < 2) return GRT_OK;
    bool is_there = false;
    if (home) GRT_TRY(grt_path_find(&is_there, home, err));
    if (is_there) return read_profile(out, checkpoint, network, home, err);
    char *beside;
    GRT_TRY(path_beside(&beside, checkpoint, err));
    grt_status status = grt_path_find(&is_there, beside, err);
    if (status == GRT_OK && is_there)
        status = read_profile(out, checkpoint, network, beside, err);
    grt_free(beside);
    return status;
}

size_t grt_profile_count_queries(const char *path)
{
    grt_file *file;
    grt_catalogue catalogue = {0};
    size_t n = 0;
    if (grt_file_open(&file, path, NULL) != GRT_OK) return 0;
    if (grt_safetensors_read(&catalogue, file, NULL) == GRT_OK &&
        grt_catalogue_finish(&catalogue, NULL) == GRT_OK &&
        grt_catalogue_get(&catalogue, "readouts")) {
        grt_profile profile = {0};
        grt_error ignored;
        profile_reader reader = {&profile, &catalogue, path, &ignored};
        n = SIZE_MAX;
        if (load_origin(&reader) == GRT_OK && profile.n_fitted > 0)
            n = profile.n_fitted + profile.n_reported;
        grt_profile_release(&profile);
    }
    grt_catalogue_release(&catalogue);
    return n;
}

void grt_profile_release(grt_profile *profile)
{
    grt_arena_release(&profile->arena);
    memset(profile, 0, sizeof(*profile));
}

/* ---- Looking up ---- */

grt_readout grt_profile_readout(const grt_profile *profile, size_t boundary)
{
    size_t at = boundary - 1;
    return (grt_readout){profile->readouts + at * profile->n_features,
                         profile->n_features, profile->biases[at]};
}

static size_t row_of(const grt_profile *profile, float precision)
{
    size_t row = 0;
    while (row + 1 < profile->n_precisions &&
           profile->precisions[row] < precision - 1e-6f)
        row++;
    return row;
}

/* Neighbours of k in the grid. */
static void columns_of(const grt_profile *profile, size_t k, size_t *low, size_t *high)
{
    *high = 0;
    while (*high + 1 < profile->n_ks && profile->ks[*high] < (float)k)
        ++*high;
    bool is_between = *high > 0 && profile->ks[*high] > (float)k;
    *low = is_between ? *high - 1 : *high;
}

float grt_profile_margin(const grt_profile *profile, float precision, size_t k)
{
    size_t low, high;
    columns_of(profile, k, &low, &high);
    const float *row = profile->margins + row_of(profile, precision) * profile->n_ks;
    return row[low] > row[high] ? row[low] : row[high];
}

void grt_profile_cluster(const grt_profile *profile, float precision, size_t k,
                         float *dispersion, size_t *first_layer)
{
    size_t low, high;
    columns_of(profile, k, &low, &high);
    size_t at = row_of(profile, precision) * profile->n_ks;
    const float *dispersions = profile->dispersions + at;
    const float *first_layers = profile->first_layers + at;
    size_t best = dispersions[low] > dispersions[high] ? low : high;
    float layer =
        first_layers[low] > first_layers[high] ? first_layers[low] : first_layers[high];
    *dispersion = dispersions[best];
    *first_layer = layer >= 1.0f ? (size_t)layer : 1;
}
