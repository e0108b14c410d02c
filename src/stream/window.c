/* window.c - see window.h.
 *
 * A slot goes round
 *
 *     empty --submit--> reading --the job is done--> loaded <--acquire, release--> held
 *       ^                  |                           |
 *       +------------------+---- failed, cancelled, or given to another layer
 *
 * and only the caller's thread moves it: the reader writes a slot's memory and its
 * job's result, and the caller learns of it when it waits or cancels.
 *
 * Invariants:
 *   1. A slot is empty if and only if it has no layer; otherwise its layer is one that
 *      belongs in it (slot_of_layer) and fits.
 *   2. A slot's job is queued or running only while the slot is reading: nobody writes
 *      into a slot that is empty, loaded or held.
 *   3. The memory of a loaded or held slot holds every byte of its layer.
 *   4. At most one slot is held, that of held_layer, and only within a pass.
 *   5. Outside a pass no slot is reading.
 *   6. Within a pass every slot holds or reads the first of its layers that is still to
 *      come, but for the held slot and one whose read failed: the reader has work
 *      whenever there is room for it. */
#include "stream/window.h"

#include "base/checked.h"
#include "base/clock.h"
#include "base/memory.h"
#include "stream/reader.h"

#include <assert.h>
#include <stdatomic.h>

#define NO_LAYER SIZE_MAX
enum {
    PAGE = GRT_DIRECT_ALIGNMENT,
    PIECE_BYTES = 1 << 20, /* read between two looks at whether to stop */
    STOP_POLL_NS = 10000000,
    JOINED_GAP = 64 << 10, /* reading so many bytes in vain costs less than a read */
    MOST_ROLLING_SLOTS = 2,
    BLOCK_HEADER = 64 /* that a block takes beyond its size (memory.h) */
};

/* One stretch of a file, in whole pages where the file has them. */
typedef struct span {
    const grt_file *file;
    uint64_t offset;
    uint64_t n_bytes; /* ends at the file's end, or past it where a part does */
    size_t place;     /* of its first byte in the slot, a multiple of PAGE */
} span;

/* How a layer lies in its slot. */
typedef struct layout {
    span *spans;
    size_t n_spans;
    size_t *places; /* [n_parts] of the parts' first bytes */
    size_t n_bytes; /* of the slot, whole pages */
} layout;

typedef enum slot_state { SLOT_EMPTY, SLOT_READING, SLOT_LOADED, SLOT_HELD } slot_state;

typedef struct slot {
    grt_window *window;
    void *block;
    unsigned char *memory; /* the first page in block */
    size_t n_bytes;
    size_t layer; /* NO_LAYER: empty */
    slot_state state;
    grt_job job;
} slot;

struct grt_window {
    /* set at creation */
    const grt_layer_plan *layers;
    size_t n_layers;
    bool is_direct;
    layout *layouts;        /* [n_layers] */
    span *spans;            /* of all layers */
    size_t *places;         /* of all layers */
    size_t n_rolling;       /* layers that take turns */
    size_t n_rolling_slots; /* in so many slots; 0: no layer does */
    size_t n_slots;
    slot *slots;
    grt_reader *reader;
    /* the caller's */
    const void **parts; /* of the held layer */
    bool is_in_pass;
    size_t next_layer; /* of the pass, when none is held */
    size_t held_layer;
    uint64_t wait_ns;
    /* added to by the reader's thread */
    atomic_uint_fast64_t bytes_read;
    atomic_uint_fast64_t read_ns;
};

/* ---- Layout: which bytes are read into which place ---- */

static bool comes_before(const grt_part *parts, size_t a, size_t b)
{
    if (parts[a].file != parts[b].file)
        return (uintptr_t)parts[a].file < (uintptr_t)parts[b].file;
    if (parts[a].offset != parts[b].offset) return parts[a].offset < parts[b].offset;
    return a < b;
}

/* The part that follows `previous` (n_parts: none yet) by file and offset, or n_parts.
 * Quadratic over a dozen parts, and needs no memory to count memory with. */
static size_t next_part(const grt_layer_plan *plan, size_t previous)
{
    size_t best = plan->n_parts;
    for (size_t i = 0; i < plan->n_parts; i++) {
        if (previous < plan->n_parts && !comes_before(plan->parts, previous, i))
            continue;
        if (best == plan->n_parts || comes_before(plan->parts, i, best)) best = i;
    }
    return best;
}

