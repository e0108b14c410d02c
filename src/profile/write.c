/* write.c - see write.h. */
#include "profile/write.h"

#include "base/memory.h"
#include "io/output.h"

#include <jansson.h>
#include <stdio.h>

typedef struct tensor {
    const char *name;
    const float *values;
    size_t rows;
    size_t columns; /* 0: a vector */
} tensor;

enum { N_TENSORS = 11, HEADER_ALIGNMENT = 8 };

static size_t n_bytes_of(const tensor *t)
{
    return t->rows * (t->columns ? t->columns : 1) * sizeof(float);
}

/* The JSON object of a safetensors header; NULL when memory runs out. */
static json_t *header_of(const tensor *tensors, const grt_network *network,
                         size_t n_fitted, size_t n_reported)
{
    json_t *header = json_object();
    char fitted[32], reported[32];
    (void)snprintf(fitted, sizeof(fitted), "%zu", n_fitted);
    (void)snprintf(reported, sizeof(reported), "%zu", n_reported);
    int bad = json_object_set_new(
        header, "__metadata__",
        json_pack("{s:s, s:s, s:s, s:s}", "format", "grating profile 2", "architecture",
                  network->architecture->name, "queries_fitted", fitted,
                  "queries_reported", reported));
    size_t offset = 0;
    for (size_t i = 0; i < N_TENSORS && !bad; i++) {
        const tensor *t = &tensors[i];
        json_t *shape = t->columns ? json_pack("[I, I]", (json_int_t)t->rows,
                                               (json_int_t)t->columns)
                                   : json_pack("[I]", (json_int_t)t->rows);
        size_t end = offset + n_bytes_of(t);
        bad = json_object_set_new(header, t->name,
                                  json_pack("{s:s, s:o, s:[I, I]}", "dtype", "F32",
                                            "shape", shape, "data_offsets",
                                            (json_int_t)offset, (json_int_t)end));
        offset = end;
    }
    if (!bad) return header;
    json_decref(header);
    return NULL;
}

/* Eight bytes of length, the header filled up with spaces, then the tensors. */
static grt_status write_parts(grt_output *output, const char *header, size_t n,
                              const tensor *tensors, grt_error *err)
{
    static const char spaces[HEADER_ALIGNMENT] = "        ";
    size_t n_spaces = (HEADER_ALIGNMENT - n % HEADER_ALIGNMENT) % HEADER_ALIGNMENT;
    uint64_t length = n + n_spaces, offset = sizeof(length);
    GRT_TRY(grt_output_write(output, 0, &length, sizeof(length), err));
    GRT_TRY(grt_output_write(output, offset, header, n, err));
    GRT_TRY(grt_output_write(output, offset + n, spaces, n_spaces, err));
    offset += length;
    for (size_t i = 0; i < N_TENSORS; i++) {
        GRT_TRY(grt_output_write(output, offset, tensors[i].values,
                                 n_bytes_of(&tensors[i]), err));
        offset += n_bytes_of(&tensors[i]);
    }
    return grt_output_commit(output, err);
}

grt_status grt_profile_write(const grt_profile *p, const grt_fingerprint *fingerprint,
                             const grt_network *network, size_t n_fitted,
                             size_t n_reported, const char *path, grt_error *err)
{
    size_t n = p->n_layers - 1;
    float weights[GRT_FINGERPRINT_WORDS];
    grt_fingerprint_words(fingerprint->weights, weights);
    const tensor tensors[N_TENSORS] = {
        {"fingerprint", fingerprint->words, GRT_FINGERPRINT_WORDS, 0},
        {"weights", weights, GRT_FINGERPRINT_WORDS, 0},
        {"readouts", p->readouts, n, p->n_features},
        {"biases", p->biases, n, 0},
        {"spreads", p->spreads + 1, n, 0},
        {"moves", p->moves + 1, n, 0},
        {"precisions", p->precisions, p->n_precisions, 0},
        {"ks", p->ks, p->n_ks, 0},
        {"margins", p->margins, p->n_precisions, p->n_ks},
        {"dispersions", p->dispersions, p->n_precisions, p->n_ks},
        {"first_layers", p->first_layers, p->n_precisions, p->n_ks},
    };
    json_t *header = header_of(tensors, network, n_fitted, n_reported);
    size_t n_header = header ? json_dumpb(header, NULL, 0, JSON_COMPACT) : 0;
    char *text = NULL;
    grt_output *output = NULL;
    grt_status status = grt_alloc(&text, n_header, "a profile's header", err);
    if (status == GRT_OK && json_dumpb(header, text, n_header, JSON_COMPACT) == 0)
        status =
            grt_error_set(err, GRT_E_NO_MEMORY, -1, "no memory for a profile's header");
    if (status == GRT_OK) status = grt_output_create(&output, path, err);
    if (status == GRT_OK) status = write_parts(output, text, n_header, tensors, err);
    grt_output_close(output);
    grt_free(text);
    json_decref(header);
    return status;
}
