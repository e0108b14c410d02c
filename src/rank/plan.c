/* plan.c - see plan.h. */
#include "rank/plan.h"

#include "base/checked.h"

/* Bytes of intermediates that a chunk may take when memory is no concern: a thousand
 * rows hide the cost of unpacking weights, more only costs memory. */
enum { CHUNK_BYTES = 48 << 20, CHUNK_FULL_ROWS = 512, CHUNK_MAX_ROWS = 4096 };
/* Rows of the embedding that are kept under a budget: a few hundred reads more for each
 * request, whose tokens are mostly among the frequent ones. */
enum { BUDGET_CACHED_ROWS = 2048 };

grt_row_storage grt_plan_row_storage(grt_hidden_storage hidden)
{
    if (hidden == GRT_HIDDEN_BF16) return GRT_ROWS_BF16;
    return hidden == GRT_HIDDEN_FILE ? GRT_ROWS_FILE : GRT_ROWS_F32;
}

static void add(uint64_t *total, uint64_t n_bytes)
{
    if (!grt_add_u64(total, *total, n_bytes)) *total = UINT64_MAX;
}

/* SIZE_MAX stands for what cannot be counted. */
static uint64_t counted(size_t n_bytes)
{
    return n_bytes == SIZE_MAX ? UINT64_MAX : n_bytes;
}

/* A shared buffer must serve the rankings that are open, too. */
static uint64_t shared_bytes(grt_buffer_id id, const grt_plan_input *input,
                             size_t chunk_rows)
{
    if (input->held) {
        grt_plan_input wider = *input;
        if (wider.n_longest < input->held->n_longest)
            wider.n_longest = input->held->n_longest;
        if (chunk_rows < input->held->chunk_rows) chunk_rows = input->held->chunk_rows;
        return grt_buffer_bytes(id, &wider, chunk_rows);
    }
    return grt_buffer_bytes(id, input, chunk_rows);
}

/* What a plan with these choices takes; UINT64_MAX when it cannot be counted. */
static uint64_t fill(grt_plan *out, const grt_plan_input *input)
{
    grt_memory_plan *plan = &out->plan;
    const grt_network *network = input->network;
    grt_row_store_options rows = {
        grt_plan_row_storage((grt_hidden_storage)plan->hidden), input->n_rows,
        network->hidden_size, plan->chunk_rows, NULL};
    plan->other_bytes = input->other_bytes;
    plan->layers_bytes =
        counted(grt_window_bytes(network->layers, input->n_layers, plan->n_slots));
    plan->hidden_bytes = counted(grt_row_store_bytes(&rows));
    plan->embedding_bytes =
        counted(grt_embed_cache_bytes(network, plan->n_cached_rows));
    plan->chunk_bytes = 0;
    plan->scratch_bytes = input->token_bytes + GRT_RANKING_BYTES;
    out->shared_bytes = plan->layers_bytes;
    add(&out->shared_bytes, plan->embedding_bytes);
    out->own_bytes = plan->hidden_bytes;
    add(&out->own_bytes, plan->scratch_bytes);
    for (int id = 0; id < GRT_N_BUFFERS; id++) {
        bool is_shared = id < GRT_N_SHARED_BUFFERS;
        uint64_t bytes =
            is_shared ? shared_bytes((grt_buffer_id)id, input, plan->chunk_rows)
                      : grt_buffer_bytes((grt_buffer_id)id, input, plan->chunk_rows);
        out->buffers[id] = bytes;
        add(is_shared ? &out->shared_bytes : &out->own_bytes, bytes);
        add(grt_buffer_is_of_chunk((grt_buffer_id)id) ? &plan->chunk_bytes
                                                      : &plan->scratch_bytes,
            bytes);
    }
    plan->total_bytes = plan->other_bytes;
    add(&plan->total_bytes, out->shared_bytes);
    add(&plan->total_bytes, out->own_bytes);
    return plan->total_bytes;
}

static bool fits(grt_plan *out, const grt_plan_input *input)
{
    return fill(out, input) <= input->budget_bytes;
}

/* The most rows in least..most with which the plan fits; false when none does. */
static bool fit_chunk(grt_plan *out, const grt_plan_input *input, size_t least,
                      size_t most)
{
    size_t *rows = &out->plan.chunk_rows;
    *rows = least;
    if (!fits(out, input)) return false;
    while (least < most) {
        size_t middle = least + (most - least + 1) / 2;
        *rows = middle;
        if (fits(out, input))
            least = middle;
        else
            most = middle - 1;
    }
    *rows = least;
    return fits(out, input);
}