/* Makes s end where the file has a whole page, or at its end; a part past the end keeps
 * its own, so that reading it says "truncated". */
static bool round_end(span *s)
{
    uint64_t size = grt_file_size(s->file), end, whole;
    if (!grt_add_u64(&end, s->offset, s->n_bytes) ||
        !grt_add_u64(&whole, end, PAGE - 1))
        return false;
    whole -= whole % PAGE;
    if (end < size) s->n_bytes = (whole < size ? whole : size) - s->offset;
    return true;
}

static bool add_room(size_t *n_bytes, const span *s)
{
    size_t whole;
    if (s->n_bytes > SIZE_MAX || !grt_add_size(&whole, (size_t)s->n_bytes, PAGE - 1) ||
        !grt_add_size(n_bytes, *n_bytes, whole - whole % PAGE))
        return false;
    return true;
}

/* Fills out, with spans and places where it has arrays for them.  False: too large. */
static bool lay_out(layout *out, const grt_layer_plan *plan)
{
    span s = {0};
    out->n_spans = 0;
    out->n_bytes = 0;
    size_t i = next_part(plan, plan->n_parts);
    while (i < plan->n_parts) {
        s.file = plan->parts[i].file;
        s.offset = plan->parts[i].offset - plan->parts[i].offset % PAGE;
        s.n_bytes = 0;
        s.place = out->n_bytes;
        for (; i < plan->n_parts; i = next_part(plan, i)) {
            const grt_part *part = &plan->parts[i];
            if (part->file != s.file) break;
            uint64_t start = part->offset - s.offset, end;
            if (start > s.n_bytes && start - s.n_bytes >= JOINED_GAP) break;
            if (!grt_add_u64(&end, start, part->n_bytes) || start > SIZE_MAX)
                return false;
            if (end > s.n_bytes) s.n_bytes = end;
            if (out->places) out->places[i] = s.place + (size_t)start;
        }
        if (!round_end(&s) || !add_room(&out->n_bytes, &s)) return false;
        if (out->spans) out->spans[out->n_spans] = s;
        out->n_spans++;
    }
    return true;
}

/* ---- Sizes ---- */

/* What a window of n_slots comes to. */
typedef struct sizes {
    size_t n_slots; /* no more than layers */
    size_t n_rolling, n_rolling_slots;
    size_t n_parts; /* of all layers */
    size_t max_parts;
    size_t rolling_bytes; /* of one rolling slot */
    size_t slot_bytes;    /* of all slots, with what aligning them takes */
} sizes;

static bool add_slot(size_t *total, size_t n_bytes)
{
    return grt_add_size(total, *total, n_bytes) && grt_add_size(total, *total, PAGE);
}

static bool measure(sizes *out, const grt_layer_plan *layers, size_t n_layers,
                    size_t n_slots)
{
    *out = (sizes){.n_slots = n_slots < n_layers ? n_slots : n_layers};
    if (n_slots == 0) return false;
    if (n_slots < n_layers) {
        out->n_rolling_slots =
            n_slots < MOST_ROLLING_SLOTS ? n_slots : MOST_ROLLING_SLOTS;
        out->n_rolling = n_layers - (n_slots - out->n_rolling_slots);
    }
    for (size_t i = 0; i < n_layers; i++) {
        layout l = {0};
        if (!lay_out(&l, &layers[i])) return false;
        if (i >= out->n_rolling) {
            if (!add_slot(&out->slot_bytes, l.n_bytes)) return false;
        } else if (l.n_bytes > out->rolling_bytes)
            out->rolling_bytes = l.n_bytes;
        if (!grt_add_size(&out->n_parts, out->n_parts, layers[i].n_parts)) return false;
        if (layers[i].n_parts > out->max_parts) out->max_parts = layers[i].n_parts;
    }
    for (size_t i = 0; i < out->n_rolling_slots; i++)
        if (!add_slot(&out->slot_bytes, out->rolling_bytes)) return false;
    return true;
}

static bool add_array(size_t *total, size_t count, size_t size)
{
    size_t n_bytes;
    return grt_mul_size(&n_bytes, count, size) && grt_add_size(total, *total, n_bytes);
}

