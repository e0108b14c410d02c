/* find.c - grt_model_find, grt_models_walk: see grating.h. */
#include "find/find.h"

#include "api/structs.h"

grt_status grt_model_find(grt_model_place *out, const char *name, grt_error *err)
{
    grt_model_place found;
    if (!out || out->struct_size < sizeof(out->struct_size))
        GRT_FAIL(err, GRT_E_INVALID_ARG, "grt_model_find: %s",
                 out ? "no struct_size" : "no output");
    GRT_TRY(grt_find(&found, name, err));
    grt_give_struct(out, &found, sizeof(found));
    return GRT_OK;
}

int grt_models_walk(grt_model_place_fn *fn, void *payload)
{
    return grt_find_all(fn, payload);
}
