/* widening.c - see widening.h. */
#include "profile/widening.h"

#include <math.h>

_Static_assert(sizeof(grt_logit_effect) == GRT_LOGIT_EFFECT_VALUES * sizeof(float),
               "it is read from a tensor as it stands");

const grt_widening_names grt_widening_names_of[GRT_N_ARITHMETICS] = {
    [GRT_ARITHMETIC_F32] = {"f32.spreads", "f32.moves", "f32.shifts", "f32.logits"},
    [GRT_ARITHMETIC_BF16] = {"bf16.spreads", "bf16.moves", "bf16.shifts",
                             "bf16.logits"},
    [GRT_ARITHMETIC_INT8] = {"int8.spreads", "int8.moves", "int8.shifts",
                             "int8.logits"}};

grt_arithmetic grt_profile_made_in(const grt_profile *profile)
{
    return profile->arithmetic ? profile->arithmetic : GRT_ARITHMETIC_BF16;
}

bool grt_profile_serves(const grt_profile *profile, grt_arithmetic running)
{
    /* the enum goes from the finest to the coarsest */
    return running <= grt_profile_made_in(profile) ||
           profile->widenings[running].spreads != NULL;
}

/* *values [n_layers], the first of which is of no boundary, with added [n_layers - 1]
 * for the others: variances add.  begin: the first boundary that has a value. */
static grt_status add_variances(grt_profile *p, const float **values, size_t begin,
                                const float *added, grt_error *err)
{
    float *sums;
    GRT_TRY(grt_arena_alloc(&p->arena, &sums, p->n_layers, sizeof(*sums), err));
    for (size_t l = 0; l < p->n_layers; l++)
        sums[l] = l < begin ? (*values)[l] : hypotf((*values)[l], added[l - 1]);
    *values = sums;
    return GRT_OK;
}

grt_status grt_profile_widen(grt_profile *p, grt_arithmetic running, grt_error *err)
{
    const grt_widening *w = &p->widenings[running];
    if (running == grt_profile_made_in(p) || !w->spreads) return GRT_OK;
    size_t n = p->n_layers - 1;
    size_t first_move = p->moves[1] > 0.0f ? 1 : 2; /* 0: not known */
    float *biases;
    GRT_TRY(add_variances(p, &p->spreads, 1, w->spreads, err));
    GRT_TRY(add_variances(p, &p->moves, first_move, w->moves, err));
    GRT_TRY(grt_arena_alloc(&p->arena, &biases, n, sizeof(*biases), err));
    for (size_t i = 0; i < n; i++)
        biases[i] = p->biases[i] + w->shifts[i];
    p->biases = biases;
    return GRT_OK;
}

bool grt_profile_effect(const grt_profile *profile, grt_arithmetic arithmetic,
                        grt_logit_effect *out)
{
    *out = (grt_logit_effect){.kept = 1.0f};
    if (!profile->path) return false;
    if (profile->arithmetic && arithmetic == profile->arithmetic) return true;
    *out = profile->widenings[arithmetic].logits;
    return out->n_pairs > 0.0f;
}