size_t grt_window_bytes(const grt_layer_plan *layers, size_t n_layers, size_t n_slots)
{
    sizes counted;
    if (!measure(&counted, layers, n_layers, n_slots)) return SIZE_MAX;
    size_t total = counted.slot_bytes;
    /* PAGE: the reader, and the headers of the other blocks */
    if (!add_array(&total, 1, sizeof(grt_window) + PAGE) ||
        !add_array(&total, counted.n_slots, sizeof(slot) + BLOCK_HEADER) ||
        !add_array(&total, n_layers, sizeof(layout)) ||
        !add_array(&total, counted.n_parts, sizeof(span) + sizeof(size_t)) ||
        !add_array(&total, counted.max_parts, sizeof(void *)))
        return SIZE_MAX;
    return total;
}

/* ---- Slots ---- */

static size_t slot_of_layer(const grt_window *window, size_t layer)
{
    if (window->n_rolling == 0) return layer;
    if (layer < window->n_rolling) return layer % window->n_rolling_slots;
    return window->n_rolling_slots + layer - window->n_rolling;
}

/* The first layer from `next` on that belongs in this slot, or NO_LAYER. */
static size_t wanted_layer(const grt_window *window, size_t slot_index, size_t next)
{
    size_t layer, n = window->n_rolling_slots;
    if (window->n_rolling == 0)
        layer = slot_index;
    else if (slot_index >= n)
        layer = window->n_rolling + slot_index - n;
    else {
        layer = next + (next + slot_index) % n;
        return layer < window->n_rolling ? layer : NO_LAYER;
    }
    return layer >= next ? layer : NO_LAYER;
}

static void check_invariants(const grt_window *window)
{
#ifndef NDEBUG
    size_t n_held = 0;
    for (size_t i = 0; i < window->n_slots; i++) {
        const slot *s = &window->slots[i];
        assert((s->state == SLOT_EMPTY) == (s->layer == NO_LAYER));
        assert(s->layer == NO_LAYER || slot_of_layer(window, s->layer) == i);
        assert(s->layer == NO_LAYER || window->layouts[s->layer].n_bytes <= s->n_bytes);
        assert(s->state == SLOT_READING ||
               !grt_reader_is_pending(window->reader, &s->job));
        assert(s->state != SLOT_HELD || s->layer == window->held_layer);
        assert(s->state != SLOT_READING || window->is_in_pass);
        n_held += s->state == SLOT_HELD;
    }
    assert(n_held == (window->held_layer != NO_LAYER));
    assert(window->held_layer == NO_LAYER || window->is_in_pass);
#else
    (void)window;
#endif
}

/* Once the job is over: the slot holds its layer or nothing. */
static grt_status slot_settle(slot *s)
{
    assert(s->state == SLOT_READING);
    grt_status status = grt_reader_wait(s->window->reader, &s->job);
    s->state = status == GRT_OK ? SLOT_LOADED : SLOT_EMPTY;
    if (status != GRT_OK) s->layer = NO_LAYER;
    return status;
}

static grt_status read_piece(const grt_window *window, const span *s, uint64_t at,
                             size_t n, unsigned char *dst, grt_error *err)
{
    if (!window->is_direct || s->offset + s->n_bytes > grt_file_size(s->file))
        return grt_file_read_at(s->file, s->offset + at, dst, n, err);
    size_t whole = n + PAGE - 1;
    return grt_file_read_direct(s->file, s->offset + at, dst, whole - whole % PAGE,
                                err);
}

static grt_status read_span(const slot *s, const span *from, grt_error *err)
{
    grt_window *window = s->window;
    for (uint64_t at = 0; at < from->n_bytes;) {
        if (grt_job_is_cancelled(&s->job)) return GRT_E_CANCELLED;
        uint64_t left = from->n_bytes - at;
        size_t n = left < PIECE_BYTES ? (size_t)left : PIECE_BYTES;
        GRT_TRY(read_piece(window, from, at, n, s->memory + from->place + at, err));
        atomic_fetch_add(&window->bytes_read, n);
        at += n;
    }
    return GRT_OK;
}

