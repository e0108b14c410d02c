/*
 * trace.h - writes the JSON that `grating rank --trace` makes and `grating plot` draws.
 *
 * One object for each run; its members come in the order in which they become known, so
 * that nothing is kept in memory:
 *
 *     {"format": "grating-trace", "version": 1, "model": PATH, "queries": [
 *       {"query": TEXT, "id": ID, "k": K,
 *        "steps": [{"layer": 1, "candidates": [INDEX...], "scores": [LOGIT...],
 *                   "states": ["active"|"selected"|"dropped"|"finished"...],
 *                   "expected_precision": E}...],
 *        "n_layers": N, "policy": NAME, "precision": P, "documents": [
 *          {"index": I, "id": ID, "text": START, "rank": R, "state": STATE,
 *           "decided_at_layer": L, "score": S, "logit": X}...]}...]}
 *
 * Documents stand in the order of their ranks.  A number that is not finite is null.
 */
#ifndef CLI_TRACE_H
#define CLI_TRACE_H

#include "frame/documents.h"
#include "frame/file.h"
#include "grating.h"
#include "wire/json.h"

typedef struct cli_trace {
    cli_file file;
    wire_buffer buffer; /* what is not in the file yet */
    wire_json json;     /* of the current query */
    size_t n_queries;
} cli_trace;

int cli_trace_create(cli_trace *trace, const char *path, const char *model);
/* Between these two each step of the ranking goes to cli_trace_step.  What goes wrong
 * shows when the trace is committed. */
void cli_trace_begin(cli_trace *trace, const grt_request *request, const json_t *id);
void cli_trace_end(cli_trace *trace, const grt_result *result,
                   const cli_documents *documents);
/* Writes nothing for a step that has no scores. */
void cli_trace_step(cli_trace *trace, const grt_step *step);
int cli_trace_commit(cli_trace *trace);
void cli_trace_discard(cli_trace *trace);

#endif
