/* window.h - the bytes of the layers that compute next, in storage type.
 *
 * A window has slots; a reader thread fills them while the caller computes.  With fewer
 * slots than layers the last n_slots - 2 layers have slots of their own and stay loaded
 * between passes; the layers before them take turns in two rolling slots.  In a single
 * slot all take turns, and nothing is read while a layer computes.
 *
 *     grt_window_begin(w, first);
 *     for each layer i from `first` on: acquire(i), compute, release(i)
 *     grt_window_end(w);            (also early: what is being read is cancelled)
 *
 * A layer is a list of byte ranges in files ("parts"), one per tensor. */
#ifndef GRT_STREAM_WINDOW_H
#define GRT_STREAM_WINDOW_H

#include "base/stop.h"
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

typedef struct grt_window_options {
    size_t n_slots; /* 1 or more; n_layers or more: all stay */
    bool is_direct; /* bypass the page cache where the file allows */
} grt_window_options;

typedef struct grt_window_counters { /* since create */
    uint64_t bytes_read;
    uint64_t read_ns; /* the reader was reading */
    uint64_t wait_ns; /* the caller waited for it */
} grt_window_counters;

/* One thread at a time (the reader thread is its own). */
typedef struct grt_window grt_window;

/* Memory that a window with so many slots takes; SIZE_MAX when it cannot be counted. */
size_t grt_window_bytes(const grt_layer_plan *layers, size_t n_layers, size_t n_slots);

/* Allocates all slots.  `layers` is kept and must outlive the window. */
GRT_NODISCARD grt_status grt_window_create(grt_window **out,
                                           const grt_layer_plan *layers,
                                           size_t n_layers,
                                           const grt_window_options *options,
                                           grt_error *err);

/* Starts a pass from layer `first` on: asks for its first layers and returns at once.
 */
void grt_window_begin(grt_window *window, size_t first);

/* Goes on with the pass at hand when `layer` comes next in it; else ends it and begins
 * one there.  No layer is held. */
void grt_window_seek(grt_window *window, size_t layer);

/* Waits for the layer's bytes; (*parts)[i] is the start of part i, valid until release.
 * Within a pass layers are acquired in rising order, each once; one is held at a time.
 * GRT_E_IO and GRT_E_FORMAT ("layer 7: ...") leave the window usable: end the pass.  So
 * does GRT_E_CANCELLED, within a MiB that is read of when `stop` (may be NULL) was
 * asked for. */
GRT_NODISCARD grt_status grt_window_acquire(grt_window *window, size_t layer,
                                            const grt_stop *stop,
                                            const void *const **parts, grt_error *err);
void grt_window_release(grt_window *window, size_t layer);

/* Ends a pass, also in its middle or after a failed acquire; reads under way are
 * cancelled.  What is loaded stays for the next pass.  Nothing outside a pass. */
void grt_window_end(grt_window *window);

grt_window_counters grt_window_count(const grt_window *window);

void grt_window_free(grt_window *window);

#endif /* GRT_STREAM_WINDOW_H */
