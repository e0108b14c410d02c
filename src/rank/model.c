/* model.c - see model.h. */
#include "rank/model.h"

#include "formats/tokenizer_files.h"
#include "io/machine.h"

#include <string.h>

grt_status grt_model_init(grt_model *model, const char *path, const char *profile_path,
                          grt_error *err)
{
    const grt_architecture *architecture; /* first: a tokenizer of no reranker may be
                                             of no kind known here either */
    GRT_TRY(grt_checkpoint_open(&model->checkpoint, path, err));
    GRT_TRY(grt_network_recognise(&architecture, &model->checkpoint, err));
    GRT_TRY(grt_vocabulary_open(&model->vocabulary, &model->checkpoint, err));
    GRT_TRY(grt_tokenizer_create(&model->tokenizer, &model->vocabulary, err));
    GRT_TRY(
        grt_network_bind(&model->network, &model->checkpoint, model->tokenizer, err));
    GRT_TRY(grt_profile_open(&model->profile, &model->checkpoint, &model->network,
                             profile_path, err));
    /* Tokenizer and network hold what they need; a GGUF's lists of tokens are large. */
    grt_metadata_release(&model->checkpoint.metadata);
    grt_release_freed();
    return GRT_OK;
}

void grt_model_release(grt_model *model)
{
    grt_profile_release(&model->profile);
    grt_network_release(&model->network);
    grt_tokenizer_free(model->tokenizer);
    grt_vocabulary_release(&model->vocabulary);
    grt_checkpoint_release(&model->checkpoint);
    memset(model, 0, sizeof(*model));
}
