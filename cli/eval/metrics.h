/*
 * metrics.h - how good a ranking is, by judgements, as trec_eval computes it.
 *
 * A ranking is judged from its first `k` places.  What is not judged is not relevant,
 * and neither is a grade below 0.  What the candidates lack of the relevant documents
 * counts: ideal order and recall are about all judgements of the query.
 */
#ifndef CLI_METRICS_H
#define CLI_METRICS_H

#include <stddef.h>

typedef enum cli_metric {
    CLI_METRIC_NDCG,
    CLI_METRIC_PRECISION,
    CLI_METRIC_MRR,
    CLI_METRIC_RECALL,
    CLI_METRIC_OVERLAP, /* with the full pass's top K; needs no judgements */
    CLI_N_METRICS
} cli_metric;

/* "ndcg", ... as in JSON.  Static. */
const char *cli_metric_key(cli_metric metric);
/* "NDCG", ... as in tables.  Static. */
const char *cli_metric_name(cli_metric metric);

typedef struct cli_judged {
    const int *grades; /* [n] best-ranked first */
    size_t n;
    const int *ideal; /* [n_ideal] all grades above 0 of the query, largest first */
    size_t n_ideal;
    int level; /* from this grade on a document is relevant; at least 1 */
} cli_judged;

/* Gain: the grade; discount: log2(place + 1); 0 when nothing has a grade above 0. */
double cli_ndcg(const cli_judged *judged, size_t k);
/* Relevant documents among the first k, over k, also where there are fewer. */
double cli_precision(const cli_judged *judged, size_t k);
/* 1 / place of the first relevant document; 0 when none is among the first k. */
double cli_mrr(const cli_judged *judged, size_t k);
/* Relevant documents among the first k, over all relevant ones. */
double cli_recall(const cli_judged *judged, size_t k);

#endif
