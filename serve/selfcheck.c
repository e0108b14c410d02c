/* selfcheck.c - does the precision hold on what is really asked? */
#include "serve/selfcheck.h"

#include "serve/clock.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { KEPT_MAX = 16, KEPT_BYTES = 32 << 20 };
/* A change needs so many places to rest on; of more than so many the older ones count
 * half, so that texts of another kind show soon. */
enum { PLACES_MIN = 100, PLACES_MAX = 2000 };

/* A request that was answered. */
struct serve_kept {
    serve_kept *after;
    serve_request request;
    size_t alias, k;
    size_t *top; /* [k] that came back; owned */
    float precision;
    size_t bytes;
};

static void free_kept(serve_kept *kept)
{
    if (!kept) return;
    serve_request_release(&kept->request);
    free(kept->top);
    free(kept);
}

grt_status serve_selfcheck_init(serve_selfcheck *self, const serve_options *options,
                                serve_models *models, serve_queue *queue,
                                serve_log *log)
{
    *self = (serve_selfcheck){
        .options = options, .models = models, .queue = queue, .log = log};
    pthread_mutex_init(&self->lock, NULL);
    pthread_cond_init(&self->has_kept, NULL);
    self->observed = calloc(options->n_aliases, sizeof *self->observed);
    for (size_t i = 0; self->observed && i < options->n_aliases; i++)
        self->observed[i].factor = 1;
    return self->observed ? GRT_OK : GRT_E_NO_MEMORY;
}

void serve_selfcheck_release(serve_selfcheck *self)
{
    if (!self->options) return;
    while (self->first) {
        serve_kept *kept = self->first;
        self->first = kept->after;
        free_kept(kept);
    }
    free(self->observed);
    pthread_cond_destroy(&self->has_kept);
    pthread_mutex_destroy(&self->lock);
}

/* ---- Arithmetic ---- */

void serve_wilson(double share, uint64_t n, double *low, double *high)
{
    const double z = 1.959964;
    if (n == 0) {
        *low = 0;
        *high = 1;
        return;
    }
    double count = (double)n, part = z * z / count;
    double middle = (share + part / 2) / (1 + part);
    double reach =
        z / (1 + part) * sqrt(share * (1 - share) / count + part / (4 * count));
    *low = middle - reach > 0 ? middle - reach : 0;
    *high = middle + reach < 1 ? middle + reach : 1;
}

int serve_observe(serve_observed *observed, size_t k, size_t n_lost, float precision)
{
    const double least = 1.0 / 64, less = 0.5, more = 1.5;
    double low, high, factor = observed->factor;
    observed->n_checks++;
    observed->n_places += k;
    observed->n_lost += n_lost;
    observed->allowed += (double)k * (1 - (double)precision);
    if (observed->n_places < PLACES_MIN) return 0;
    if (observed->n_places > PLACES_MAX) {
        observed->n_places /= 2;
        observed->n_lost /= 2;
        observed->allowed /= 2;
    }
    double n = (double)observed->n_places, allowed = observed->allowed / n;
    serve_wilson((double)observed->n_lost / n, observed->n_places, &low, &high);
    if (low > allowed && factor > least)
        factor *= less;
    else if (high < allowed && factor < 1)
        factor = factor * more < 1 ? factor * more : 1;
    else
        return 0;
    observed->factor = factor;
    observed->n_changes++;
    observed->n_places = observed->n_lost = 0;
    observed->allowed = 0;
    return 1;
}

/* ---- Requests ---- */

float serve_selfcheck_precision(serve_selfcheck *self, size_t alias, float precision)
{
    pthread_mutex_lock(&self->lock);
    double factor = self->observed[alias].factor;
    pthread_mutex_unlock(&self->lock);
    return (float)(1 - (1 - (double)precision) * factor);
}

/* What a full pass could tell something about. */
static int is_worth_it(const serve_request *request, const serve_answer *answer)
{
    const grt_stats *stats = &answer->stats;
    return request->n_queries == 1 && answer->k < answer->n && !stats->deadline_hit &&
           stats->policy == GRT_POLICY_BOUND &&
           stats->candidates_x_layers < (uint64_t)answer->n * stats->n_layers;
}

static size_t bytes_of(const serve_request *request)
{
    size_t bytes = request->queries[0].bytes;
    for (size_t i = 0; i < request->n_documents; i++)
        bytes += request->bytes[i] + 100; /* and what JSON takes */
    return bytes;
}

/* NULL: memory is out, and the request stays where it was. */
static serve_kept *keep(serve_request *request, const serve_answer *answer)
{
    serve_kept *kept = calloc(1, sizeof *kept);
    size_t *top = calloc(answer->k, sizeof *top);
    if (!kept || !top) {
        free(kept);
        free(top);
        return NULL;
    }
    for (size_t i = 0; i < answer->k; i++)
        top[i] = answer->entries[i].index;
    kept->k = answer->k;
    kept->top = top;
    kept->bytes = bytes_of(request);
    kept->request = *request;
    *request = (serve_request){0};
    return kept;
}

