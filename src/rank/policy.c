/* policy.c - see policy.h. */
#include "rank/policy.h"

#include <math.h>

static const float default_precision = 0.99f;
static const float default_dispersion = 0.5f;
static const float default_explained = 0.9f;
enum { DEFAULT_CLUSTERS = 4, MAX_CLUSTERS = 64 };

static grt_status check(const grt_request *request, grt_error *err)
{
    float precision = request->precision;
    if (!(precision >= 0.0f && precision < 1.0f))
        GRT_FAIL(err, GRT_E_INVALID_ARG,
                 "a precision of %g; it must lie between 0 and 1 (policy none gives 1)",
                 (double)precision);
    if (!(request->dispersion >= 0.0f))
        GRT_FAIL(err, GRT_E_INVALID_ARG,
                 "a dispersion threshold of %g; it must be a positive number",
                 (double)request->dispersion);
    if (request->n_clusters == 1 || request->n_clusters > MAX_CLUSTERS)
        GRT_FAIL(err, GRT_E_INVALID_ARG, "%zu clusters; 2 to %d are allowed",
                 request->n_clusters, (int)MAX_CLUSTERS);
    if ((unsigned)request->policy > GRT_POLICY_SCHEDULE)
        GRT_FAIL(err, GRT_E_INVALID_ARG, "policy %d is not known",
                 (int)request->policy);
    if (request->policy == GRT_POLICY_SCHEDULE && !request->schedule)
        GRT_FAIL(err, GRT_E_INVALID_ARG, "policy schedule without a schedule");
    return GRT_OK;
}

static float precision_of(const grt_request *request)
{
    return request->precision > 0.0f ? request->precision : default_precision;
}

static void choose_bound(grt_policy_choice *out, const grt_profile *profile,
                         size_t n_layers, size_t first_head, const grt_request *request)
{
    grt_bound_policy *bound = &out->selector.bound;
    out->selector.kind = GRT_SELECTOR_BOUND;
    out->precision = precision_of(request);
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
    bound->margin = grt_profile_margin(profile, out->precision, request->k);
}

static void choose_cluster(grt_policy_choice *out, const grt_profile *profile,
                           const grt_request *request)
{
    grt_cluster_policy *cluster = &out->selector.cluster;
    out->selector.kind = GRT_SELECTOR_CLUSTER;
    cluster->explained = default_explained;
    cluster->max_clusters =
        request->n_clusters ? request->n_clusters : (size_t)DEFAULT_CLUSTERS;
    cluster->dispersion = default_dispersion;
    if (request->dispersion > 0.0f) {
        cluster->dispersion = request->dispersion;
    } else if (profile->path) {
        out->has_profile = true;
        out->precision = precision_of(request);
        grt_profile_cluster(profile, out->precision, request->k, &cluster->dispersion,
                            &out->selector.first_layer);
    }
}

grt_status grt_policy_choose(grt_policy_choice *out, const grt_profile *profile,
                             size_t n_layers, size_t first_head,
                             const grt_request *request, grt_error *err)
{
    GRT_TRY(check(request, err));
    *out = (grt_policy_choice){.policy = request->policy};
    out->selector.is_exact_order = request->keeps_order != 0;
    if (out->policy == GRT_POLICY_DEFAULT) out->policy = GRT_POLICY_BOUND;
    if (request->k == 0 || request->k >= request->n_documents)
        out->policy = GRT_POLICY_NONE;
    switch (out->policy) {
    case GRT_POLICY_DEFAULT:
    case GRT_POLICY_NONE: out->selector.kind = GRT_SELECTOR_NONE; break;
    case GRT_POLICY_CLUSTER: choose_cluster(out, profile, request); break;
    case GRT_POLICY_BOUND:
        choose_bound(out, profile, n_layers, first_head, request);
        break;
    case GRT_POLICY_SCHEDULE:
        out->selector.kind = GRT_SELECTOR_SCHEDULE;
        out->selector.schedule.steps = request->schedule;
        out->selector.schedule.n_steps = request->n_schedule;
        break;
    }
    if (request->first_layer > 0) out->selector.first_layer = request->first_layer;
    out->first_scored = out->reads_profile ? 0 : first_head;
    if (out->selector.first_layer < out->first_scored)
        out->selector.first_layer = out->first_scored;
    out->wants_scores = out->policy != GRT_POLICY_NONE || request->trace;
    return GRT_OK;
}

bool grt_policy_scores(const grt_policy_choice *choice, size_t layer, size_t n_layers)
{
    return layer == n_layers || (choice->wants_scores && layer >= choice->first_scored);
}