/* On the reader's thread. */
static grt_status read_layer(grt_job *job, grt_error *err)
{
    const slot *s = job->payload;
    const layout *l = &s->window->layouts[s->layer];
    uint64_t start = grt_clock_ns();
    grt_status status = GRT_OK;
    for (size_t i = 0; status == GRT_OK && i < l->n_spans; i++)
        status = read_span(s, &l->spans[i], err);
    atomic_fetch_add(&s->window->read_ns, grt_clock_ns() - start);
    return status;
}

static void slot_give(slot *s, size_t layer)
{
    if (s->state == SLOT_READING) { /* the caller passed over its layer */
        grt_reader_cancel(s->window->reader, &s->job);
        (void)slot_settle(s);
    }
    s->layer = layer;
    s->state = SLOT_READING;
    s->job.priority = layer;
    grt_reader_submit(s->window->reader, &s->job);
}

/* Has the reader fetch what the layers from `next` on need and slots are free for. */
static void ask_ahead(grt_window *window, size_t next)
{
    for (size_t i = 0; i < window->n_slots; i++) {
        slot *s = &window->slots[i];
        size_t layer = wanted_layer(window, i, next);
        if (layer == NO_LAYER || s->layer == layer) continue;
        assert(s->state != SLOT_HELD);
        slot_give(s, layer);
    }
}

/* ---- The window ---- */

static grt_status make_slots(grt_window *window, const sizes *counted, grt_error *err)
{
    for (size_t i = 0; i < window->n_slots; i++) {
        slot *s = &window->slots[i];
        size_t layer = wanted_layer(window, i, 0);
        bool is_rolling = i < window->n_rolling_slots;
        s->window = window;
        s->layer = NO_LAYER;
        s->job.run = read_layer;
        s->job.payload = s;
        s->n_bytes =
            is_rolling ? counted->rolling_bytes : window->layouts[layer].n_bytes;
        GRT_TRY(grt_alloc(&s->block, s->n_bytes + PAGE, "a layer's weights", err));
        s->memory = s->block;
        s->memory += (PAGE - (uintptr_t)s->block % PAGE) % PAGE;
    }
    return GRT_OK;
}

static void make_layouts(grt_window *window)
{
    size_t n_parts = 0;
    for (size_t i = 0; i < window->n_layers; i++) {
        layout *l = &window->layouts[i];
        l->spans = window->spans + n_parts;
        l->places = window->places + n_parts;
        bool is_done = lay_out(l, &window->layers[i]);
        assert(is_done); /* measure() did the same */
        (void)is_done;
        n_parts += window->layers[i].n_parts;
    }
}

static grt_status window_init(grt_window *window, const sizes *counted, grt_error *err)
{
    const char *what = "the layer window";
    GRT_TRY(
        grt_alloc_array(&window->layouts, window->n_layers, sizeof(layout), what, err));
    GRT_TRY(grt_alloc_array(&window->spans, counted->n_parts, sizeof(span), what, err));
    GRT_TRY(
        grt_alloc_array(&window->places, counted->n_parts, sizeof(size_t), what, err));
    GRT_TRY(grt_alloc_array(&window->parts, counted->max_parts, sizeof(*window->parts),
                            what, err));
    GRT_TRY(grt_alloc_array(&window->slots, counted->n_slots, sizeof(slot), what, err));
    window->n_slots = counted->n_slots;
    window->n_rolling = counted->n_rolling;
    window->n_rolling_slots = counted->n_rolling_slots;
    make_layouts(window);
    GRT_TRY(make_slots(window, counted, err));
    return grt_reader_create(&window->reader, err);
}

grt_status grt_window_create(grt_window **out, const grt_layer_plan *layers,
                             size_t n_layers, const grt_window_options *options,
                             grt_error *err)
{
    sizes counted;
    grt_window *window;
    if (options->n_slots == 0)
        GRT_FAIL(err, GRT_E_INVALID_ARG, "a window of %zu slots for %zu layers",
                 options->n_slots, n_layers);
    if (!measure(&counted, layers, n_layers, options->n_slots))
        GRT_FAIL(err, GRT_E_NO_MEMORY, "a layer is too large for memory");
    GRT_TRY(grt_alloc_array(&window, 1, sizeof(*window), "the layer window", err));
    window->layers = layers;
    window->n_layers = n_layers;
    window->is_direct = options->is_direct;
    window->held_layer = NO_LAYER;
    grt_status status = window_init(window, &counted, err);
    if (status != GRT_OK) {
        grt_window_free(window);
        return status;
    }
    *out = window;
    return GRT_OK;
}

