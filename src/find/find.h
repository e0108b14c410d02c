/* find.h - models by name: those that come along, and those that other programs have
 * downloaded already.  hub.h and ollama.h know where those programs keep theirs. */
#ifndef GRT_FIND_FIND_H
#define GRT_FIND_FIND_H

#include "find/places.h"

/* As grt_model_find. */
GRT_NODISCARD grt_status grt_find(grt_model_place *out, const char *name,
                                  grt_error *err);

/* As grt_models_walk. */
int grt_find_all(grt_model_place_fn *fn, void *payload);

#endif /* GRT_FIND_FIND_H */
