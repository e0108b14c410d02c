/* surplus.h - tensors of a checkpoint that no part of its network is made of. */
#ifndef GRT_MODELS_SURPLUS_H
#define GRT_MODELS_SURPLUS_H

#include "models/network.h"

/* After everything was bound.  GRT_E_UNSUPPORTED naming tensors that would change the
 * ones that are used (adapters, weights in parts), and of a GGUF any of a layer, as
 * llama.cpp refuses it; a note about others, but for those that never count (buffers,
 * heads of other tasks). */
GRT_NODISCARD grt_status grt_surplus_check(const grt_network *network,
                                           grt_checkpoint *checkpoint, grt_error *err);

#endif /* GRT_MODELS_SURPLUS_H */
