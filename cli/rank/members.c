/* members.c - see members.h. */
#include "rank/members.h"

#include <string.h>

enum {
    TOKENS,
    TOKENS_OF_OTHERS, /* as other programs call it */
    LONG_DOCUMENTS,
    POLICY,
    PROMISE,
    PRECISION,
    FIRST_LAYER,
    DISPERSION,
    CLUSTERS,
    DEADLINE,
    N_MEMBERS
};

const char *const cli_member_names[] = {[TOKENS] = "max_document_tokens",
                                        [TOKENS_OF_OTHERS] = "max_tokens_per_doc",
                                        [LONG_DOCUMENTS] = "long_documents",
                                        [POLICY] = "policy",
                                        [PROMISE] = "promise",
                                        [PRECISION] = "precision",
                                        [FIRST_LAYER] = "first_layer",
                                        [DISPERSION] = "dispersion",
                                        [CLUSTERS] = "clusters",
                                        [DEADLINE] = "deadline",
                                        [N_MEMBERS] = NULL};

/* A whole number from `least` on; 0: it is none. */
static int read_number(size_t *out, const json_t *value, size_t least, size_t most)
{
    if (!json_is_integer(value)) return 0;
    json_int_t number = json_integer_value(value);
    if (number < (json_int_t)least || number > (json_int_t)most) return 0;
    *out = (size_t)number;
    return 1;
}

static int read_real(float *out, const json_t *value, double limit)
{
    double number = json_number_value(value);
    if (!json_is_number(value) || !((float)number > 0)) return 0;
    if (!((float)number < (float)limit)) return 0;
    *out = (float)number;
    return 1;
}

/* What a member may be where it is something else. */
static const char *const expected[] = {
    [TOKENS] = "a whole number from 1 on",
    [TOKENS_OF_OTHERS] = "a whole number from 1 on",
    [LONG_DOCUMENTS] = "\"cut\", \"best\" or \"refuse\"",
    [POLICY] = "\"bound\", \"cluster\" or \"none\"",
    [PROMISE] = "\"set\", \"order\" or \"scores\"",
    [PRECISION] = "a number above 0 and below 1",
    [FIRST_LAYER] = "a whole number from 1 to 1000",
    [DISPERSION] = "a number above 0 and below 1000",
    [CLUSTERS] = "a whole number from 2 to 64",
    [DEADLINE] = "a time, such as \"800ms\" or \"1.5s\""};

/* 0: the value is none that the member can have. */
static int read_member(cli_rank_options *options, int member, const json_t *value)
{
    enum { TOKENS_MAX = 1000000000, LAYERS_MAX = 1000, CLUSTERS_MAX = 64 };
    const char *text = json_string_value(value);
    switch (member) {
    case TOKENS:
    case TOKENS_OF_OTHERS:
        return read_number(&options->max_document_tokens, value, 1, TOKENS_MAX);
    case LONG_DOCUMENTS:
        return text &&
               grt_long_documents_from_text(&options->long_documents, text) == GRT_OK;
    case POLICY: return text && grt_policy_from_text(&options->policy, text) == GRT_OK;
    case PROMISE:
        return text && grt_promise_from_text(&options->promise, text) == GRT_OK;
    case PRECISION: return read_real(&options->precision, value, 1);
    case FIRST_LAYER: return read_number(&options->first_layer, value, 1, LAYERS_MAX);
    case DISPERSION: return read_real(&options->dispersion, value, 1000);
    case CLUSTERS: return read_number(&options->n_clusters, value, 2, CLUSTERS_MAX);
    default: return text && cli_read_duration(text, &options->deadline_ns);
    }
}

/* What the line asks for and its policy would not read; what the command says of all
 * lines gives way without a word. */
static const char *check_policy(cli_rank_options *options, const int *is_said)
{
    int is_cluster = options->policy == GRT_POLICY_CLUSTER;
    int is_none = options->policy == GRT_POLICY_NONE;
    if (is_none && (is_said[PRECISION] || is_said[PROMISE] || is_said[FIRST_LAYER]))
        return "\"precision\", \"promise\" and \"first_layer\" are not for the policy "
               "none, which decides nothing early";
    if (!is_cluster && (is_said[DISPERSION] || is_said[CLUSTERS]))
        return "\"dispersion\" and \"clusters\" are for the policy cluster";
    if (is_said[PRECISION] && is_said[DISPERSION])
        return "\"precision\" and \"dispersion\" exclude each other: a profile turns "
               "one into the other";
    if (is_said[DISPERSION]) options->precision = 0;
    if (is_said[PRECISION] || !is_cluster) options->dispersion = 0;
    if (!is_cluster) options->n_clusters = 0;
    if (is_none) options->precision = 0;
    return NULL;
}

const char *cli_members_read(cli_rank_options *options, const json_t *line,
                             char *problem, size_t n_problem)
{
    int is_said[N_MEMBERS] = {0};
    for (int i = 0; i < N_MEMBERS; i++) {
        const json_t *value = json_object_get(line, cli_member_names[i]);
        is_said[i] = value && !json_is_null(value);
        if (!is_said[i] || read_member(options, i, value)) continue;
        snprintf(problem, n_problem, "\"%s\" is not %s", cli_member_names[i],
                 expected[i]);
        return problem;
    }
    const char *text = check_policy(options, is_said);
    if (text) snprintf(problem, n_problem, "%s", text);
    return text;
}
