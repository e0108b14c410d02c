/* widening.h - a profile that was made in one arithmetic, used in another.
 *
 * With x_l the readout at boundary l, x_L the final logit and e what the arithmetic in
 * use moves them by, what is left to move, x_L - x_l, moves by e_L - e_l too.
 * Calibration measures on a part of its pairs how far that raises its variance, and the
 * profile is widened by it when the model is opened: whoever reads spreads, moves and
 * biases reads those of the arithmetic in use.  docs/algorithms/calibration.md. */
#ifndef GRT_PROFILE_WIDENING_H
#define GRT_PROFILE_WIDENING_H

#include "profile/profile.h"

/* Tensors of an arithmetic in a profile; NULL: it has none. */
typedef struct grt_widening_names {
    const char *spreads;
    const char *moves;
    const char *shifts;
    const char *logits;
} grt_widening_names;

extern const grt_widening_names grt_widening_names_of[GRT_N_ARITHMETICS];

enum { GRT_LOGIT_EFFECT_VALUES = sizeof(grt_logit_effect) / sizeof(float) };

/* The arithmetic that a profile counts as made in: bf16 where it does not say. */
grt_arithmetic grt_profile_made_in(const grt_profile *profile);

/* Whether the profile may be used in the arithmetic: its own, a finer one (f32 is finer
 * than bf16, bf16 than int8), or one that was measured. */
bool grt_profile_serves(const grt_profile *profile, grt_arithmetic running);

/* Widens a profile that serves; its own arrays are replaced.  Once only.
 * GRT_E_NO_MEMORY. */
GRT_NODISCARD grt_status grt_profile_widen(grt_profile *profile, grt_arithmetic running,
                                           grt_error *err);

/* Above this share an arithmetic counts as unsafe for a model. */
#define GRT_SAFE_SHARE 0.05f

/* What an arithmetic does to the logits: nothing, if it is the profile's own.  false:
 * not known. */
bool grt_profile_effect(const grt_profile *profile, grt_arithmetic arithmetic,
                        grt_logit_effect *out);

#endif /* GRT_PROFILE_WIDENING_H */
