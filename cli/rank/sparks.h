/* sparks.h - the scores of a document by layer, as a line of small bars for the table.
 */
#ifndef CLI_SPARKS_H
#define CLI_SPARKS_H

#include "grating.h"

/* Scores of one ranking; all zero: none are kept. */
typedef struct cli_sparks {
    float *scores; /* [n_documents][n_layers]; NaN: not computed */
    size_t n_documents, n_layers;
    float low, high; /* of all scores so far */
    int is_wanted;
} cli_sparks;

/* For the next ranking; nothing is kept unless `is_wanted`. */
void cli_sparks_begin(cli_sparks *sparks, int is_wanted, size_t n_documents);
/* Keeps what a step gave.  When memory is out there are no bars. */
void cli_sparks_step(cli_sparks *sparks, const grt_step *step);
void cli_sparks_release(cli_sparks *sparks);

/* Columns that bars take; 0: there are none. */
size_t cli_sparks_columns(const cli_sparks *sparks);
/* Prints a bar for each layer, from the lowest of all scores to the highest, and spaces
 * where a document was not computed, or the layer has no scores. */
void cli_sparks_print(const cli_sparks *sparks, size_t document);

#endif
