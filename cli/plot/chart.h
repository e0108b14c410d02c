/*
 * chart.h - a trace as a picture: the scores of the documents by layer, as SVG.
 *
 * What became of a document is shown by colour and by the marker at the end of its
 * line.  The colours are those of Okabe and Ito, which people with any form of colour
 * blindness tell apart; the picture follows the reader's light or dark scheme.
 */
#ifndef CLI_CHART_H
#define CLI_CHART_H

#include "plot/trace_read.h"

#include <stdio.h>

/* Draws scores, or with `by_rank` the ranks that they give.  CLI_FAILURE after an error
 * line when memory is out; write errors stay in `file`. */
int cli_chart_draw(FILE *file, const cli_traced_query *query, int by_rank);

#endif
