/* model.h - what stands behind a grt_model.  Immutable after open. */
#ifndef GRT_RANK_MODEL_H
#define GRT_RANK_MODEL_H

#include "models/open.h"
#include "profile/profile.h"

struct grt_model {
    grt_opened opened;
    grt_profile profile;
};

/* Fills *model, all zero before; on failure the caller still releases it.
 * profile_path as in grt_model_options. */
GRT_NODISCARD grt_status grt_model_init(grt_model *model, const char *path,
                                        const char *profile_path, grt_error *err);
void grt_model_release(grt_model *model);

#endif /* GRT_RANK_MODEL_H */
