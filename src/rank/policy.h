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
    grt_selector selector;
} grt_policy_choice;

/* Fills *out, which borrows from profile and request.  A request for all candidates
 * gets GRT_POLICY_NONE.  GRT_E_INVALID_ARG names the option at fault. */
GRT_NODISCARD grt_status grt_policy_choose(grt_policy_choice *out,
                                           const grt_profile *profile, size_t n_layers,
                                           const grt_request *request, grt_error *err);

#endif /* GRT_RANK_POLICY_H */
