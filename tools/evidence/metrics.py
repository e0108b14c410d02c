"""How well an early order agrees with the final one, and intervals of means.

A score is a number for each candidate of one request; a higher one is better.  gamma is
Goodman and Kruskal's (1954): (C - D) / (C + D), C the pairs of candidates that both scores
order alike, D those that they order differently; a pair that is tied in either is left out.
Cluster gamma is the same over pairs of different clusters only, as in figure 2b of
arXiv 2510.15620; clusters are those that the policy `cluster` makes of the early scores.
"""
import numpy as np

MAX_CLUSTERS, EXPLAINED = 4, 0.9  # of policy `cluster`
SAMPLES = 10000


def gamma(early, final, cluster=None):
    """None where no pair counts.  cluster: of each candidate; only pairs of two count."""
    early, final = np.asarray(early, float), np.asarray(final, float)
    first, second = np.triu_indices(early.size, 1)
    signs = np.sign(early[first] - early[second]) * np.sign(final[first] - final[second])
    if cluster is not None:
        cluster = np.asarray(cluster)
        signs = signs[cluster[first] != cluster[second]]
    counted = np.abs(signs).sum()
    return float(signs.sum() / counted) if counted else None


def costs(scores):
    """[i][j]: sum of squares of sorted scores i..j-1 around their mean."""
    n = scores.size
    sums = np.concatenate(([0.0], np.cumsum(scores)))
    squares = np.concatenate(([0.0], np.cumsum(scores ** 2)))
    begin, end = np.indices((n + 1, n + 1))
    size = np.maximum(end - begin, 1)
    cost = squares[end] - squares[begin] - (sums[end] - sums[begin]) ** 2 / size
    return np.where(end > begin, np.maximum(cost, 0.0), np.where(end == begin, 0.0, np.inf))


def clusters(scores, most=MAX_CLUSTERS, explained=EXPLAINED):
    """The cluster of each score, 0 the lowest: the fewest, at least 2, that explain that
    share of the sum of squares, placed where their own is least; docs/algorithms/selection.md."""
    scores = np.asarray(scores, float)
    order = np.argsort(scores, kind="stable")
    run = costs(scores[order] - scores.mean())
    least, begins = run[0], []
    total = least[-1]
    while total > 0 and len(begins) + 1 < min(most, scores.size) and \
            (not begins or least[-1] > max(1 - explained, 1e-12) * total):
        through = least[:, None] + run
        begins.append(through.argmin(axis=0))
        least = through.min(axis=0)
    found, end = np.zeros(scores.size, int), scores.size
    for number in range(len(begins), 0, -1):
        begin = begins[number - 1][end]
        found[order[begin:end]] = number
        end = begin
    return found


def cluster_gamma(early, final):
    return gamma(early, final, clusters(early))


def ndcg(grades, judged, k):
    """As trec_eval: grades of the documents as ranked, those of all that were judged."""
    discounts = 1.0 / np.log2(np.arange(2, k + 2))
    ideal = np.sort(np.clip(judged, 0, None))[::-1][:k]
    found = np.clip(grades, 0, None)[:k]
    best = float(ideal @ discounts[:ideal.size])
    return float(found @ discounts[:found.size]) / best if best > 0 else 0.0


def mean(values):
    values = [v for v in values if v is not None]
    return float(np.mean(values)) if values else None


def interval(values, seed=1):
    """(mean, low, high): 95 % by the bootstrap over values, those that are None left out."""
    values = np.array([v for v in values if v is not None], float)
    if not values.size:
        return None, None, None
    picks = np.random.default_rng(seed).integers(0, values.size, (SAMPLES, values.size))
    low, high = np.percentile(values[picks].mean(axis=1), [2.5, 97.5])
    return float(values.mean()), float(low), float(high)
