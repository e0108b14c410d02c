/* metrics.c - what a server has done, counted. */
#include "serve/metrics.h"

#include <inttypes.h>
#include <string.h>

static const double bounds[SERVE_BUCKETS] = {0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5,
                                             1,     2.5,  5,     10,   30,  60,   300};

void serve_metrics_init(serve_metrics *metrics)
{
    *metrics = (serve_metrics){0};
    pthread_mutex_init(&metrics->lock, NULL);
}

void serve_metrics_release(serve_metrics *metrics)
{
    pthread_mutex_destroy(&metrics->lock);
}

static void add(serve_histogram *histogram, uint64_t ns)
{
    double seconds = (double)ns / 1e9;
    size_t i = 0;
    while (i < SERVE_BUCKETS && seconds > bounds[i])
        i++;
    histogram->counts[i]++;
    histogram->sum += seconds;
}

void serve_metrics_request(serve_metrics *metrics, const char *dialect, unsigned status,
                           uint64_t total_ns)
{
    size_t n = sizeof metrics->requests / sizeof metrics->requests[0], i = 0;
    pthread_mutex_lock(&metrics->lock);
    while (i < n && metrics->requests[i].n &&
           (metrics->requests[i].status != status ||
            strcmp(metrics->requests[i].dialect, dialect) != 0))
        i++;
    if (i < n) {
        metrics->requests[i].dialect = dialect;
        metrics->requests[i].status = status;
        metrics->requests[i].n++;
    }
    add(&metrics->total, total_ns);
    pthread_mutex_unlock(&metrics->lock);
}

void serve_metrics_answer(serve_metrics *metrics, const serve_answer *answer)
{
    const double weight = 0.1; /* of the newest in the mean */
    const grt_stats *stats = &answer->stats;
    double seconds = (double)(answer->total_ns - answer->queue_ns) / 1e9;
    pthread_mutex_lock(&metrics->lock);
    add(&metrics->queue, answer->queue_ns);
    add(&metrics->compute, stats->compute_ns);
    metrics->n_documents += answer->n;
    metrics->n_tokens += answer->n_tokens;
    metrics->tokens_x_layers += stats->tokens_x_layers;
    metrics->full_tokens_x_layers += stats->full_tokens_x_layers;
    metrics->candidates_x_layers += stats->candidates_x_layers;
    metrics->full_candidates_x_layers += (uint64_t)answer->n * stats->n_layers;
    metrics->n_deadlines += stats->deadline_hit != 0;
    metrics->n_truncated += answer->n_truncated;
    metrics->read_bytes += stats->weight_bytes + stats->embedding_bytes;
    metrics->service_s +=
        (metrics->service_s > 0 ? weight : 1) * (seconds - metrics->service_s);
    pthread_mutex_unlock(&metrics->lock);
}

void serve_metrics_gone(serve_metrics *metrics)
{
    pthread_mutex_lock(&metrics->lock);
    metrics->n_gone++;
    pthread_mutex_unlock(&metrics->lock);
}

double serve_metrics_service_s(serve_metrics *metrics)
{
    pthread_mutex_lock(&metrics->lock);
    double seconds = metrics->service_s;
    pthread_mutex_unlock(&metrics->lock);
    return seconds;
}

/* ---- The text ---- */

static void head(wire_buffer *out, const char *name, const char *type, const char *help)
{
    wire_printf(out, "# HELP grating_%s %s\n# TYPE grating_%s %s\n", name, help, name,
                type);
}

static void put_count(wire_buffer *out, const char *name, const char *help,
                      uint64_t value)
{
    head(out, name, "counter", help);
    wire_printf(out, "grating_%s %" PRIu64 "\n", name, value);
}

static void put_gauge(wire_buffer *out, const char *name, const char *help,
                      double value)
{
    head(out, name, "gauge", help);
    wire_printf(out, "grating_%s %.17g\n", name, value);
}

