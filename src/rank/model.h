/* model.h - what stands behind a grt_model.  Immutable after open. */
#ifndef GRT_RANK_MODEL_H
#define GRT_RANK_MODEL_H

#include "models/network.h"

struct grt_model {
    grt_checkpoint checkpoint;
    grt_vocabulary vocabulary;
    grt_tokenizer *tokenizer;
    grt_network network;
};

/* Fills *model, all zero before; on failure the caller still releases it. */
GRT_NODISCARD grt_status grt_model_init(grt_model *model, const char *path,
                                        grt_error *err);
void grt_model_release(grt_model *model);

#endif /* GRT_RANK_MODEL_H */
