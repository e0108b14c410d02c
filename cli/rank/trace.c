/* trace.c - writes the JSON that `grating rank --trace` makes and `grating plot` draws.
 */
#include "rank/trace.h"

#include "frame/cli.h"
#include "frame/ids.h"
#include "frame/text.h"
#include "wire/results.h"

#include <errno.h>
#include <string.h>

enum { TEXT_CHARACTERS = 80 };

int cli_trace_create(cli_trace *trace, const char *path, const char *model)
{
    *trace = (cli_trace){0};
    int code = cli_file_create(&trace->file, path);
    if (code) return code;
    FILE *file = trace->file.file;
    fputs("{\"format\": \"grating-trace\", \"version\": 1, \"model\": ", file);
    cli_text_json(file, model, strlen(model));
    fputs(", \"queries\": [", file);
    return CLI_SUCCESS;
}

/* Memory that is out is a write that failed. */
static void flush(cli_trace *trace)
{
    FILE *file = trace->file.file;
    if (trace->buffer.has_failed && !trace->file.error) trace->file.error = ENOMEM;
    if (!trace->buffer.has_failed)
        fwrite(trace->buffer.data, 1, trace->buffer.bytes, file);
    wire_clear(&trace->buffer);
    (void)cli_file_check(&trace->file);
}

void cli_trace_begin(cli_trace *trace, const grt_request *request, const json_t *id)
{
    cli_id_text storage;
    wire_json *json = &trace->json;
    size_t n = request->n_documents;
    wire_put_string(&trace->buffer, trace->n_queries ? ",\n" : "\n");
    *json = (wire_json){.out = &trace->buffer};
    wire_begin(json, NULL, '{');
    wire_text(json, "query", request->query, request->query_bytes);
    wire_put_id(json, "id", cli_id(id, &storage));
    wire_count(json, "k", request->k && request->k < n ? request->k : n);
    wire_begin(json, "steps", '[');
    flush(trace);
    trace->n_queries++;
}

void cli_trace_step(cli_trace *trace, const grt_step *step)
{
    if (step->n == 0) return;
    wire_put_string(&trace->buffer, trace->json.needs_comma ? ",\n " : "\n ");
    trace->json.needs_comma = 0;
    wire_put_step(&trace->json, NULL, step);
    flush(trace);
}

static void put_document(cli_trace *trace, const grt_item *item, size_t rank,
                         const cli_documents *documents)
{
    const char *text = documents->texts[item->index];
    size_t bytes =
        cli_text_prefix(text, documents->bytes[item->index], TEXT_CHARACTERS);
    wire_json *json = &trace->json;
    wire_put_string(&trace->buffer, json->needs_comma ? ",\n " : "\n ");
    json->needs_comma = 0;
    wire_begin(json, NULL, '{');
    wire_count(json, "index", item->index);
    wire_put_id(json, "id", cli_documents_id(documents, item->index));
    wire_text(json, "text", text, bytes);
    wire_count(json, "rank", rank);
    wire_string(json, "state", grt_state_text((grt_state)item->state));
    wire_count(json, "decided_at_layer", item->layer);
    wire_float(json, "score", item->score);
    wire_float(json, "logit", item->logit);
    wire_end(json, '}');
    flush(trace);
}

void cli_trace_end(cli_trace *trace, const grt_result *result,
                   const cli_documents *documents)
{
    wire_json *json = &trace->json;
    grt_stats stats = GRT_STATS_INIT;
    grt_item item = GRT_ITEM_INIT;
    grt_result_stats(result, &stats);
    size_t n = grt_result_count(result);
    wire_put_string(&trace->buffer, "],\n ");
    json->needs_comma = 0;
    wire_count(json, "n_layers", stats.n_layers);
    wire_string(json, "policy", grt_policy_text((grt_policy)stats.policy));
    if (stats.precision > 0) wire_float(json, "precision", stats.precision);
    wire_begin(json, "documents", '[');
    for (size_t rank = 0; rank < n && !grt_result_item(result, rank, &item); rank++)
        put_document(trace, &item, rank + 1, documents);
    wire_end(json, ']');
    wire_end(json, '}');
    flush(trace);
}

int cli_trace_commit(cli_trace *trace)
{
    fputs("\n]}\n", trace->file.file);
    wire_release(&trace->buffer);
    return cli_file_commit(&trace->file);
}

void cli_trace_discard(cli_trace *trace)
{
    wire_release(&trace->buffer);
    cli_file_discard(&trace->file);
}
