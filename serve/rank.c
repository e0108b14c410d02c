/*
 * rank.c - ranks the documents of one request, step by step.
 *
 * Between steps the client may have left, or the server may be asked to end: the watch
 * then cancels the ranking, whose step returns soon.  What does not fit beside other
 * rankings waits until one has ended; what is open and not used makes room first.
 */
#include "serve/state.h"

#include "serve/clock.h"
#include "wire/results.h"

#include <stdlib.h>
#include <string.h>

enum { MARGIN_BYTES = 4 << 20 };

/* The engine gets what the process has not taken otherwise. */
static void set_budget(serve_server *server)
{
    const serve_options *options = &server->options;
    grt_engine_usage usage = GRT_ENGINE_USAGE_INIT;
    if (!options->memory_bytes || grt_engine_describe(server->engine, &usage)) return;
    uint64_t resident = options->resident_bytes();
    uint64_t own =
        resident > usage.resident_bytes ? resident - usage.resident_bytes : 0;
    uint64_t taken = own + MARGIN_BYTES;
    grt_engine_set_memory(server->engine, options->memory_bytes > taken
                                              ? options->memory_bytes - taken
                                              : 1);
}

/* ---- Steps ---- */

/* 0: it must not begin. */
static int begin_computing(serve_server *server, serve_job *job, grt_ranking *ranking)
{
    pthread_mutex_lock(&server->queue.lock);
    int may_begin = !job->is_gone && !job->is_cancelled;
    if (may_begin) job->ranking = ranking;
    pthread_mutex_unlock(&server->queue.lock);
    return may_begin;
}

static void end_computing(serve_server *server, serve_job *job)
{
    pthread_mutex_lock(&server->queue.lock);
    job->ranking = NULL;
    pthread_mutex_unlock(&server->queue.lock);
}

static void see_step(serve_server *server, serve_job *job, serve_answer *answer,
                     const grt_step *step)
{
    if (job->is_streaming) serve_stream_step(server, job, step);
    if (!answer->trace) return;
    wire_json json = {.out = answer->trace, .needs_comma = answer->trace->bytes > 1};
    wire_put_step(&json, NULL, step);
}

static grt_status compute(serve_server *server, serve_job *job, grt_ranking *ranking,
                          serve_answer *answer, grt_result **out, grt_error *err)
{
    grt_step step = GRT_STEP_INIT;
    grt_status status = GRT_OK;
    if (!begin_computing(server, job, ranking)) return GRT_E_CANCELLED;
    do {
        status = grt_ranking_step(&step, ranking, err);
        if (!status) see_step(server, job, answer, &step);
    } while (!status && !step.is_done);
    if (!status) status = grt_ranking_result(out, ranking, err);
    end_computing(server, job);
    return status;
}

/* ---- Room ---- */

/* What is left of a deadline; the least that there is when it has passed. */
static uint64_t left_of(uint64_t deadline_ns)
{
    uint64_t now = serve_now_ns();
    if (!deadline_ns) return 0;
    return now < deadline_ns ? deadline_ns - now : 1;
}

/* A request that does not fit: closes what nobody uses, or waits for another ranking to
 * end, and no longer than there is time (then the order of the request is the answer,
 * which takes no memory).  0: neither helps. */
static int make_room(serve_server *server, const serve_job *job, grt_status status)
{
    const uint64_t look_again_ns = 100000000;
    if (status != GRT_E_BUSY && status != GRT_E_NO_MEMORY) return 0;
    if (serve_models_unload(&server->models, 0)) return 1;
    if (status != GRT_E_BUSY) return 0;
    pthread_mutex_lock(&server->queue.lock);
    int others = server->queue.counts[SERVE_JOB_RUNNING] > 1;
    int is_over = job->is_gone || job->is_cancelled;
    uint64_t n_ended = server->queue.n_ended;
    pthread_mutex_unlock(&server->queue.lock);
    if (!others || is_over) return 0;
    uint64_t left = left_of(job->deadline_ns);
    serve_queue_wait_ended(&server->queue, n_ended,
                           left && left < look_again_ns ? left : look_again_ns);
    return 1;
}

static grt_status rank_group(serve_server *server, serve_job *job, grt_model *model,
                             grt_request *request, serve_answer *answer,
                             grt_result **out, grt_error *err)
{
    for (;;) {
        grt_ranking *ranking = NULL;
        set_budget(server);
        request->deadline_ns = left_of(job->deadline_ns);
        int was_late = request->deadline_ns == 1;
        grt_status status = grt_ranking_open(&ranking, model, request, err);
        if (!status) status = compute(server, job, ranking, answer, out, err);
        grt_ranking_free(ranking);
        if (!status || was_late || !make_room(server, job, status)) return status;
        if (answer->trace) answer->trace->bytes = 1;
    }
}

/* ---- Results ---- */

static float at_least(float value, float least)
{
    return value < least ? least : value;
}

/* Logits fall with the rank as scores do: one that was selected early shows no less
 * than those below it, the others no more than those above. */
