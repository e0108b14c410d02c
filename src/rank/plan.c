/* plan.c - see plan.h. */
#include "rank/plan.h"

#include "base/checked.h"
#include "rank/session.h"

#include <string.h>

/* Bytes of intermediates that a chunk may take when memory is no concern: a thousand
 * rows hide the cost of unpacking weights, more only costs memory. */
enum { CHUNK_BYTES = 48 << 20, CHUNK_FULL_ROWS = 512, CHUNK_MAX_ROWS = 4096 };
/* Rows of the embedding that are kept under a budget: a few hundred reads more for each
 * request, whose tokens are mostly among the frequent ones. */
enum { BUDGET_CACHED_ROWS = 2048 };
/* What the next process may have resident more than this one: the budget that a text
 * names must work there. */
enum { NAMED_ROOM_BYTES = 512 << 10 };
/* Of each document: its item, its place in the ranking, its line of a trace. */
enum {
    BYTES_OF_RESULT =
        sizeof(grt_item) + 2 * sizeof(size_t) + sizeof(float) + sizeof(grt_state)
};

size_t grt_plan_n_layers(const grt_network *network, const grt_session_options *options)
{
    return options->cutoff_layer ? options->cutoff_layer : network->n_layers;
}

static size_t n_layers_of(const grt_plan_input *input)
{
    return grt_plan_n_layers(input->network, input->options);
}

size_t grt_plan_attention_bytes(const grt_plan_input *input)
{
    const grt_network *network = input->network;
    size_t n_heads = network->n_heads / network->n_kv_heads; /* of a task */
    size_t n =
        grt_attention_scratch_bytes(input->n_longest, n_heads, network->head_size);
    return (n + 63) / 64 * 64;
}

static size_t chunk_row_bytes(const grt_plan_input *input)
{
    const grt_network *network = input->network;
    return network->architecture->floats_per_row(network) * sizeof(float) +
           grt_linear_scratch_bytes(input->kernels, 0, 1,
                                    grt_layer_most_inputs(network)) +
           sizeof(uint32_t);
}

/* More than the arrays of one document take, pooled states included. */
enum { MOST_BYTES_OF_DOCUMENT = 1 << 20 };

/* UINT64_MAX when it cannot be counted. */
static uint64_t scratch_bytes(const grt_plan_input *input)
{
    const grt_network *network = input->network;
    uint64_t countable;
    if (!grt_mul_u64(&countable, input->n_documents, MOST_BYTES_OF_DOCUMENT))
        return UINT64_MAX;
    uint64_t pooled = input->is_observed ? grt_pooled_size(network) * sizeof(float) : 0;
    uint64_t kv = network->n_kv_heads * network->head_size * sizeof(float);
    uint64_t rope = grt_rope_floats(network, 1) * sizeof(float);
    return grt_linear_scratch_bytes(input->kernels, input->n_threads, 0, 0) +
           (uint64_t)grt_plan_attention_bytes(input) * input->n_threads +
           2 * kv * input->n_prefix + rope * input->n_longest +
           grt_layer_vector_floats(network) * sizeof(float) +
           grt_scoring_bytes(network, input->n_threads) +
           grt_decisions_bytes(input->n_documents) +
           grt_forward_bytes(input->n_documents) + (input->n_documents + 2) * pooled +
           input->n_documents * BYTES_OF_RESULT + GRT_PLAN_MARGIN_BYTES;
}

grt_row_storage grt_plan_row_storage(grt_hidden_storage hidden)
{
    if (hidden == GRT_HIDDEN_BF16) return GRT_ROWS_BF16;
    return hidden == GRT_HIDDEN_FILE ? GRT_ROWS_FILE : GRT_ROWS_F32;
}

/* What a plan with these choices takes; UINT64_MAX when it cannot be counted. */
static uint64_t fill(grt_memory_plan *plan, const grt_plan_input *input)
{
    const grt_network *network = input->network;
    grt_row_store_options rows = {grt_plan_row_storage(plan->hidden), input->n_rows,
                                  network->hidden_size, plan->chunk_rows, NULL};
    size_t chunk;
    if (!grt_mul_size(&chunk, plan->chunk_rows, chunk_row_bytes(input)))
        chunk = SIZE_MAX;
    plan->process_bytes = input->resident_bytes;
    plan->layers_bytes =
        grt_window_bytes(network->layers, n_layers_of(input), plan->n_slots);
    plan->hidden_bytes = grt_row_store_bytes(&rows);
    plan->chunk_bytes = chunk;
    plan->embedding_bytes = grt_embed_cache_bytes(network, plan->n_cached_rows);
    plan->scratch_bytes = scratch_bytes(input);
    const uint64_t parts[] = {plan->process_bytes,   plan->layers_bytes,
                              plan->hidden_bytes,    plan->chunk_bytes,
                              plan->embedding_bytes, plan->scratch_bytes};
    plan->total_bytes = 0;
    for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++)
        if (!grt_add_u64(&plan->total_bytes, plan->total_bytes, parts[i]))
            plan->total_bytes = UINT64_MAX;
    return plan->total_bytes;
}

static bool fits(grt_memory_plan *plan, const grt_plan_input *input)
{
    return fill(plan, input) <= plan->budget_bytes &&
           input->peak_bytes <= plan->budget_bytes;
}