void serve_selfcheck_offer(serve_selfcheck *self, size_t alias, serve_request *request,
                           const serve_answer *answer, float precision)
{
    if (!(self->options->self_check > 0) || !is_worth_it(request, answer)) return;
    size_t bytes = bytes_of(request);
    pthread_mutex_lock(&self->lock);
    self->due += self->options->self_check;
    int is_due = self->due >= 1;
    if (is_due) self->due -= 1;
    if (is_due && !self->is_closed && self->n_kept < KEPT_MAX &&
        self->kept_bytes + bytes <= KEPT_BYTES) {
        serve_kept *kept = keep(request, answer);
        if (kept) {
            kept->alias = alias;
            kept->precision = precision;
            kept->after = self->first;
            self->first = kept;
            self->n_kept++;
            self->kept_bytes += bytes;
            pthread_cond_signal(&self->has_kept);
        }
    }
    pthread_mutex_unlock(&self->lock);
}

/* ---- Its thread ---- */

static int is_closed(serve_selfcheck *self)
{
    pthread_mutex_lock(&self->lock);
    int closed = self->is_closed;
    pthread_mutex_unlock(&self->lock);
    return closed;
}

/* Takes one when there is one; NULL: closed. */
static serve_kept *take(serve_selfcheck *self)
{
    pthread_mutex_lock(&self->lock);
    while (!self->first && !self->is_closed)
        pthread_cond_wait(&self->has_kept, &self->lock);
    serve_kept *kept = self->is_closed ? NULL : self->first;
    if (kept) {
        self->first = kept->after;
        self->n_kept--;
        self->kept_bytes -= kept->bytes;
    }
    pthread_mutex_unlock(&self->lock);
    return kept;
}

/* Nobody has waited or computed for a moment; 0: closed meanwhile. */
static int wait_until_idle(serve_selfcheck *self)
{
    const struct timespec pause = {.tv_nsec = 20000000};
    for (int n_quiet = 0; n_quiet < 3;) {
        if (is_closed(self)) return 0;
        nanosleep(&pause, NULL);
        n_quiet = serve_queue_total(self->queue) ? 0 : n_quiet + 1;
    }
    return 1;
}

/* GRT_E_CANCELLED: somebody has come, or the server ends. */
static grt_status step_through(serve_selfcheck *self, grt_ranking *ranking,
                               grt_result **out, grt_error *err)
{
    grt_step step = GRT_STEP_INIT;
    do {
        if (serve_queue_total(self->queue) || is_closed(self)) return GRT_E_CANCELLED;
        grt_status status = grt_ranking_step(&step, ranking, err);
        if (status) return status;
    } while (!step.is_done);
    return grt_ranking_result(out, ranking, err);
}

static grt_status rank_in_full(serve_selfcheck *self, const serve_kept *kept,
                               grt_model *model, grt_result **out, grt_error *err)
{
    grt_ranking *ranking = NULL;
    grt_policy_options policy = GRT_POLICY_OPTIONS_INIT;
    grt_request request = GRT_REQUEST_INIT;
    const serve_request *asked = &kept->request;
    policy.policy = GRT_POLICY_NONE;
    request.query = asked->queries[0].data;
    request.query_bytes = asked->queries[0].bytes;
    request.documents = asked->texts;
    request.document_bytes = asked->bytes;
    request.n_documents = asked->n_documents;
    request.k = kept->k;
    request.instruction = asked->instruction.data;
    request.instruction_bytes = asked->instruction.bytes;
    request.policy = &policy;
    request.max_document_tokens = asked->max_document_tokens;
    request.long_documents = asked->long_documents;
    grt_status status = grt_ranking_open(&ranking, model, &request, err);
    if (!status) {
        pthread_mutex_lock(&self->lock);
        self->ranking = ranking;
        pthread_mutex_unlock(&self->lock);
        status = step_through(self, ranking, out, err);
        pthread_mutex_lock(&self->lock);
        self->ranking = NULL;
        pthread_mutex_unlock(&self->lock);
    }
    grt_ranking_free(ranking);
    return status;
}

static size_t count_lost(const serve_kept *kept, const grt_result *result)
{
    const size_t *full = grt_result_indices(result);
    size_t n_lost = 0;
    for (size_t i = 0; i < kept->k; i++) {
        size_t j = 0;
        while (j < kept->k && kept->top[j] != full[i])
            j++;
        n_lost += j == kept->k;
    }
    return n_lost;
}