static void order_logits(serve_entry *entries, size_t n)
{
    for (size_t i = n; i-- > 1;) {
        if (entries[i - 1].state == GRT_STATE_SELECTED)
            entries[i - 1].logit = at_least(entries[i - 1].logit, entries[i].logit);
    }
    for (size_t i = 1; i < n; i++)
        entries[i].logit = -at_least(-entries[i].logit, -entries[i - 1].logit);
}

static void take_entries(serve_answer *answer, const grt_result *result, size_t first)
{
    grt_item item = GRT_ITEM_INIT;
    serve_entry *entries = answer->entries + first;
    size_t n = grt_result_count(result);
    for (size_t i = 0; i < n; i++) {
        if (grt_result_item(result, i, &item)) continue;
        entries[i] = (serve_entry){.index = first + item.index,
                                   .score = item.score,
                                   .logit = item.logit,
                                   .state = item.state,
                                   .flags = item.flags,
                                   .layer = item.layer};
        answer->n_truncated += (item.flags & GRT_FLAG_TRUNCATED) != 0;
        answer->query_is_truncated |= (item.flags & GRT_FLAG_QUERY_TRUNCATED) != 0;
    }
    order_logits(entries, n);
}

/* Of several rankings: sums, and the worst. */
static void add_stats(serve_answer *answer, const grt_stats *one)
{
    grt_stats *sum = &answer->stats;
    answer->n_tokens += one->n_tokens;
    if (sum->struct_size == 0) {
        *sum = *one;
        return;
    }
    sum->n_documents += one->n_documents;
    sum->tokens_x_layers += one->tokens_x_layers;
    sum->full_tokens_x_layers += one->full_tokens_x_layers;
    sum->candidates_x_layers += one->candidates_x_layers;
    sum->weight_bytes += one->weight_bytes;
    sum->embedding_bytes += one->embedding_bytes;
    sum->turn_ns += one->turn_ns;
    sum->compute_ns += one->compute_ns;
    sum->deadline_hit |= one->deadline_hit;
    if (one->expected_precision < sum->expected_precision)
        sum->expected_precision = one->expected_precision;
}

static int compare_entries(const void *left, const void *right)
{
    const serve_entry *a = left, *b = right;
    if (a->logit > b->logit || a->logit < b->logit) return a->logit < b->logit ? 1 : -1;
    return a->index < b->index ? -1 : 1;
}

/* ---- Requests ---- */

/* How many are wanted, 0 for all.  A client that asks for fewer than there are says so
 * itself; one that asks for all gets all, and K is the server's. */
static size_t k_of(const serve_request *request, const serve_wishes *wishes)
{
    if (request->wishes.has_k) return request->wishes.k;
    if (request->top_n && request->top_n < request->n_documents) return request->top_n;
    return wishes->has_k ? wishes->k : 0;
}

typedef struct rank_plan {
    serve_wishes wishes;
    grt_policy_options policy;
    grt_request request;
} rank_plan;

/* What a request wishes, or its model's name, or the server. */
static serve_wishes wishes_of(const serve_server *server, const serve_job *job,
                              size_t alias)
{
    serve_wishes wishes = job->request.wishes;
    serve_wishes_fill(&wishes, &server->options.aliases[alias].wishes);
    if (job->request.dialect->wants_scores && !wishes.has_k) wishes.has_k = 1;
    serve_wishes_fill(&wishes, &server->options.wishes);
    return wishes;
}

uint64_t serve_deadline_of(const serve_server *server, const serve_job *job)
{
    size_t alias = serve_models_find(&server->models, job->request.model);
    uint64_t wished = wishes_of(server, job, alias).deadline_ns;
    return wished ? job->received_ns + wished : 0;
}

static void make_plan(serve_server *server, serve_job *job, size_t alias,
                      rank_plan *out)
{
    const float usual = 0.99F; /* the library's */
    const serve_request *asked = &job->request;
    *out = (rank_plan){.wishes = wishes_of(server, job, alias)};
    out->policy = (grt_policy_options)GRT_POLICY_OPTIONS_INIT;
    out->policy.policy = out->wishes.policy;
    out->policy.promise = out->wishes.promise;
    job->alias = alias;
    job->precision = out->wishes.precision > 0 ? out->wishes.precision : usual;
    out->policy.precision =
        serve_selfcheck_precision(&server->selfcheck, alias, job->precision);
    out->request = (grt_request)GRT_REQUEST_INIT;
    out->request.policy = &out->policy;
    out->request.k = k_of(asked, &out->wishes);
    out->request.instruction = asked->instruction.data;
    out->request.instruction_bytes = asked->instruction.bytes;
    out->request.max_document_tokens = asked->max_document_tokens;
    out->request.long_documents = asked->long_documents;
}

/* 1: a word, or at least a character, ends before this byte. */
static int is_end(const serve_text *text, size_t at, int of_words)
{
    unsigned char c = (unsigned char)text->data[at];
    return of_words ? c == ' ' || c == '\n' || c == '\t' : (c & 0xC0) != 0x80;
}

/* An end between these two, near their middle; `low` when there is none. */
static size_t end_between(const serve_text *text, size_t low, size_t high, int of_words)
{
    size_t middle = low + (high - low) / 2, below = middle, above = middle;
    while (below > low && !is_end(text, below, of_words))
        below--;
    while (above < high && !is_end(text, above, of_words))
        above++;
    return below > low ? below : above < high && above > low ? above : low;
}

