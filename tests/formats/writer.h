/* writer.h - a byte buffer and the pieces of GGUF and safetensors files, for tests.
 *
 * Writers write what they are told, also nonsense. */
#ifndef GRT_TESTS_FORMATS_WRITER_H
#define GRT_TESTS_FORMATS_WRITER_H

#include <stdint.h>
#include <stdio.h>
#include <string.h>

typedef struct writer {
    unsigned char data[8192];
    size_t size;
} writer;

static inline void put(writer *w, const void *bytes, size_t n)
{
    if (n > sizeof(w->data) - w->size) n = sizeof(w->data) - w->size;
    if (n) memcpy(w->data + w->size, bytes, n);
    w->size += n;
}

static inline void put_le(writer *w, uint64_t value, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        unsigned char byte = (unsigned char)(value >> (8 * i));
        put(w, &byte, 1);
    }
}

static inline void put_text(writer *w, const char *text)
{
    put_le(w, strlen(text), 8);
    put(w, text, strlen(text));
}

static inline void put_zeros(writer *w, size_t n)
{
    while (n-- > 0)
        put_le(w, 0, 1);
}

static inline void gguf_start(writer *w, uint32_t version, uint64_t n_tensors,
                              uint64_t n_keys)
{
    w->size = 0;
    put(w, "GGUF", 4);
    put_le(w, version, 4);
    put_le(w, n_tensors, 8);
    put_le(w, n_keys, 8);
}

/* A key and its value type; the value follows. */
static inline void gguf_key(writer *w, const char *key, uint32_t type)
{
    put_text(w, key);
    put_le(w, type, 4);
}

/* A key of an array; the elements follow. */
static inline void gguf_array(writer *w, const char *key, uint32_t type, uint64_t n)
{
    gguf_key(w, key, 9);
    put_le(w, type, 4);
    put_le(w, n, 8);
}

/* dims[n_dims], innermost first as in the file. */
static inline void gguf_tensor(writer *w, const char *name, uint32_t n_dims,
                               const uint64_t *dims, uint32_t type, uint64_t offset)
{
    put_text(w, name);
    put_le(w, n_dims, 4);
    for (uint32_t i = 0; i < n_dims; i++)
        put_le(w, dims[i], 8);
    put_le(w, type, 4);
    put_le(w, offset, 8);
}

/* Ends the header and writes n payload bytes. */
static inline void gguf_data(writer *w, size_t alignment, size_t n)
{
    while (w->size % alignment != 0)
        put_le(w, 0, 1);
    put_zeros(w, n);
}

static inline void safetensors_file(writer *w, const char *header, size_t n_data)
{
    w->size = 0;
    put_text(w, header);
    put_zeros(w, n_data);
}

#endif /* GRT_TESTS_FORMATS_WRITER_H */
