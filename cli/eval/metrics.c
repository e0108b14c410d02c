/* metrics.c - how good a ranking is, by judgements, as trec_eval computes it. */
#include "eval/metrics.h"

#include <math.h>

static const char *const keys[] = {"ndcg", "precision", "mrr", "recall", "overlap"};
static const char *const names[] = {"NDCG", "P", "MRR", "recall", "overlap"};

const char *cli_metric_key(cli_metric metric)
{
    return keys[metric];
}

const char *cli_metric_name(cli_metric metric)
{
    return names[metric];
}

/* Jarvelin and Kekalainen (2002), with the discount of Burges et al. (2005) and the
 * gain of the former. */
static double dcg(const int *grades, size_t n, size_t k)
{
    double sum = 0;
    for (size_t i = 0; i < n && i < k; i++) {
        if (grades[i] > 0) sum += grades[i] / log2((double)i + 2);
    }
    return sum;
}

double cli_ndcg(const cli_judged *judged, size_t k)
{
    double ideal = dcg(judged->ideal, judged->n_ideal, k);
    return ideal > 0 ? dcg(judged->grades, judged->n, k) / ideal : 0;
}

static size_t count_relevant(const int *grades, size_t n, size_t k, int level)
{
    size_t count = 0;
    for (size_t i = 0; i < n && i < k; i++)
        count += grades[i] >= level;
    return count;
}

double cli_precision(const cli_judged *judged, size_t k)
{
    size_t found = count_relevant(judged->grades, judged->n, k, judged->level);
    return (double)found / (double)k;
}

double cli_mrr(const cli_judged *judged, size_t k)
{
    for (size_t i = 0; i < judged->n && i < k; i++) {
        if (judged->grades[i] >= judged->level) return 1 / (double)(i + 1);
    }
    return 0;
}

double cli_recall(const cli_judged *judged, size_t k)
{
    size_t all =
        count_relevant(judged->ideal, judged->n_ideal, judged->n_ideal, judged->level);
    size_t found = count_relevant(judged->grades, judged->n, k, judged->level);
    return all ? (double)found / (double)all : 0;
}
