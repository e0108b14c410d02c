/* surplus.c - see surplus.h. */
#include "models/surplus.h"

#include <stdio.h>
#include <string.h>

/* Parts of names of tensors without which others are not what they seem. */
static const char *const changing[] = {"lora_",
                                       ".base_layer.",
                                       ".qweight",
                                       ".qzeros",
                                       ".g_idx",
                                       "weight_scale",
                                       "weight_packed",
                                       ".SCB",
                                       ".absmax",
                                       "quant_state",
                                       ".weight_g",
                                       ".weight_v",
                                       "parametrizations.",
                                       ".scales",
                                       ".biases"};
/* Of those that are there by habit. */
static const char *const idle[] = {"position_ids",
                                   "inv_freq",
                                   "masked_bias",
                                   "cls.predictions",
                                   "seq_relationship",
                                   "lm_head",
                                   "pooler.",
                                   "vision",
                                   "multi_modal",
                                   "num_batches",
                                   "decoder.",
                                   "generator_",
                                   "discriminator_predictions",
                                   "rope_freqs"};

static bool holds_one(const char *name, const char *const *parts, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (strstr(name, parts[i])) return true;
    return false;
}

/* The number of a layer in a name; -1: none. */
static long layer_of(const char *name)
{
    static const char *const stems[] = {"blk.", "layer.", "layers."};
    for (size_t i = 0; i < sizeof(stems) / sizeof(stems[0]); i++) {
        const char *at = strstr(name, stems[i]);
        long layer = 0;
        if (!at || (at != name && at[-1] != '.')) continue;
        at += strlen(stems[i]);
        if (*at < '0' || *at > '9') continue;
        for (; *at >= '0' && *at <= '9' && layer < 1000000; at++)
            layer = layer * 10 + (*at - '0');
        return layer;
    }
    return -1;
}

typedef struct surplus {
    char list[160];
    size_t n;
} surplus;

static void add(surplus *self, const char *name)
{
    size_t used = strlen(self->list);
    self->n++;
    if (self->n <= 3)
        (void)snprintf(self->list + used, sizeof(self->list) - used, "%s%.48s",
                       used ? ", " : "", name);
}

grt_status grt_surplus_check(const grt_network *network, grt_checkpoint *checkpoint,
                             grt_error *err)
{
    surplus found = {.n = 0};
    const char *source = checkpoint->path;
    bool is_gguf = checkpoint->format == GRT_FORMAT_GGUF;
    for (size_t i = 0; i < checkpoint->catalogue.n_tensors; i++) {
        const char *name = checkpoint->catalogue.tensors[i].name;
        if (network->part_of[i] != GRT_PART_UNUSED) continue;
        if (holds_one(name, changing, sizeof(changing) / sizeof(changing[0])))
            GRT_FAIL(err, GRT_E_UNSUPPORTED,
                     "%s: the tensor %.80s says that others are not whole (an adapter, "
                     "or weights packed by another program), which is not supported",
                     source, name);
        long layer = layer_of(name);
        if (layer >= (long)network->n_layers) continue; /* noted by its readers */
        if (is_gguf && (layer >= 0 || strncmp(name, "cls.", 4) == 0))
            GRT_FAIL(err, GRT_E_UNSUPPORTED,
                     "%s: the tensor %.80s is no part of a %s model", source, name,
                     network->architecture->name);
        if (holds_one(name, idle, sizeof(idle) / sizeof(idle[0])) ||
            (is_gguf && strcmp(name, "output.weight") == 0))
            continue;
        add(&found, name);
    }
    if (found.n == 0) return GRT_OK;
    return grt_notes_add(&checkpoint->notes, GRT_NOTE_RESULT, err,
                         "%s: %zu tensor%s no part of a %s model, and not used: %s%s",
                         source, found.n, found.n == 1 ? " is" : "s are",
                         network->architecture->name, found.list,
                         found.n > 3 ? ", ..." : "");
}
