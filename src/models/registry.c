/* registry.c - tells from the checkpoint alone which architecture it is. */
#include "models/architectures.h"

#include "models/bind.h"

#include <stdio.h>
#include <string.h>

static const grt_architecture *const architectures[] = {
    &grt_architecture_bert,    &grt_architecture_qwen3, &grt_architecture_qwen2,
    &grt_architecture_minicpm, &grt_architecture_gemma,
};
enum { N_ARCHITECTURES = sizeof(architectures) / sizeof(architectures[0]) };

static grt_text found_class(const grt_checkpoint *checkpoint)
{
    grt_text found = {"", 0};
    if (checkpoint->format == GRT_FORMAT_GGUF) {
        (void)grt_metadata_get_text(&checkpoint->metadata, "general.architecture",
                                    &found);
        return found;
    }
    const grt_meta_value *classes =
        grt_metadata_get(&checkpoint->metadata, "architectures");
    if (classes && classes->type == GRT_META_TEXT && classes->n > 0)
        found = classes->texts[0];
    return found;
}

static grt_status recognise(const grt_architecture **out,
                            const grt_checkpoint *checkpoint, grt_error *err)
{
    bool is_gguf = checkpoint->format == GRT_FORMAT_GGUF;
    const char *key = is_gguf ? "general.architecture" : "architectures";
    grt_text found = found_class(checkpoint);
    if (found.size == 0)
        GRT_FAIL(err, GRT_E_FORMAT, "%s: no %s that names the model's architecture",
                 checkpoint->metadata.source, key);
    char known[400] = "";
    for (size_t i = 0; i < N_ARCHITECTURES; i++) {
        const char *names =
            is_gguf ? architectures[i]->gguf_name : architectures[i]->hf_classes;
        if (!names) continue; /* not in this format */
        if (grt_list_holds(names, found)) {
            *out = architectures[i];
            return GRT_OK;
        }
        size_t at = strlen(known);
        (void)snprintf(known + at, sizeof(known) - at, "%s%s", at ? " " : "", names);
    }
    GRT_FAIL(err, GRT_E_UNSUPPORTED,
             "%s: architecture \"%.*s\" is not known; known: %s",
             checkpoint->metadata.source, (int)(found.size < 60 ? found.size : 60),
             found.data, known);
}

grt_status grt_network_bind(grt_network *out, grt_checkpoint *checkpoint,
                            const grt_tokenizer *tokenizer, grt_error *err)
{
    grt_network network = {0};
    GRT_TRY(recognise(&network.architecture, checkpoint, err));
    size_t n_tensors = checkpoint->catalogue.n_tensors;
    grt_status status = grt_arena_alloc(&network.arena, &network.part_of, n_tensors,
                                        sizeof(*network.part_of), err);
    if (status == GRT_OK) {
        for (size_t i = 0; i < n_tensors; i++)
            network.part_of[i] = GRT_PART_UNUSED;
        status = network.architecture->bind(&network, checkpoint, tokenizer, err);
    }
    if (status != GRT_OK) {
        grt_network_release(&network);
        return status;
    }
    *out = network;
    return GRT_OK;
}
