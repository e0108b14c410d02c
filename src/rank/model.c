/* model.c - see model.h. */
#include "rank/model.h"

#include "io/machine.h"

grt_status grt_model_init(grt_model *model, const char *path, const char *profile_path,
                          grt_error *err)
{
    GRT_TRY(grt_open(&model->opened, path, err));
    GRT_TRY(grt_profile_open(&model->profile, &model->opened.checkpoint,
                             &model->opened.network, profile_path, err));
    grt_release_freed();
    return GRT_OK;
}

void grt_model_release(grt_model *model)
{
    grt_profile_release(&model->profile);
    grt_opened_release(&model->opened);
}