static void put_histogram(wire_buffer *out, const char *name, const char *help,
                          const serve_histogram *histogram)
{
    uint64_t n = 0;
    head(out, name, "histogram", help);
    for (size_t i = 0; i < SERVE_BUCKETS; i++) {
        n += histogram->counts[i];
        wire_printf(out, "grating_%s_bucket{le=\"%g\"} %" PRIu64 "\n", name, bounds[i],
                    n);
    }
    n += histogram->counts[SERVE_BUCKETS];
    wire_printf(out, "grating_%s_bucket{le=\"+Inf\"} %" PRIu64 "\n", name, n);
    wire_printf(out, "grating_%s_sum %.9g\ngrating_%s_count %" PRIu64 "\n", name,
                histogram->sum, name, n);
}

static void put_counts(wire_buffer *out, const serve_metrics *m)
{
    head(out, "requests_total", "counter", "Requests answered, by dialect and status.");
    for (size_t i = 0; i < sizeof m->requests / sizeof m->requests[0]; i++) {
        if (m->requests[i].n)
            wire_printf(
                out, "grating_requests_total{dialect=\"%s\",code=\"%u\"} %" PRIu64 "\n",
                m->requests[i].dialect, m->requests[i].status, m->requests[i].n);
    }
    put_histogram(out, "request_seconds", "From a request's headers to its answer.",
                  &m->total);
    put_histogram(out, "queue_seconds", "Waiting for a worker.", &m->queue);
    put_histogram(out, "compute_seconds", "Computing one ranking.", &m->compute);
    put_count(out, "documents_total", "Documents ranked.", m->n_documents);
    put_count(out, "tokens_total", "Tokens of all pairs ranked.", m->n_tokens);
    put_count(out, "token_layers_total", "Token rows computed, summed over layers.",
              m->tokens_x_layers);
    put_count(out, "full_token_layers_total",
              "Token rows that full passes would have computed.",
              m->full_tokens_x_layers);
    put_count(out, "candidate_layers_total", "Layers computed, summed over documents.",
              m->candidates_x_layers);
    put_count(out, "full_candidate_layers_total",
              "Layers that full passes would have computed.",
              m->full_candidates_x_layers);
    put_count(out, "deadline_hits_total", "Rankings that a deadline ended.",
              m->n_deadlines);
    put_count(out, "clients_gone_total", "Requests whose client left.", m->n_gone);
    put_count(out, "truncated_documents_total", "Documents that were cut.",
              m->n_truncated);
    put_count(out, "read_bytes_total", "Bytes of weights read from files.",
              m->read_bytes);
}

void serve_metrics_put(wire_buffer *out, serve_metrics *metrics,
                       const serve_gauges *gauges)
{
    pthread_mutex_lock(&metrics->lock);
    put_counts(out, metrics);
    pthread_mutex_unlock(&metrics->lock);
    put_gauge(out, "ready", "1 when the first model is open.", gauges->is_ready);
    put_gauge(out, "requests_unread", "Requests whose body is not read yet.",
              (double)gauges->n_unread);
    put_gauge(out, "requests_waiting", "Requests that wait for a worker.",
              (double)gauges->n_waiting);
    put_gauge(out, "requests_running", "Rankings in progress.",
              (double)gauges->n_running);
    put_gauge(out, "exchanges", "Requests between their headers and their answer.",
              (double)gauges->n_connections);
    put_gauge(out, "models_open", "Models in memory.", (double)gauges->usage.n_models);
    put_gauge(out, "memory_budget_bytes",
              "What models and rankings may take; 0: no "
              "limit.",
              (double)gauges->usage.budget_bytes);
    put_gauge(out, "memory_reserved_bytes", "Reserved by models and rankings.",
              (double)gauges->usage.reserved_bytes);
    put_gauge(out, "memory_allocated_bytes", "Allocated by the library.",
              (double)gauges->usage.allocated_bytes);
    put_gauge(out, "memory_peak_bytes", "The most that the library had allocated.",
              (double)gauges->usage.peak_bytes);
    put_gauge(out, "process_resident_bytes", "Resident in the whole process.",
              (double)gauges->resident_bytes);
    put_gauge(out, "uptime_seconds", "Since the start.",
              (double)gauges->uptime_ns / 1e9);
}
