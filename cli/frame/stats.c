/* stats.c - what requests computed and read, and the plan of their memory. */
#include "frame/stats.h"

#include "frame/text.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* ---- The sum of a run ---- */

void cli_stats_add(cli_stats *stats, const grt_stats *request, const cli_plan *plan)
{
    grt_stats *sum = &stats->sum;
    stats->n_queries++;
    stats->full_candidates_x_layers +=
        (uint64_t)request->n_documents * request->n_layers;
    sum->n_documents += request->n_documents;
    sum->n_layers = request->n_layers;
    sum->n_tokens += request->n_tokens;
    sum->tokens_x_layers += request->tokens_x_layers;
    sum->full_tokens_x_layers += request->full_tokens_x_layers;
    sum->candidates_x_layers += request->candidates_x_layers;
    sum->weight_bytes += request->weight_bytes;
    sum->embedding_bytes += request->embedding_bytes;
    sum->read_ns += request->read_ns;
    sum->wait_ns += request->wait_ns;
    sum->tokenize_ns += request->tokenize_ns;
    sum->compute_ns += request->compute_ns;
    sum->total_ns += request->total_ns;
    if (request->memory_bytes > sum->memory_bytes)
        sum->memory_bytes = request->memory_bytes;
    if (request->drift > sum->drift) sum->drift = request->drift;
    stats->n_drifted += request->drift >= CLI_DRIFT_FAR;
    stats->n_late += request->deadline_hit != 0;
    if (plan->memory.total_bytes >= stats->plan.memory.total_bytes) stats->plan = *plan;
    sum->isa = request->isa;
    sum->arithmetic = request->arithmetic;
    /* Queries that want all their documents have no policy; the others have the same.
     */
    if (sum->policy == GRT_POLICY_DEFAULT || request->policy != GRT_POLICY_NONE) {
        sum->policy = request->policy;
        sum->precision = request->precision;
        sum->has_profile = request->has_profile;
    }
}

/* ---- Lines on standard error ---- */

static void put_name(const char *name)
{
    fprintf(stderr, "%-20s ", name);
}

static void put_share(const char *name, uint64_t part, uint64_t whole)
{
    put_name(name);
    fprintf(stderr, "%s of %s", cli_grouped(part).text, cli_grouped(whole).text);
    if (whole) fprintf(stderr, " (%.1f %%)", 100 * (double)part / (double)whole);
    putc('\n', stderr);
}

static double milliseconds(uint64_t ns)
{
    return (double)ns / 1e6;
}

static void report_policy(const grt_stats *sum, const char *profile)
{
    put_name("policy");
    fputs(grt_policy_text((grt_policy)sum->policy), stderr);
    if (sum->precision > 0) fprintf(stderr, ", precision %g", (double)sum->precision);
    putc('\n', stderr);
    put_name("profile");
    if (!profile)
        fputs("none", stderr);
    else
        cli_text_print(stderr, profile, strlen(profile), 0);
    if (profile && !sum->has_profile) fputs(" (not used)", stderr);
    putc('\n', stderr);
}

/* Policies that measure no drift have no line. */
static void report_drift(const cli_stats *stats)
{
    if (!(stats->sum.drift > 0)) return;
    put_name("drift");
    fprintf(stderr, "%.2f", (double)stats->sum.drift);
    if (stats->n_queries > 1)
        fprintf(stderr, " at most, %g or more in %s of %s queries",
                (double)CLI_DRIFT_FAR, cli_grouped(stats->n_drifted).text,
                cli_grouped(stats->n_queries).text);
    putc('\n', stderr);
}

static void report_plan(const grt_memory_plan *plan)
{
    put_name("memory planned");
    if (plan->n_layers == 0) {
        fputs("nothing\n", stderr); /* the deadline came first */
        return;
    }
    fputs(cli_bytes_text(plan->total_bytes).text, stderr);
    if (plan->budget_bytes)
        fprintf(stderr, " of %s", cli_bytes_text(plan->budget_bytes).text);
    fprintf(stderr, ": %zu of %zu layers, chunks of %zu rows, hidden states %s\n",
            plan->n_slots, plan->n_layers, plan->chunk_rows,
            grt_hidden_storage_text((grt_hidden_storage)plan->hidden));
}

void cli_stats_report(const cli_stats *stats, const char *profile)
{
    const grt_stats *sum = &stats->sum;
    put_name("queries");
    fprintf(stderr, "%s\n", cli_grouped(stats->n_queries).text);
    put_name("documents");
    fprintf(stderr, "%s, %s tokens\n", cli_grouped(sum->n_documents).text,
            cli_grouped(sum->n_tokens).text);
    report_policy(sum, profile);
    report_drift(stats);
    put_share("layers x candidates", sum->candidates_x_layers,
              stats->full_candidates_x_layers);
    put_share("layers x tokens", sum->tokens_x_layers, sum->full_tokens_x_layers);
    put_name("read");
    fprintf(stderr, "%s of layers, %s of the embedding\n",
            cli_bytes_text(sum->weight_bytes).text,
            cli_bytes_text(sum->embedding_bytes).text);
    put_name("time");
    fprintf(stderr, "%.1f ms: tokenizing %.1f, computing %.1f, of that waiting %.1f\n",
            milliseconds(sum->total_ns), milliseconds(sum->tokenize_ns),
            milliseconds(sum->compute_ns), milliseconds(sum->wait_ns));
    report_plan(&stats->plan.memory);
    put_name("arithmetic");
    fprintf(stderr, "%s, %s\n", grt_arithmetic_text((grt_arithmetic)sum->arithmetic),
            sum->isa ? sum->isa : "");
}

/* ---- The plan as a table ---- */

static void put_part(const char *name, uint64_t bytes, const char *detail)
{
    printf("  %-15s %15s  ", name, cli_grouped(bytes).text);
    printf(detail[0] ? "%-10s  %s\n" : "%s%s\n", cli_bytes_text(bytes).text, detail);
}

void cli_plan_print(const cli_plan *self)
{
    const grt_memory_plan *plan = &self->memory;
    char detail[80];
    put_part("process", self->process_bytes, "program, libraries, texts");
    put_part("model", plan->other_bytes, "tokenizer, tables");
    snprintf(detail, sizeof detail, "%zu of %zu", plan->n_slots, plan->n_layers);
    put_part("layers", plan->layers_bytes, detail);
    put_part("hidden states", plan->hidden_bytes,
             grt_hidden_storage_text((grt_hidden_storage)plan->hidden));
    snprintf(detail, sizeof detail, "%zu tokens", plan->chunk_rows);
    put_part("chunk", plan->chunk_bytes, detail);
    snprintf(detail, sizeof detail, "%zu rows", plan->n_cached_rows);
    put_part("embedding", plan->embedding_bytes, detail);
    put_part("scratch", plan->scratch_bytes, "of threads");
    put_part("total", plan->total_bytes, "");
    if (plan->budget_bytes)
        put_part("budget", plan->budget_bytes, "");
    else
        printf("  %-15s %15s\n", "budget", "none");
    put_part("smallest budget", plan->smallest_bytes, "");
}