static void log_change(serve_selfcheck *self, size_t alias,
                       const serve_observed *before, const serve_observed *after)
{
    double n = (double)before->n_places, low, high;
    serve_wilson((double)before->n_lost / n, before->n_places, &low, &high);
    wire_json *json = serve_log_begin(self->log, "precision");
    wire_string(json, "model", self->options->aliases[alias].name);
    wire_count(json, "checks", before->n_checks);
    wire_double(json, "overlap", 1 - (double)before->n_lost / n);
    wire_double(json, "overlap_low", 1 - high);
    wire_double(json, "overlap_high", 1 - low);
    wire_double(json, "promised", 1 - before->allowed / n);
    wire_double(json, "loss_factor_before", before->factor);
    wire_double(json, "loss_factor", after->factor);
    serve_log_end(self->log);
}

static void count(serve_selfcheck *self, const serve_kept *kept, size_t n_lost)
{
    pthread_mutex_lock(&self->lock);
    serve_observed *observed = &self->observed[kept->alias], before = *observed;
    int has_changed = serve_observe(observed, kept->k, n_lost, kept->precision);
    serve_observed after = *observed;
    pthread_mutex_unlock(&self->lock);
    if (!has_changed) return;
    before.n_checks++;
    before.n_places += kept->k;
    before.n_lost += n_lost;
    before.allowed += (double)kept->k * (1 - (double)kept->precision);
    log_change(self, kept->alias, &before, &after);
}

/* 0: somebody came between, and it is to be tried again. */
static int check(serve_selfcheck *self, const serve_kept *kept)
{
    grt_model *model = NULL;
    grt_result *result = NULL;
    grt_error error = {0};
    serve_fault fault = {0};
    /* A model that was closed meanwhile is not opened for this. */
    if (!serve_models_is_open(self->models, kept->alias)) return 1;
    if (serve_models_take(self->models, kept->alias, &model, &fault)) return 1;
    grt_status status = rank_in_full(self, kept, model, &result, &error);
    serve_models_give_back(self->models, kept->alias, status == GRT_E_IO);
    if (!status) count(self, kept, count_lost(kept, result));
    grt_result_free(result);
    return status != GRT_E_CANCELLED;
}

void *serve_selfcheck_main(void *payload)
{
    serve_selfcheck *self = payload;
    serve_kept *kept;
    while ((kept = take(self))) {
        while (wait_until_idle(self) && !check(self, kept))
            ;
        free_kept(kept);
    }
    return NULL;
}

void serve_selfcheck_yield(serve_selfcheck *self)
{
    pthread_mutex_lock(&self->lock);
    if (self->ranking) grt_ranking_cancel(self->ranking);
    pthread_mutex_unlock(&self->lock);
}

void serve_selfcheck_close(serve_selfcheck *self)
{
    if (!self->options) return;
    pthread_mutex_lock(&self->lock);
    self->is_closed = 1;
    if (self->ranking) grt_ranking_cancel(self->ranking);
    pthread_cond_broadcast(&self->has_kept);
    pthread_mutex_unlock(&self->lock);
}

/* ---- Metrics ---- */

void serve_selfcheck_put(wire_buffer *out, serve_selfcheck *self)
{
    static const char *const heads[][3] = {
        {"selfchecks_total", "counter", "Requests ranked once more in full."},
        {"selfcheck_overlap", "gauge", "Share of the full top K that had come back."},
        {"selfcheck_overlap_low", "gauge", "Lower end of its 95 % interval."},
        {"selfcheck_overlap_high", "gauge", "Upper end of it."},
        {"selfcheck_loss_factor", "gauge",
         "Part of the loss that requests allow which the policy is asked for."}};
    if (!(self->options->self_check > 0)) return;
    pthread_mutex_lock(&self->lock);
    for (size_t h = 0; h < sizeof heads / sizeof heads[0]; h++) {
        wire_printf(out, "# HELP grating_%s %s\n# TYPE grating_%s %s\n", heads[h][0],
                    heads[h][2], heads[h][0], heads[h][1]);
        for (size_t i = 0; i < self->options->n_aliases; i++) {
            const serve_observed *one = &self->observed[i];
            double n = one->n_places ? (double)one->n_places : 1, low, high;
            double lost = (double)one->n_lost / n;
            serve_wilson(lost, one->n_places, &low, &high);
            const double values[] = {(double)one->n_checks, 1 - lost, 1 - high, 1 - low,
                                     one->factor};
            wire_printf(out, "grating_%s{model=\"", heads[h][0]);
            wire_put_text(out, WIRE_JSON, self->options->aliases[i].name,
                          strlen(self->options->aliases[i].name));
            wire_printf(out, "\"} %.9g\n", values[h]);
        }
    }
    pthread_mutex_unlock(&self->lock);
}
