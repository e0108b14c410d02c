/* llama2c.h - reads a model in llama2.c's flat format (version 0) for tests.
 *
 * Seven little-endian int32 (dim, hidden, layers, heads, kv heads, vocabulary -
 * negative when the classifier is not the embedding -, longest sequence), then float32
 * tensors without any padding in the order of the struct below.  Rotary embedding turns
 * neighbouring components (2i, 2i + 1) by position * 10000^(-2i/head): not the
 * half-split layout.  RMSNorm's epsilon is 1e-5. */
#ifndef TESTS_GOLDEN_LLAMA2C_H
#define TESTS_GOLDEN_LLAMA2C_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* kv = n_kv_heads * head_size; all pointers lead into data. */
typedef struct llama2c {
    size_t dim, ffn_size, n_layers, n_heads, n_kv_heads, vocab_size, max_tokens;
    size_t head_size; /* dim / n_heads */
    bool has_own_classifier;
    const float *embedding;  /* [vocab_size][dim] */
    const float *att_norm;   /* [n_layers][dim] */
    const float *query;      /* [n_layers][dim][dim] */
    const float *key;        /* [n_layers][kv][dim] */
    const float *value;      /* [n_layers][kv][dim] */
    const float *output;     /* [n_layers][dim][dim] */
    const float *ffn_norm;   /* [n_layers][dim] */
    const float *gate;       /* [n_layers][ffn_size][dim] */
    const float *down;       /* [n_layers][dim][ffn_size] */
    const float *up;         /* [n_layers][ffn_size][dim] */
    const float *final_norm; /* [dim] */
    const float *cosine;     /* [max_tokens][head_size / 2], tables that nobody needs */
    const float *sine;       /* [max_tokens][head_size / 2] */
    const float *classifier; /* [vocab_size][dim] the embedding unless it has its own */
    float *data;
} llama2c;

static inline const float *llama2c_take(size_t *at, const float *data, size_t n)
{
    const float *here = data + *at;
    *at += n;
    return here;
}

/* Gives every tensor its place; returns how many floats the file must hold. */
static inline size_t llama2c_lay_out(llama2c *m)
{
    size_t at = 0, d = m->dim, n = m->n_layers, kv = m->n_kv_heads * m->head_size;
    size_t table = m->max_tokens * (m->head_size / 2);
    m->embedding = llama2c_take(&at, m->data, m->vocab_size * d);
    m->att_norm = llama2c_take(&at, m->data, n * d);
    m->query = llama2c_take(&at, m->data, n * d * d);
    m->key = llama2c_take(&at, m->data, n * kv * d);
    m->value = llama2c_take(&at, m->data, n * kv * d);
    m->output = llama2c_take(&at, m->data, n * d * d);
    m->ffn_norm = llama2c_take(&at, m->data, n * d);
    m->gate = llama2c_take(&at, m->data, n * m->ffn_size * d);
    m->down = llama2c_take(&at, m->data, n * d * m->ffn_size);
    m->up = llama2c_take(&at, m->data, n * m->ffn_size * d);
    m->final_norm = llama2c_take(&at, m->data, d);
    m->cosine = llama2c_take(&at, m->data, table);
    m->sine = llama2c_take(&at, m->data, table);
    m->classifier = m->embedding;
    if (m->has_own_classifier)
        m->classifier = llama2c_take(&at, m->data, m->vocab_size * d);
    return at;
}

static inline bool llama2c_read_header(llama2c *m, FILE *file)
{
    int32_t head[7];
    if (fread(head, sizeof(head), 1, file) != 1) return false;
    m->has_own_classifier = head[5] < 0;
    if (head[5] < 0) head[5] = -head[5];
    for (int i = 0; i < 7; i++)
        if (head[i] <= 0 || head[i] > 1 << 16) return false;
    m->dim = (size_t)head[0];
    m->ffn_size = (size_t)head[1];
    m->n_layers = (size_t)head[2];
    m->n_heads = (size_t)head[3];
    m->n_kv_heads = (size_t)head[4];
    m->vocab_size = (size_t)head[5];
    m->max_tokens = (size_t)head[6];
    m->head_size = m->dim / m->n_heads;
    return m->dim % m->n_heads == 0 && m->n_heads % m->n_kv_heads == 0;
}

/* False when the file is missing, or its size is not what its header says. */
static inline bool llama2c_open(llama2c *m, const char *path)
{
    memset(m, 0, sizeof(*m));
    FILE *file = fopen(path, "rb");
    if (!file) return false;
    long start = 0, end = 0;
    bool ok = llama2c_read_header(m, file) && (start = ftell(file)) > 0 &&
              !fseek(file, 0, SEEK_END) && (end = ftell(file)) >= start &&
              !fseek(file, start, SEEK_SET);
    size_t n = ok ? (size_t)(end - start) / sizeof(float) : 0;
    m->data = malloc(n * sizeof(float) + 1);
    ok = ok && m->data && fread(m->data, sizeof(float), n, file) == n;
    fclose(file);
    if (ok && llama2c_lay_out(m) == n) return true;
    free(m->data);
    memset(m, 0, sizeof(*m));
    return false;
}

static inline void llama2c_close(llama2c *m)
{
    free(m->data);
    memset(m, 0, sizeof(*m));
}

#endif /* TESTS_GOLDEN_LLAMA2C_H */
