/* window.h - the bytes of the layer that computes, in storage type.
 *
 * The layer loop asks for its layer, uses it, and releases it:
 *
 *     absent --acquire--> held --release--> loaded --acquire--> held ...
 *
 * A layer is a list of byte ranges in files ("parts"), one per tensor, laid out in one
 * slot with each part aligned to 64 bytes.  This window keeps every layer that it has
 * read. */
#ifndef GRT_STREAM_WINDOW_H
#define GRT_STREAM_WINDOW_H

#include "io/file.h"

typedef struct grt_part {
    const grt_file *file;
    uint64_t offset;
    size_t n_bytes;
} grt_part;

typedef struct grt_layer_plan {
    const grt_part *parts; /* [n_parts], kept */
    size_t n_parts;
} grt_layer_plan;

/* One thread at a time. */
typedef struct grt_window grt_window;

/* `layers` is kept and must outlive the window. */
GRT_NODISCARD grt_status grt_window_create(grt_window **out,
                                           const grt_layer_plan *layers,
                                           size_t n_layers, grt_error *err);

/* Waits for the layer's bytes; (*parts)[i] is the start of part i, valid until release.
 * GRT_E_IO and GRT_E_FORMAT leave the window usable. */
GRT_NODISCARD grt_status grt_window_acquire(grt_window *window, size_t layer,
                                            const void *const **parts, grt_error *err);
void grt_window_release(grt_window *window, size_t layer);

/* Bytes read from files since create. */
uint64_t grt_window_bytes_read(const grt_window *window);

void grt_window_free(grt_window *window);

#endif /* GRT_STREAM_WINDOW_H */