/* The most of a text that has so many tokens at most, in whole words where one fits;
 * the library cuts documents, not queries.  Tokens of some twenty beginnings are
 * counted. */
static grt_status cut_query(const grt_model *model, serve_text *query, size_t most,
                            grt_error *err)
{
    size_t low = 0, n = 0;
    grt_status status = grt_count_tokens(&n, model, query->data, query->bytes, err);
    if (status || n <= most) return status;
    for (int of_words = 1; of_words >= 0 && low == 0; of_words--) {
        size_t high = query->bytes, at; /* low fits, high does not */
        while ((at = end_between(query, low, high, of_words)) > low) {
            status = grt_count_tokens(&n, model, query->data, at, err);
            if (status) return status;
            if (n <= most)
                low = at;
            else
                high = at;
        }
    }
    query->bytes = low;
    return GRT_OK;
}

static grt_status rank_all(serve_server *server, serve_job *job, grt_model *model,
                           rank_plan *plan, serve_answer *answer, grt_error *err)
{
    const serve_request *asked = &job->request;
    size_t n_each = asked->n_queries == 1 ? asked->n_documents : 1;
    for (size_t i = 0; i < asked->n_queries; i++) {
        grt_result *result = NULL;
        grt_stats stats = GRT_STATS_INIT;
        serve_text query = asked->queries[i];
        size_t n_bytes = query.bytes;
        if (asked->max_query_tokens) {
            grt_status status = cut_query(model, &query, asked->max_query_tokens, err);
            if (status) return status;
        }
        answer->query_is_truncated |= query.bytes < n_bytes;
        plan->request.query = query.data;
        plan->request.query_bytes = query.bytes;
        plan->request.documents = asked->texts + i * n_each;
        plan->request.document_bytes = asked->bytes + i * n_each;
        plan->request.n_documents = n_each;
        grt_status status =
            rank_group(server, job, model, &plan->request, answer, &result, err);
        if (status) return status;
        take_entries(answer, result, i * n_each);
        grt_result_stats(result, &stats);
        add_stats(answer, &stats);
        grt_result_free(result);
    }
    if (asked->n_queries > 1)
        qsort(answer->entries, answer->n, sizeof *answer->entries, compare_entries);
    return GRT_OK;
}

/* A request that does not fit: the library counts its own bytes, an operator those of
 * the process. */
static void explain_memory(const serve_server *server, grt_error *error)
{
    const uint64_t mib = 1 << 20;
    grt_engine_usage usage = GRT_ENGINE_USAGE_INIT;
    const serve_options *options = &server->options;
    const char *end = strstr(error->text, " do not fit ");
    if (!options->memory_bytes || !error->smallest_bytes || !end) return;
    if (grt_engine_describe(server->engine, &usage)) return;
    uint64_t resident = options->resident_bytes();
    uint64_t own =
        resident > usage.resident_bytes ? resident - usage.resident_bytes : 0;
    uint64_t needed = error->smallest_bytes + own + MARGIN_BYTES + mib;
    size_t n = (size_t)(end - error->text);
    snprintf(error->text + n, sizeof error->text - n,
             " do not fit --memory %llu MiB; the smallest that works is %llu MiB",
             (unsigned long long)(options->memory_bytes / mib),
             (unsigned long long)((needed + mib - 1) / mib));
}

/* With the model that is open now. */
static grt_status rank_once(serve_server *server, serve_job *job, size_t alias,
                            serve_answer *out, serve_fault *fault)
{
    grt_model *model = NULL;
    grt_error error = {0};
    rank_plan plan;
    set_budget(server);
    if (serve_models_take(&server->models, alias, &model, fault)) return GRT_OK;
    make_plan(server, job, alias, &plan);
    size_t k = plan.request.k;
    out->k = k && k < out->n ? k : out->n;
    grt_status status = rank_all(server, job, model, &plan, out, &error);
    serve_models_give_back(&server->models, alias, status == GRT_E_IO);
    if (status) {
        explain_memory(server, &error);
        (void)serve_fail_status(fault, status, &error);
    }
    return status;
}

serve_fault_kind serve_rank(serve_server *server, serve_job *job, serve_answer *out,
                            serve_fault *fault)
{
    const serve_request *asked = &job->request;
    size_t alias = serve_models_find(&server->models, asked->model);
    out->model = asked->model ? asked->model : server->options.aliases[alias].name;
    out->n = asked->n_documents;
    out->entries = calloc(out->n, sizeof *out->entries);
    if (!out->entries)
        return serve_fail(fault, SERVE_OUT_OF_MEMORY, NULL, "out of memory");
    /* A file that was replaced while its model was open is opened anew. */
    if (rank_once(server, job, alias, out, fault) == GRT_E_IO) {
        *fault = (serve_fault){0};
        out->stats = (grt_stats){0};
        out->n_tokens = out->n_truncated = 0;
        (void)rank_once(server, job, alias, out, fault);
    }
    return fault->kind;
}