void grt_window_begin(grt_window *window, size_t first)
{
    assert(!window->is_in_pass);
    window->is_in_pass = true;
    window->next_layer = first;
    ask_ahead(window, first);
    check_invariants(window);
}

void grt_window_seek(grt_window *window, size_t layer)
{
    if (window->is_in_pass && window->next_layer == layer) return;
    if (window->is_in_pass) grt_window_end(window);
    grt_window_begin(window, layer);
}

static void ask_to_cancel(grt_window *window)
{
    for (size_t i = 0; i < window->n_slots; i++)
        if (window->slots[i].state == SLOT_READING)
            grt_job_ask_cancel(&window->slots[i].job);
}

/* Waits for the slot's layer, and has its reading stop when that is asked for.  GRT_OK:
 * it is there. */
static grt_status await(grt_window *window, slot *s, const grt_stop *stop)
{
    uint64_t start = grt_clock_ns();
    bool is_stopped = false;
    while (!grt_reader_wait_for(window->reader, &s->job, STOP_POLL_NS)) {
        if (grt_stop_asked(stop) == GRT_STOP_NONE) continue;
        is_stopped = true;
        ask_to_cancel(window); /* so that no other read starts */
        grt_reader_cancel(window->reader, &s->job);
    }
    window->wait_ns += grt_clock_ns() - start;
    grt_status status = slot_settle(s);
    /* Also where the last piece came in all the same: to go on would have the next
     * layer read. */
    return status == GRT_OK && is_stopped ? GRT_E_CANCELLED : status;
}

grt_status grt_window_acquire(grt_window *window, size_t layer, const grt_stop *stop,
                              const void *const **parts, grt_error *err)
{
    assert(layer < window->n_layers && window->is_in_pass);
    assert(window->held_layer == NO_LAYER);
    ask_ahead(window, layer);
    check_invariants(window);
    slot *s = &window->slots[slot_of_layer(window, layer)];
    assert(s->layer == layer);
    if (s->state == SLOT_READING) {
        grt_status status = await(window, s, stop);
        if (status == GRT_E_CANCELLED)
            GRT_FAIL(err, status, "layer %zu: its reading was stopped", layer);
        if (status != GRT_OK) {
            if (err) *err = s->job.error;
            grt_error_prepend(err, "layer %zu", layer);
            return status;
        }
    }
    s->state = SLOT_HELD;
    window->held_layer = layer;
    for (size_t i = 0; i < window->layers[layer].n_parts; i++)
        window->parts[i] = s->memory + window->layouts[layer].places[i];
    *parts = window->parts;
    check_invariants(window);
    return GRT_OK;
}

void grt_window_release(grt_window *window, size_t layer)
{
    assert(window->held_layer == layer);
    window->slots[slot_of_layer(window, layer)].state = SLOT_LOADED;
    window->held_layer = NO_LAYER;
    window->next_layer = layer + 1;
    ask_ahead(window, layer + 1);
    check_invariants(window);
}

void grt_window_end(grt_window *window)
{
    if (!window->is_in_pass) return;
    assert(window->held_layer == NO_LAYER);
    ask_to_cancel(window); /* first, so that no read starts */
    for (size_t i = 0; i < window->n_slots; i++) {
        slot *s = &window->slots[i];
        if (s->state != SLOT_READING) continue;
        grt_reader_cancel(window->reader, &s->job);
        (void)slot_settle(s);
    }
    window->is_in_pass = false;
    check_invariants(window);
}

grt_window_counters grt_window_count(const grt_window *window)
{
    return (grt_window_counters){.bytes_read = atomic_load(&window->bytes_read),
                                 .read_ns = atomic_load(&window->read_ns),
                                 .wait_ns = window->wait_ns};
}

void grt_window_free(grt_window *window)
{
    if (!window) return;
    grt_reader_free(window->reader); /* first: it writes into the slots */
    for (size_t i = 0; window->slots && i < window->n_slots; i++)
        grt_free(window->slots[i].block);
    grt_free(window->slots);
    grt_free(window->parts);
    grt_free(window->places);
    grt_free(window->spans);
    grt_free(window->layouts);
    grt_free(window);
}