/* The most rows in least..most with which the plan fits; false when none does. */
static bool fit_chunk(grt_memory_plan *plan, const grt_plan_input *input, size_t least,
                      size_t most)
{
    plan->chunk_rows = least;
    if (!fits(plan, input)) return false;
    while (least < most) {
        size_t middle = least + (most - least + 1) / 2;
        plan->chunk_rows = middle;
        if (fits(plan, input))
            least = middle;
        else
            most = middle - 1;
    }
    plan->chunk_rows = least;
    return fits(plan, input);
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
    size_t wanted = CHUNK_BYTES / chunk_row_bytes(input);
    wanted = clamp(wanted, CHUNK_FULL_ROWS, CHUNK_MAX_ROWS);
    if (input->options->chunk_rows) wanted = input->options->chunk_rows;
    chunk_sizes sizes = {.most = clamp(wanted, low, high)};
    sizes.full = clamp(CHUNK_FULL_ROWS, low, sizes.most);
    sizes.least = clamp(GRT_CHUNK_MIN_ROWS, low, sizes.most);
    if (input->options->chunk_rows) sizes.full = sizes.least = sizes.most;
    return sizes;
}

static size_t least_slots(const grt_plan_input *input)
{
    size_t n = n_layers_of(input);
    return n < 2 ? n : 2;
}

/* All layers, or two, as residency and free memory say. */
static size_t unplanned_slots(const grt_plan_input *input)
{
    size_t n = n_layers_of(input);
    if (input->options->residency == GRT_RESIDENCY_RESIDENT) return n;
    if (input->options->residency == GRT_RESIDENCY_STREAMED) return least_slots(input);
    uint64_t all = grt_window_bytes(input->network->layers, n, n);
    bool is_small = !input->available_bytes || all < input->available_bytes / 2;
    return is_small ? n : least_slots(input);
}

/* Slots that residency leaves to choose from. */
static void slot_range(const grt_plan_input *input, size_t *least, size_t *most)
{
    *most = n_layers_of(input);
    *least = least_slots(input);
    if (input->options->residency == GRT_RESIDENCY_STREAMED) *most = *least;
    if (input->options->residency == GRT_RESIDENCY_RESIDENT) *least = *most;
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
    return input->options->residency != GRT_RESIDENCY_RESIDENT;
}

static bool concede(grt_memory_plan *plan, const grt_plan_input *input,
                    const concession *step)
{
    chunk_sizes sizes = sizes_of(input);
    size_t least, most;
    if (step->has_one_slot && !may_have_one_slot(input)) return false;
    slot_range(input, &least, &most);
    if (step->has_one_slot) least = 1;
    plan->hidden = step->hidden;
    if (step->gives_up_slots_only) {
        plan->chunk_rows = sizes.most;
        for (plan->n_slots = most; plan->n_slots > least; plan->n_slots--)
            if (fits(plan, input)) return true;
        return fits(plan, input);
    }
    plan->n_slots = least;
    return fit_chunk(plan, input, step->may_starve_kernels ? sizes.least : sizes.full,
                     sizes.most);
}

static bool fit_budget(grt_memory_plan *plan, const grt_plan_input *input)
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
    grt_hidden_storage forced = input->options->hidden;
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

/* The least that any concession reaches, or that is past already. */
static uint64_t smallest(const grt_plan_input *input, const grt_memory_plan *base)
{
    grt_memory_plan plan = *base;
    uint64_t least = UINT64_MAX;
    size_t most_slots;
    plan.chunk_rows = sizes_of(input).least;
    slot_range(input, &plan.n_slots, &most_slots);
    if (may_have_one_slot(input)) plan.n_slots = 1;
    for (int i = GRT_HIDDEN_F32; i <= GRT_HIDDEN_FILE; i++) {
        grt_hidden_storage forced = input->options->hidden;
        plan.hidden = forced == GRT_HIDDEN_AUTO ? (grt_hidden_storage)i : forced;
        uint64_t bytes = fill(&plan, input);
        if (bytes < least) least = bytes;
    }
    return least > input->peak_bytes ? least : input->peak_bytes;
}

static size_t cached_rows(const grt_plan_input *input)
{
    const grt_session_options *options = input->options;
    size_t tenth = input->network->vocab_size / 10;
    size_t wanted = options->n_cached_rows ? options->n_cached_rows : tenth;
    if (options->memory_bytes && !options->n_cached_rows) {
        if (wanted > input->n_distinct) wanted = input->n_distinct;
        if (wanted > BUDGET_CACHED_ROWS) wanted = BUDGET_CACHED_ROWS;
    }
    return clamp(wanted, 1, input->network->vocab_size);
}

grt_status grt_plan_make(grt_memory_plan *out, const grt_plan_input *input,
                         grt_error *err)
{
    const grt_session_options *options = input->options;
    *out = (grt_memory_plan){.budget_bytes = options->memory_bytes,
                             .n_layers = n_layers_of(input),
                             .n_cached_rows = cached_rows(input)};
    out->smallest_bytes = smallest(input, out);
    if (options->memory_bytes == 0) {
        out->hidden = options->hidden ? options->hidden : GRT_HIDDEN_F32;
        out->n_slots = unplanned_slots(input);
        out->chunk_rows = sizes_of(input).most;
        (void)fill(out, input);
        return GRT_OK;
    }
    if (fit_budget(out, input)) return GRT_OK;
    uint64_t mib = (out->smallest_bytes + NAMED_ROOM_BYTES + (1 << 20) - 1) >> 20;
    GRT_FAIL(err, GRT_E_NO_MEMORY,
             "%zu documents (%zu tokens) do not fit %.1f MiB; the smallest budget that "
             "works is %llu MiB",
             input->n_documents, input->n_rows, (double)options->memory_bytes / 1048576,
             (unsigned long long)mib);
}
