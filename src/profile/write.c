/* write.c - see write.h. */
#include "profile/write.h"

#include "base/memory.h"
#include "io/output.h"
#include "profile/widening.h"

#include <jansson.h>
#include <stdio.h>

typedef struct tensor {
    const char *name;
    const float *values;
    size_t rows;
    size_t columns; /* 0: a vector */
} tensor;

enum {
    N_OWN = 13,
    N_OF_WIDENING = 4,
    MAX_TENSORS = N_OWN + N_OF_WIDENING * GRT_N_ARITHMETICS,
    HEADER_ALIGNMENT = 8
};

typedef struct tensors {
    tensor list[MAX_TENSORS];
    size_t n;
} tensors;

static void add(tensors *all, const char *name, const float *values, size_t rows,
                size_t columns)
{
    all->list[all->n++] = (tensor){name, values, rows, columns};
}

static size_t n_bytes_of(const tensor *t)
{
    return t->rows * (t->columns ? t->columns : 1) * sizeof(float);
}

/* The JSON object of a safetensors header; NULL when memory runs out.  Its metadata are
 * for people; what is read stands in tensors. */
static json_t *header_of(const tensors *all, const grt_profile *p,
                         const grt_network *network)
{
    json_t *header = json_object();
    const char *arithmetic =
        p->arithmetic ? grt_arithmetic_text(p->arithmetic) : "not known";
    char fitted[32], reported[32];
    (void)snprintf(fitted, sizeof(fitted), "%zu", p->n_fitted);
    (void)snprintf(reported, sizeof(reported), "%zu", p->n_reported);
    int bad = json_object_set_new(
        header, "__metadata__",
        json_pack("{s:s, s:s, s:s, s:s, s:s}", "format", "grating profile 2",
                  "architecture", network->architecture->name, "arithmetic", arithmetic,
                  "queries_fitted", fitted, "queries_reported", reported));
    size_t offset = 0;
    for (size_t i = 0; i < all->n && !bad; i++) {
        const tensor *t = &all->list[i];
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
                              const tensors *all, grt_error *err)
{
    static const char spaces[HEADER_ALIGNMENT] = "        ";
    size_t n_spaces = (HEADER_ALIGNMENT - n % HEADER_ALIGNMENT) % HEADER_ALIGNMENT;
    uint64_t length = n + n_spaces, offset = sizeof(length);
    GRT_TRY(grt_output_write(output, 0, &length, sizeof(length), err));
    GRT_TRY(grt_output_write(output, offset, header, n, err));
    GRT_TRY(grt_output_write(output, offset + n, spaces, n_spaces, err));
    offset += length;
    for (size_t i = 0; i < all->n; i++) {
        const tensor *t = &all->list[i];
        GRT_TRY(grt_output_write(output, offset, t->values, n_bytes_of(t), err));
        offset += n_bytes_of(t);
    }
    return grt_output_commit(output, err);
}

static void add_widenings(tensors *all, const grt_profile *p)
{
    size_t n = p->n_layers - 1;
    for (int a = GRT_ARITHMETIC_F32; a < GRT_N_ARITHMETICS; a++) {
        const grt_widening_names *names = &grt_widening_names_of[a];
        const grt_widening *w = &p->widenings[a];
        if (!w->spreads) continue;
        add(all, names->spreads, w->spreads, n, 0);
        add(all, names->moves, w->moves, n, 0);
        add(all, names->shifts, w->shifts, n, 0);
        add(all, names->logits, &w->logits.n_pairs, GRT_LOGIT_EFFECT_VALUES, 0);
    }
}

grt_status grt_profile_write(const grt_profile *p, const grt_fingerprint *fingerprint,
                             const grt_network *network, const char *path,
                             grt_error *err)
{
    size_t n = p->n_layers - 1;
    const float arithmetic = (float)p->arithmetic;
    const float queries[2] = {(float)p->n_fitted, (float)p->n_reported};
    float weights[GRT_FINGERPRINT_WORDS];
    tensors all = {.n = 0};
    grt_fingerprint_words(fingerprint->weights, weights);
    add(&all, "fingerprint", fingerprint->words, GRT_FINGERPRINT_WORDS, 0);
    add(&all, "weights", weights, GRT_FINGERPRINT_WORDS, 0);
    add(&all, "arithmetic", &arithmetic, 1, 0);
    add(&all, "queries", queries, 2, 0);
    add(&all, "readouts", p->readouts, n, p->n_features);
    add(&all, "biases", p->biases, n, 0);
    add(&all, "spreads", p->spreads + 1, n, 0);
    add(&all, "moves", p->moves + 1, n, 0);
    add(&all, "precisions", p->precisions, p->n_precisions, 0);
    add(&all, "ks", p->ks, p->n_ks, 0);
    add(&all, "margins", p->margins, p->n_precisions, p->n_ks);
    add(&all, "dispersions", p->dispersions, p->n_precisions, p->n_ks);
    add(&all, "first_layers", p->first_layers, p->n_precisions, p->n_ks);
    add_widenings(&all, p);
    json_t *header = header_of(&all, p, network);
    size_t n_header = header ? json_dumpb(header, NULL, 0, JSON_COMPACT) : 0;
    char *text = NULL;
    grt_output *output = NULL;
    grt_status status = grt_alloc(&text, n_header, "a profile's header", err);
    if (status == GRT_OK && json_dumpb(header, text, n_header, JSON_COMPACT) == 0)
        status =
            grt_error_set(err, GRT_E_NO_MEMORY, -1, "no memory for a profile's header");
    if (status == GRT_OK) status = grt_output_create(&output, path, err);
    if (status == GRT_OK) status = write_parts(output, text, n_header, &all, err);
    grt_output_close(output);
    grt_free(text);
    json_decref(header);
    return status;
}