static size_t clamp(size_t value, size_t low, size_t high)
{
    return value < low ? low : value > high ? high : value;
}

/* Chunk sizes to choose from; every one holds the longest sequence. */
typedef struct chunk_sizes {
    size_t least;
    size_t full; /* fills the kernels */
    size_t most;
} chunk_sizes;

static chunk_sizes sizes_of(const grt_plan_input *input)
{
    size_t low = input->n_sequence, high = input->n_rows;
    size_t wanted = (size_t)(CHUNK_BYTES / (grt_buffer_row_bytes(input) + 1));
    wanted = clamp(wanted, CHUNK_FULL_ROWS, CHUNK_MAX_ROWS);
    if (input->chunk_rows) wanted = input->chunk_rows;
    chunk_sizes sizes = {.most = clamp(wanted, low, high)};
    sizes.full = clamp(CHUNK_FULL_ROWS, low, sizes.most);
    sizes.least = clamp(GRT_CHUNK_MIN_ROWS, low, sizes.most);
    if (input->chunk_rows) sizes.full = sizes.least = sizes.most;
    return sizes;
}

static size_t least_slots(const grt_plan_input *input)
{
    size_t n = input->n_layers;
    return n < 2 ? n : 2;
}

/* What is there already; else all layers, or two, as residency and free memory say. */
static size_t unplanned_slots(const grt_plan_input *input)
{
    size_t n = input->n_layers;
    if (input->held) return input->held->n_slots;
    if (input->n_loaded) return input->n_loaded;
    if (input->residency == GRT_RESIDENCY_RESIDENT) return n;
    if (input->residency == GRT_RESIDENCY_STREAMED) return least_slots(input);
    uint64_t all = grt_window_bytes(input->network->layers, n, n);
    bool is_small = !input->available_bytes || all < input->available_bytes / 2;
    return is_small ? n : least_slots(input);
}

/* Slots that residency, and what is held, leave to choose from. */
static void slot_range(const grt_plan_input *input, size_t *least, size_t *most)
{
    *most = input->n_layers;
    *least = least_slots(input);
    if (input->residency == GRT_RESIDENCY_STREAMED) *most = *least;
    if (input->residency == GRT_RESIDENCY_RESIDENT) *least = *most;
    if (input->held && *most > input->held->n_slots) *most = input->held->n_slots;
    if (*least > *most) *least = *most;
}

/* One concession: the first that fits is taken. */
typedef struct concession {
    grt_hidden_storage hidden;
    bool gives_up_slots_only; /* chunks of the full size and as many slots as fit; else
                                 the fewest slots and the largest chunk that fits */
    bool may_starve_kernels;  /* chunks below the rows that fill them */
    bool has_one_slot;        /* nothing is read while a layer computes */
} concession;

static bool may_have_one_slot(const grt_plan_input *input)
{
    return input->residency != GRT_RESIDENCY_RESIDENT;
}

static bool concede(grt_plan *out, const grt_plan_input *input, const concession *step)
{
    grt_memory_plan *plan = &out->plan;
    chunk_sizes sizes = sizes_of(input);
    size_t least, most;
    if (step->has_one_slot && !may_have_one_slot(input)) return false;
    slot_range(input, &least, &most);
    if (step->has_one_slot) least = 1;
    plan->hidden = step->hidden;
    if (step->gives_up_slots_only) {
        plan->chunk_rows = sizes.most;
        for (plan->n_slots = most; plan->n_slots > least; plan->n_slots--)
            if (fits(out, input)) return true;
        return fits(out, input);
    }
    plan->n_slots = least;
    return fit_chunk(out, input, step->may_starve_kernels ? sizes.least : sizes.full,
                     sizes.most);
}

static bool fit_budget(grt_plan *plan, const grt_plan_input *input)
{
    static const concession steps[] = {
        {.hidden = GRT_HIDDEN_F32, .gives_up_slots_only = true},
        {.hidden = GRT_HIDDEN_F32},
        {.hidden = GRT_HIDDEN_BF16},
        {.hidden = GRT_HIDDEN_BF16, .may_starve_kernels = true},
        {.hidden = GRT_HIDDEN_FILE, .may_starve_kernels = true},
        {.hidden = GRT_HIDDEN_F32, .may_starve_kernels = true, .has_one_slot = true},
        {.hidden = GRT_HIDDEN_BF16, .may_starve_kernels = true, .has_one_slot = true},
        {.hidden = GRT_HIDDEN_FILE, .may_starve_kernels = true, .has_one_slot = true},
    };
    grt_hidden_storage forced = input->hidden;
    if (forced != GRT_HIDDEN_AUTO) {
        concession slots = {.hidden = forced, .gives_up_slots_only = true};
        concession chunks = {.hidden = forced, .may_starve_kernels = true},
                   last = chunks;
        last.has_one_slot = true;
        return concede(plan, input, &slots) || concede(plan, input, &chunks) ||
               concede(plan, input, &last);
    }
    for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++)
        if (concede(plan, input, &steps[i])) return true;
    return false;
}

