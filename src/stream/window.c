/* window.c - see window.h.
 *
 * Invariants:
 *   1. A slot is either absent (memory NULL) or holds all bytes of its layer.
 *   2. At most one layer is held at a time; only a loaded layer is held.
 *   3. A failed read leaves its slot absent and the window as it was. */
#include "stream/window.h"

#include "base/checked.h"
#include "base/memory.h"

#include <assert.h>

enum { PART_ALIGNMENT = 64 };
#define NO_LAYER SIZE_MAX

typedef struct slot {
    unsigned char *memory; /* NULL: absent */
    const void **parts;    /* [n_parts] into memory */
} slot;

struct grt_window {
    const grt_layer_plan *layers;
    size_t n_layers;
    slot *slots; /* [n_layers] */
    size_t held_layer;
    uint64_t bytes_read;
};

grt_status grt_window_create(grt_window **out, const grt_layer_plan *layers,
                             size_t n_layers, grt_error *err)
{
    grt_window *window;
    GRT_TRY(grt_alloc_array(&window, 1, sizeof(*window), "the layer window", err));
    window->layers = layers;
    window->n_layers = n_layers;
    window->held_layer = NO_LAYER;
    grt_status status = grt_alloc_array(&window->slots, n_layers,
                                        sizeof(*window->slots), "layer slots", err);
    if (status != GRT_OK) {
        grt_window_free(window);
        return status;
    }
    *out = window;
    return GRT_OK;
}

static void slot_clear(slot *s)
{
    grt_free(s->memory);
    grt_free(s->parts);
    s->memory = NULL;
    s->parts = NULL;
}

/* Bytes of a slot with every part aligned; the part offsets follow the same walk. */
static bool slot_bytes(const grt_layer_plan *plan, size_t *out)
{
    size_t total = 0;
    for (size_t i = 0; i < plan->n_parts; i++) {
        size_t padded;
        if (!grt_add_size(&padded, plan->parts[i].n_bytes, PART_ALIGNMENT - 1) ||
            !grt_add_size(&total, total, padded - padded % PART_ALIGNMENT))
            return false;
    }
    *out = total;
    return true;
}

static grt_status slot_read(slot *s, const grt_layer_plan *plan, uint64_t *bytes_read,
                            grt_error *err)
{
    size_t offset = 0;
    for (size_t i = 0; i < plan->n_parts; i++) {
        const grt_part *part = &plan->parts[i];
        s->parts[i] = s->memory + offset;
        GRT_TRY(grt_file_read_at(part->file, part->offset, s->memory + offset,
                                 part->n_bytes, err));
        *bytes_read += part->n_bytes;
        offset += part->n_bytes + PART_ALIGNMENT - 1;
        offset -= offset % PART_ALIGNMENT;
    }
    return GRT_OK;
}

static grt_status slot_load(slot *s, const grt_layer_plan *plan, uint64_t *bytes_read,
                            grt_error *err)
{
    size_t n_bytes;
    if (!slot_bytes(plan, &n_bytes))
        GRT_FAIL(err, GRT_E_NO_MEMORY, "a layer is too large for memory");
    GRT_TRY(grt_alloc(&s->memory, n_bytes, "a layer's weights", err));
    grt_status status = grt_alloc_array(&s->parts, plan->n_parts, sizeof(*s->parts),
                                        "a layer's parts", err);
    if (status == GRT_OK) status = slot_read(s, plan, bytes_read, err);
    if (status != GRT_OK) slot_clear(s);
    return status;
}

grt_status grt_window_acquire(grt_window *window, size_t layer,
                              const void *const **parts, grt_error *err)
{
    assert(layer < window->n_layers);
    assert(window->held_layer == NO_LAYER);
    slot *s = &window->slots[layer];
    if (!s->memory) {
        grt_status status =
            slot_load(s, &window->layers[layer], &window->bytes_read, err);
        if (status != GRT_OK) {
            grt_error_prepend(err, "layer %zu", layer);
            return status;
        }
    }
    window->held_layer = layer;
    *parts = s->parts;
    return GRT_OK;
}

void grt_window_release(grt_window *window, size_t layer)
{
    assert(window->held_layer == layer);
    (void)layer;
    window->held_layer = NO_LAYER;
}

uint64_t grt_window_bytes_read(const grt_window *window)
{
    return window->bytes_read;
}

void grt_window_free(grt_window *window)
{
    if (!window) return;
    for (size_t i = 0; window->slots && i < window->n_layers; i++)
        slot_clear(&window->slots[i]);
    grt_free(window->slots);
    grt_free(window);
}
