/* policy.h - from what a request asks for to a selector. */
#ifndef GRT_RANK_POLICY_H
#define GRT_RANK_POLICY_H

#include "rank/profile.h"
#include "select/selector.h"

typedef struct grt_policy_choice {
    grt_policy policy; /* never GRT_POLICY_DEFAULT */
    float precision;   /* 0: none is promised */
    bool has_profile;
    bool reads_profile; /* scores come from the profile's readouts, else the head */
    bool wants_scores;  /* at every boundary: for decisions, or for a trace */
    size_t first_layer; /* no decision before */
    grt_selector selector;
    float spreads[GRT_MAX_LAYERS]; /* of the policy bound without a profile */
} grt_policy_choice;

/* Fills *out, which must stay where it is while its selector is used.  A request for
 * all candidates gets GRT_POLICY_NONE.  GRT_E_INVALID_ARG names the option at fault. */
GRT_NODISCARD grt_status grt_policy_choose(grt_policy_choice *out,
                                           const grt_profile *profile, size_t n_layers,
                                           const grt_request *request, grt_error *err);

/* Spread at boundary `layer` of n_layers without a profile, in standard deviations of
 * the scores; INFINITY in the first half. */
float grt_policy_default_spread(size_t layer, size_t n_layers);

#endif /* GRT_RANK_POLICY_H */