/* The least that any concession reaches. */
static uint64_t smallest(const grt_plan_input *input, const grt_plan *base)
{
    grt_plan plan = *base;
    uint64_t least = UINT64_MAX;
    size_t most_slots;
    plan.plan.chunk_rows = sizes_of(input).least;
    slot_range(input, &plan.plan.n_slots, &most_slots);
    if (may_have_one_slot(input)) plan.plan.n_slots = 1;
    for (int i = GRT_HIDDEN_F32; i <= GRT_HIDDEN_FILE; i++) {
        grt_hidden_storage forced = input->hidden;
        plan.plan.hidden = forced == GRT_HIDDEN_AUTO ? (grt_hidden_storage)i : forced;
        uint64_t bytes = fill(&plan, input);
        if (bytes < least) least = bytes;
    }
    uint64_t reading = input->other_bytes;
    add(&reading, input->reading_bytes);
    return least > reading ? least : reading;
}

static size_t cached_rows(const grt_plan_input *input)
{
    size_t tenth = input->network->vocab_size / 10;
    size_t wanted = input->n_cached_rows ? input->n_cached_rows : tenth;
    if (input->held) return input->held->n_cached_rows;
    if (input->budget_bytes && !input->n_cached_rows) {
        if (wanted > input->n_distinct) wanted = input->n_distinct;
        if (wanted > BUDGET_CACHED_ROWS) wanted = BUDGET_CACHED_ROWS;
    }
    return clamp(wanted, 1, input->network->vocab_size);
}

/* The smallest budget that works when nobody else is there. */
static uint64_t smallest_alone(const grt_plan_input *input, const grt_plan *base)
{
    grt_plan_input alone = *input;
    alone.held = NULL;
    alone.other_bytes -= input->ending_bytes;
    grt_plan plan = *base;
    plan.plan.n_cached_rows = cached_rows(&alone);
    return smallest(&alone, &plan);
}

static grt_status refuse(grt_plan *out, const grt_plan_input *input, grt_error *err)
{
    uint64_t alone = smallest_alone(input, out);
    bool is_busy = alone <= input->budget_bytes;
    if (!is_busy) out->plan.smallest_bytes = alone;
    if (err) err->smallest_bytes = out->plan.smallest_bytes;
    if (is_busy)
        GRT_FAIL(err, GRT_E_BUSY,
                 "%zu documents (%zu tokens) do not fit %.1f MiB beside what others "
                 "have reserved; %.1f MiB are enough when they have ended",
                 input->n_documents, input->n_rows,
                 (double)input->budget_bytes / 1048576, (double)alone / 1048576);
    GRT_FAIL(err, GRT_E_NO_MEMORY,
             "%zu documents (%zu tokens) do not fit %.1f MiB; the smallest budget that "
             "works is %.1f MiB",
             input->n_documents, input->n_rows, (double)input->budget_bytes / 1048576,
             (double)(alone + 104857) / 1048576);
}

grt_status grt_plan_make(grt_plan *out, const grt_plan_input *input, grt_error *err)
{
    *out = (grt_plan){.plan = {.struct_size = sizeof(grt_memory_plan),
                               .budget_bytes = input->budget_bytes,
                               .n_layers = input->n_layers,
                               .n_cached_rows = cached_rows(input)}};
    grt_memory_plan *plan = &out->plan;
    plan->smallest_bytes = smallest(input, out);
    if (input->budget_bytes == 0) {
        plan->hidden = input->hidden ? input->hidden : GRT_HIDDEN_F32;
        plan->n_slots = unplanned_slots(input);
        plan->chunk_rows = sizes_of(input).most;
        (void)fill(out, input);
        return GRT_OK;
    }
    uint64_t reading = input->other_bytes;
    add(&reading, input->reading_bytes);
    if (fit_budget(out, input) && reading <= input->budget_bytes) return GRT_OK;
    return refuse(out, input, err);
}
