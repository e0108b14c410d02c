/* policy.h - from what a request asks for to a selector. */
#ifndef GRT_RANK_POLICY_H
#define GRT_RANK_POLICY_H

#include "profile/profile.h"
#include "select/selector.h"

typedef struct grt_policy_choice {
    grt_policy policy;   /* never GRT_POLICY_DEFAULT; NONE with a schedule */
    grt_promise promise; /* never GRT_PROMISE_DEFAULT */
    float precision;     /* 0: none is promised */
    bool has_profile;
    bool reads_profile;  /* scores come from the profile's readouts, else the head */
    bool wants_scores;   /* before the last boundary: for decisions, or for a trace */
    float usual_margin;  /* of the spreads of movements as they usually are */
    size_t first_scored; /* at no boundary before this one: nothing reads it */
    grt_selector selector;
} grt_policy_choice;

/* What is asked for. */
typedef struct grt_policy_input {
    const grt_policy_options *options; /* never NULL */
    size_t n_documents;
    size_t k;
    const grt_schedule_entry *schedule; /* NULL: none; else it is the policy */
    size_t n_schedule;
    bool wants_scores; /* at every boundary, whoever reads them */
} grt_policy_input;

/* Fills *out, which borrows from profile and input.  A request for all candidates gets
 * GRT_POLICY_NONE.  first_head: the first layer with a head of its own; 0: the last
 * one's reads them all.  GRT_E_INVALID_ARG names the option at fault. */
GRT_NODISCARD grt_status grt_policy_choose(grt_policy_choice *out,
                                           const grt_profile *profile, size_t n_layers,
                                           size_t first_head,
                                           const grt_policy_input *input,
                                           grt_error *err);

/* Are there scores after `layer` layers, of n_layers? */
bool grt_policy_scores(const grt_policy_choice *choice, size_t layer, size_t n_layers);

#endif /* GRT_RANK_POLICY_H */
