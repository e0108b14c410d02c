/* sparks.c - see sparks.h. */
#include "rank/sparks.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

enum { LAYERS_MAX = 48, N_HEIGHTS = 8 };

void cli_sparks_begin(cli_sparks *sparks, int is_wanted, size_t n_documents)
{
    cli_sparks_release(sparks);
    sparks->n_documents = n_documents;
    sparks->is_wanted = is_wanted;
    sparks->low = INFINITY;
    sparks->high = -INFINITY;
}

/* The number of layers is known with the first step. */
static int has_room(cli_sparks *sparks, size_t n_layers)
{
    if (sparks->scores) return 1;
    if (!sparks->is_wanted || n_layers == 0 || n_layers > LAYERS_MAX) return 0;
    sparks->scores = calloc(sparks->n_documents, n_layers * sizeof *sparks->scores);
    sparks->is_wanted = sparks->scores != NULL;
    if (!sparks->scores) return 0;
    sparks->n_layers = n_layers;
    for (size_t i = 0; i < sparks->n_documents * n_layers; i++)
        sparks->scores[i] = NAN;
    return 1;
}

void cli_sparks_step(cli_sparks *sparks, const grt_step *step)
{
    if (step->n == 0 || !has_room(sparks, step->n_layers)) return;
    if (step->layer == 0 || step->layer > sparks->n_layers) return;
    for (size_t i = 0; i < step->n; i++) {
        float score = step->scores[i];
        if (step->indices[i] >= sparks->n_documents || !isfinite(score)) continue;
        sparks->scores[step->indices[i] * sparks->n_layers + step->layer - 1] = score;
        if (score < sparks->low) sparks->low = score;
        if (score > sparks->high) sparks->high = score;
    }
}

void cli_sparks_release(cli_sparks *sparks)
{
    free(sparks->scores);
    *sparks = (cli_sparks){0};
}

size_t cli_sparks_columns(const cli_sparks *sparks)
{
    return sparks && sparks->scores ? sparks->n_layers : 0;
}

void cli_sparks_print(const cli_sparks *sparks, size_t document)
{
    const float *scores = sparks->scores + document * sparks->n_layers;
    float range = sparks->high - sparks->low;
    for (size_t i = 0; i < sparks->n_layers; i++) {
        if (!isfinite(scores[i])) {
            putchar(' ');
            continue;
        }
        float share = range > 0 ? (scores[i] - sparks->low) / range : 0;
        int height = (int)(share * N_HEIGHTS);
        if (height >= N_HEIGHTS) height = N_HEIGHTS - 1;
        printf("\xe2\x96%c", 0x81 + height); /* U+2581, a low bar, to U+2588 */
    }
}
