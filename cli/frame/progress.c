/* progress.c - the progress bar. */
#include "frame/progress.h"

#include "frame/signals.h"

#include <stdio.h>

#include <string.h>
#include <time.h>
#include <unistd.h>

enum { BAR_COLUMNS = 30, REDRAW_NS = 50000000 };

void cli_progress_init(cli_progress *progress, int is_wanted)
{
    *progress = (cli_progress){.is_shown = is_wanted && isatty(STDERR_FILENO)};
}

int64_t cli_now_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

void cli_progress_draw(cli_progress *progress, const char *before, uint64_t part,
                       uint64_t whole, const char *after)
{
    if (!progress->is_shown) return;
    int64_t now = cli_now_ns();
    if (progress->drawn_ns && now - progress->drawn_ns < REDRAW_NS) return;
    char bar[BAR_COLUMNS + 1];
    size_t filled = whole == 0 || part >= whole
                        ? BAR_COLUMNS
                        : (size_t)((double)part / (double)whole * BAR_COLUMNS);
    memset(bar, '#', filled);
    memset(bar + filled, '.', BAR_COLUMNS - filled);
    bar[BAR_COLUMNS] = 0;
    fprintf(stderr, "\r\033[K%s[%s]%s", before, bar, after);
    fflush(stderr);
    progress->is_drawn = 1;
    cli_erase_when_interrupted(1);
    progress->drawn_ns = now;
}

/* "1:02:03", or "2:03". */
static void put_time(char *out, size_t capacity, double seconds)
{
    unsigned long all = seconds > 0 && seconds < 1e9 ? (unsigned long)seconds : 0;
    unsigned long hours = all / 3600, minutes = all / 60 % 60, rest = all % 60;
    if (hours)
        snprintf(out, capacity, "%lu:%02lu:%02lu", hours, minutes, rest);
    else
        snprintf(out, capacity, "%lu:%02lu", minutes, rest);
}

void cli_progress_draw_work(cli_progress *progress, const char *before, uint64_t part,
                            uint64_t whole, double done, double total,
                            int64_t started_ns)
{
    char elapsed[32], left[32], after[80];
    double seconds = (double)(cli_now_ns() - started_ns) / 1e9;
    put_time(elapsed, sizeof elapsed, seconds);
    snprintf(after, sizeof after, " %s", elapsed);
    if (done > 0 && total >= done) {
        put_time(left, sizeof left, seconds * (total - done) / done);
        snprintf(after, sizeof after, " %s, %s left", elapsed, left);
    }
    cli_progress_draw(progress, before, part, whole, after);
}

void cli_progress_step(cli_progress *progress, const grt_step *step)
{
    char before[40] = "", after[120], left[32] = "";
    if (step->layer == 0) progress->n_computed = 0;
    if (step->layer > 0) progress->n_computed += (double)progress->n_last;
    progress->n_last = step->n_active;
    if (progress->query_number)
        snprintf(before, sizeof before, "query %zu ", progress->query_number);
    int n =
        snprintf(after, sizeof after, " layer %zu of %zu", step->layer, step->n_layers);
    if (progress->n_computed > 0 && step->n_active && n > 0) {
        double most = (double)step->n_active * (double)(step->n_layers - step->layer);
        put_time(left, sizeof left,
                 (double)step->elapsed_ns / 1e9 * most / progress->n_computed);
        snprintf(after + n, sizeof after - (size_t)n, ", %zu document%s, %s left",
                 step->n_active, step->n_active == 1 ? "" : "s", left);
    }
    cli_progress_draw(progress, before, step->layer, step->n_layers, after);
}

void cli_progress_erase(cli_progress *progress)
{
    if (!progress->is_drawn) return;
    fputs("\r\033[K", stderr);
    fflush(stderr);
    progress->is_drawn = 0;
    cli_erase_when_interrupted(0);
}
