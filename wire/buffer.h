/*
 * buffer.h - bytes that grow while something is written.
 *
 * Memory that is out sets `has_failed`, which stays: what is written after that is
 * dropped, and only the end has to look.  One thread at a time.
 */
#ifndef WIRE_BUFFER_H
#define WIRE_BUFFER_H

#include "wire/text.h"

typedef struct wire_buffer {
    char *data; /* [bytes], no NUL behind them; owned */
    size_t bytes;
    size_t capacity;
    int has_failed;
    /* Takes what was written whenever that is much, so that memory does not grow with
     * the text; NULL: all of it stays until the end. */
    void (*drain)(const char *data, size_t bytes, void *payload);
    void *payload;
} wire_buffer;

/* A buffer that is all zeros is empty. */
void wire_put(wire_buffer *buffer, const char *data, size_t bytes);
void wire_put_string(wire_buffer *buffer, const char *text);
void wire_printf(wire_buffer *buffer, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
/* A text made harmless for a format; see text.h.  Numbers are no formulas. */
void wire_put_text(wire_buffer *buffer, wire_format format, const char *text,
                   size_t bytes);
/* Forgets what was written, has_failed too, and keeps the memory. */
void wire_clear(wire_buffer *buffer);
void wire_release(wire_buffer *buffer);

#endif
