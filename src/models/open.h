/* open.h - from a path to a checkpoint that is ready to compute: its tokenizer, and its
 * tensors bound to an architecture. */
#ifndef GRT_MODELS_OPEN_H
#define GRT_MODELS_OPEN_H

#include "models/network.h"

/* Immutable after open; it may not be moved, since its parts point at each other. */
typedef struct grt_opened {
    grt_checkpoint checkpoint; /* without its metadata: those have been read */
    grt_vocabulary vocabulary;
    grt_tokenizer *tokenizer;
    grt_network network;
} grt_opened;

/* Fills *out, all zero before, from what lies at `path` (see grt_checkpoint_open); on
 * failure the caller still releases it.  GRT_E_UNSUPPORTED: no reranker, or none of a
 * family known here. */
GRT_NODISCARD grt_status grt_open(grt_opened *out, const char *path, grt_error *err);
void grt_opened_release(grt_opened *opened);

#endif /* GRT_MODELS_OPEN_H */
