/* trace.c - writes the JSON that `grating rank --trace` makes and `grating plot` draws.
 */
#include "rank/trace.h"

#include "frame/cli.h"
#include "frame/ids.h"
#include "frame/text.h"

#include <math.h>
#include <stdlib.h>
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

static void put_id(FILE *file, const json_t *id)
{
    if (!id) return;
    fputs("\"id\": ", file);
    cli_id_json(file, id);
    fputs(", ", file);
}

static void put_number(FILE *file, float value)
{
    if (isfinite(value))
        fprintf(file, "%.9g", (double)value);
    else
        fputs("null", file);
}

void cli_trace_begin(cli_trace *trace, const grt_request *request, const json_t *id)
{
    FILE *file = trace->file.file;
    fprintf(file, "%s\n{\"query\": ", trace->n_queries ? "," : "");
    cli_text_json(file, request->query, request->query_bytes);
    fputs(", ", file);
    put_id(file, id);
    size_t n = request->n_documents;
    fprintf(file, "\"k\": %zu, \"steps\": [",
            request->k && request->k < n ? request->k : n);
    trace->n_queries++;
    trace->n_steps = 0;
}

void cli_trace_step(const grt_trace_step *step, void *payload)
{
    cli_trace *trace = payload;
    FILE *file = trace->file.file;
    fprintf(file, "%s\n {\"layer\": %zu, \"candidates\": [", trace->n_steps ? "," : "",
            step->layer);
    for (size_t i = 0; i < step->n; i++)
        fprintf(file, "%s%zu", i ? ", " : "", step->indices[i]);
    fputs("], \"scores\": [", file);
    for (size_t i = 0; i < step->n; i++) {
        if (i) fputs(", ", file);
        put_number(file, step->scores[i]);
    }
    fputs("], \"states\": [", file);
    for (size_t i = 0; i < step->n; i++)
        fprintf(file, "%s\"%s\"", i ? ", " : "", grt_state_text(step->states[i]));
    fputs("]}", file);
    trace->n_steps++;
    (void)cli_file_check(&trace->file);
}

static void put_document(FILE *file, const grt_item *item, size_t rank,
                         const cli_documents *documents)
{
    const char *text = documents->texts[item->index];
    fprintf(file, "\n {\"index\": %zu, ", item->index);
    put_id(file, documents->ids[item->index]);
    fputs("\"text\": ", file);
    cli_text_json(
        file, text,
        cli_text_prefix(text, documents->bytes[item->index], TEXT_CHARACTERS));
    fprintf(file, ", \"rank\": %zu, \"state\": \"%s\", \"decided_at_layer\": %zu, ",
            rank, grt_state_text(item->state), item->decided_at_layer);
    fputs("\"score\": ", file);
    put_number(file, item->score);
    fputs(", \"logit\": ", file);
    put_number(file, item->logit);
    putc('}', file);
}

void cli_trace_end(cli_trace *trace, const grt_result *result,
                   const cli_documents *documents)
{
    FILE *file = trace->file.file;
    const grt_stats *stats = grt_result_stats(result);
    const grt_item *items = grt_result_items(result);
    size_t n = grt_result_count(result);
    fprintf(file, "],\n \"n_layers\": %zu, \"policy\": \"%s\", ", stats->n_layers,
            grt_policy_text(stats->policy));
    if (stats->precision > 0)
        fprintf(file, "\"precision\": %g, ", (double)stats->precision);
    fputs("\"documents\": [", file);
    for (size_t rank = 0; rank < n; rank++) {
        if (rank) putc(',', file);
        put_document(file, &items[rank], rank + 1, documents);
    }
    fputs("]}", file);
    (void)cli_file_check(&trace->file);
}

int cli_trace_commit(cli_trace *trace)
{
    fputs("\n]}\n", trace->file.file);
    return cli_file_commit(&trace->file);
}

void cli_trace_discard(cli_trace *trace)
{
    cli_file_discard(&trace->file);
}
