/* policy.c - see policy.h. */
#include "rank/policy.h"

#include <math.h>

static const float default_precision = 0.99f;
/* The precision whose margin fits movements as they are: it was found where the share
 * of those who move far enough to matter is small, and yet was seen. */
static const float usual_precision = 0.99f;
static const float default_dispersion = 0.5f;
static const float default_explained = 0.9f;
enum { DEFAULT_CLUSTERS = 4, MAX_CLUSTERS = 64 };

static grt_status check(const grt_policy_options *options, grt_error *err)
{
    float precision = options->precision;
    if (!(precision >= 0.0f && precision < 1.0f))
        GRT_FAIL(err, GRT_E_INVALID_ARG,
                 "a precision of %g; it must lie between 0 and 1 (policy none gives 1)",
                 (double)precision);
    if (!(options->dispersion >= 0.0f))
        GRT_FAIL(err, GRT_E_INVALID_ARG,
                 "a dispersion threshold of %g; it must be a positive number",
                 (double)options->dispersion);
    if (options->n_clusters == 1 || options->n_clusters > MAX_CLUSTERS)
        GRT_FAIL(err, GRT_E_INVALID_ARG, "%zu clusters; 2 to %d are allowed",
                 options->n_clusters, (int)MAX_CLUSTERS);
    if (options->policy < 0 || options->policy > GRT_POLICY_BOUND)
        GRT_FAIL(err, GRT_E_INVALID_ARG, "policy %d is not known",
                 (int)options->policy);
    if (options->promise < 0 || options->promise > GRT_PROMISE_SCORES)
        GRT_FAIL(err, GRT_E_INVALID_ARG, "promise %d is not known",
                 (int)options->promise);
    return GRT_OK;
}

static float precision_of(const grt_policy_input *input)
{
    float asked = input->options->precision;
    return asked > 0.0f ? asked : default_precision;
}

static void choose_bound(grt_policy_choice *out, const grt_profile *profile,
                         size_t n_layers, size_t first_head,
                         const grt_policy_input *input)
{
    grt_bound_policy *bound = &out->selector.bound;
    out->selector.kind = GRT_SELECTOR_BOUND;
    out->precision = precision_of(input);
    bound->precision = out->precision;
    bound->n_layers = n_layers;
    bound->margin = 1.0f;
    if (!profile->path) {
        /* the last layer's head reads the first half of the layers hardly at all */
        out->selector.first_layer = first_head ? first_head : (n_layers + 1) / 2;
        return;
    }
    out->has_profile = out->reads_profile = true;
    bound->spread = profile->spreads;
    bound->moves = profile->moves;
    bound->margin = grt_profile_margin(profile, out->precision, input->k);
    float usual = grt_profile_margin(profile, usual_precision, input->k);
    if (usual < 1) out->usual_margin = usual; /* infinity: none reaches it */
}

static void choose_cluster(grt_policy_choice *out, const grt_profile *profile,
                           const grt_policy_input *input)
{
    const grt_policy_options *options = input->options;
    grt_cluster_policy *cluster = &out->selector.cluster;
    out->selector.kind = GRT_SELECTOR_CLUSTER;
    cluster->explained = default_explained;
    cluster->max_clusters =
        options->n_clusters ? options->n_clusters : (size_t)DEFAULT_CLUSTERS;
    cluster->dispersion = default_dispersion;
    if (options->dispersion > 0.0f) {
        cluster->dispersion = options->dispersion;
    } else if (profile->path) {
        out->has_profile = true;
        out->precision = precision_of(input);
        grt_profile_cluster(profile, out->precision, input->k, &cluster->dispersion,
                            &out->selector.first_layer);
    }
}

static void choose_schedule(grt_policy_choice *out, const grt_policy_input *input)
{
    out->policy = GRT_POLICY_NONE;
    out->selector.kind = GRT_SELECTOR_SCHEDULE;
    out->selector.schedule.steps = input->schedule;
    out->selector.schedule.n_steps = input->n_schedule;
}

/* Where scores do not predict the final logit an order is known at the end only. */
static void choose_promise(grt_policy_choice *out)
{
    bool predicts = grt_reads_predictions(&out->selector);
    out->selector.settles_order = out->promise == GRT_PROMISE_ORDER && predicts;
    out->selector.is_exact_order = out->promise == GRT_PROMISE_SCORES ||
                                   (out->promise == GRT_PROMISE_ORDER && !predicts);
}

grt_status grt_policy_choose(grt_policy_choice *out, const grt_profile *profile,
                             size_t n_layers, size_t first_head,
                             const grt_policy_input *input, grt_error *err)
{
    const grt_policy_options *options = input->options;
    GRT_TRY(check(options, err));
    *out = (grt_policy_choice){.policy = (grt_policy)options->policy,
                               .promise = (grt_promise)options->promise,
                               .usual_margin = 1.0f};
    if (out->promise == GRT_PROMISE_DEFAULT)
        out->promise = input->schedule ? GRT_PROMISE_SET : GRT_PROMISE_ORDER;
    if (out->policy == GRT_POLICY_DEFAULT) out->policy = GRT_POLICY_BOUND;
    bool wants_all = input->k == 0 || input->k >= input->n_documents;
    if (wants_all) out->policy = GRT_POLICY_NONE;
    if (input->schedule && !wants_all)
        choose_schedule(out, input);
    else if (out->policy == GRT_POLICY_CLUSTER)
        choose_cluster(out, profile, input);
    else if (out->policy == GRT_POLICY_BOUND)
        choose_bound(out, profile, n_layers, first_head, input);
    else
        out->selector.kind = GRT_SELECTOR_NONE;
    choose_promise(out);
    if (options->first_layer > 0) out->selector.first_layer = options->first_layer;
    out->first_scored = out->reads_profile ? 0 : first_head;
    if (out->selector.first_layer < out->first_scored)
        out->selector.first_layer = out->first_scored;
    out->wants_scores = out->selector.kind != GRT_SELECTOR_NONE || input->wants_scores;
    return GRT_OK;
}

bool grt_policy_scores(const grt_policy_choice *choice, size_t layer, size_t n_layers)
{
    return layer == n_layers || (choice->wants_scores && layer >= choice->first_scored);
}
