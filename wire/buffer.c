/* buffer.c - bytes that grow while something is written. */
#include "wire/buffer.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Makes room for `bytes` more; 0 when memory is out. */
static int reserve(wire_buffer *buffer, size_t bytes)
{
    enum { FIRST = 1024, MUCH = 65536 };
    if (buffer->has_failed) return 0;
    if (buffer->drain && buffer->bytes >= MUCH) {
        buffer->drain(buffer->data, buffer->bytes, buffer->payload);
        buffer->bytes = 0;
    }
    if (bytes <= buffer->capacity - buffer->bytes) return 1;
    size_t capacity = buffer->capacity ? buffer->capacity : FIRST;
    while (capacity - buffer->bytes < bytes && capacity <= SIZE_MAX / 2)
        capacity *= 2;
    char *data =
        capacity - buffer->bytes < bytes ? NULL : realloc(buffer->data, capacity);
    if (!data) {
        buffer->has_failed = 1;
        return 0;
    }
    buffer->data = data;
    buffer->capacity = capacity;
    return 1;
}

void wire_put(wire_buffer *buffer, const char *data, size_t bytes)
{
    if (bytes == 0 || !reserve(buffer, bytes)) return;
    memcpy(buffer->data + buffer->bytes, data, bytes);
    buffer->bytes += bytes;
}

void wire_put_string(wire_buffer *buffer, const char *text)
{
    wire_put(buffer, text, strlen(text));
}

void wire_printf(wire_buffer *buffer, const char *format, ...)
{
    va_list arguments, again;
    va_start(arguments, format);
    va_copy(again, arguments);
    int length = vsnprintf(NULL, 0, format, arguments);
    va_end(arguments);
    if (length < 0) buffer->has_failed = 1;
    if (length >= 0 && reserve(buffer, (size_t)length + 1)) {
        vsnprintf(buffer->data + buffer->bytes, (size_t)length + 1, format, again);
        buffer->bytes += (size_t)length;
    }
    va_end(again);
}

void wire_put_text(wire_buffer *buffer, wire_format format, const char *text,
                   size_t bytes)
{
    int is_number = format == WIRE_TSV && wire_is_number(text, bytes);
    for (size_t i = 0; i < bytes;) {
        char escaped[WIRE_ESCAPED_MAX];
        uint32_t point;
        int is_first = i == 0 && !is_number;
        i += wire_decode(text + i, bytes - i, &point);
        wire_put(buffer, escaped, wire_escape(escaped, format, point, is_first));
    }
}

void wire_clear(wire_buffer *buffer)
{
    buffer->bytes = 0;
    buffer->has_failed = 0;
}

void wire_release(wire_buffer *buffer)
{
    free(buffer->data);
    *buffer = (wire_buffer){0};
}
