/* order.c - see order.h.  Heap sort: no memory, no recursion, and the order is total.
 */
#include "select/order.h"

#include <math.h>

/* A strict total order: scores falling, NaN last, ties by index. */
static int comes_before(const float *scores, size_t a, size_t b)
{
    int a_is_nan = isnan(scores[a]) != 0, b_is_nan = isnan(scores[b]) != 0;
    if (a_is_nan != b_is_nan) return b_is_nan;
    if (!a_is_nan && scores[a] != scores[b]) return scores[a] > scores[b];
    return a < b;
}

/* The heap keeps the candidate that comes last at its root. */
static void sift_down(size_t *heap, const float *scores, size_t root, size_t n)
{
    for (;;) {
        size_t child = 2 * root + 1;
        if (child >= n) return;
        if (child + 1 < n && comes_before(scores, heap[child], heap[child + 1]))
            child++;
        if (!comes_before(scores, heap[root], heap[child])) return;
        size_t moved = heap[root];
        heap[root] = heap[child];
        heap[child] = moved;
        root = child;
    }
}

void grt_order_by_score(size_t *order, const float *scores, size_t n)
{
    for (size_t i = 0; i < n; i++)
        order[i] = i;
    for (size_t i = n / 2; i-- > 0;)
        sift_down(order, scores, i, n);
    for (size_t last = n; last-- > 1;) {
        size_t worst = order[0];
        order[0] = order[last];
        order[last] = worst;
        sift_down(order, scores, 0, last);
    }
}
