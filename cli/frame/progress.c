/* progress.c - the progress bar and Ctrl-C. */
#include "frame/progress.h"

#include "frame/cli.h"

#include <signal.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { BAR_COLUMNS = 30, REDRAW_NS = 50000000, UNFINISHED_FILES = 4 };

static volatile sig_atomic_t interrupted;
static volatile sig_atomic_t is_waiting;
static const char *volatile unfinished_files[UNFINISHED_FILES];
static const char *volatile last_words;
static const cli_running *volatile current;

static void end_process(void)
{
    static const char text[] = "grating: interrupted\n";
    for (size_t i = 0; i < UNFINISHED_FILES; i++) {
        if (unfinished_files[i]) unlink(unfinished_files[i]);
    }
    (void)!write(STDERR_FILENO, text, sizeof text - 1);
    if (last_words) (void)!write(STDERR_FILENO, last_words, strlen(last_words));
    _exit(CLI_INTERRUPTED);
}

static void on_interrupt(int signal_number)
{
    (void)signal_number;
    if (is_waiting || interrupted) end_process();
    interrupted = 1;
    const cli_running *running = current;
    if (running) running->cancel(running->work);
}

void cli_catch_interrupts(void)
{
    struct sigaction action = {.sa_handler = on_interrupt};
    struct sigaction before;
    sigemptyset(&action.sa_mask);
    if (sigaction(SIGINT, NULL, &before) == 0 && before.sa_handler != SIG_IGN)
        sigaction(SIGINT, &action, NULL);
}

int cli_was_interrupted(void)
{
    return interrupted != 0;
}

void cli_cancel_when_interrupted(const cli_running *running)
{
    current = running;
    if (running && interrupted) running->cancel(running->work);
}

void cli_begin_waiting(void)
{
    is_waiting = 1;
    if (interrupted) end_process();
}

void cli_end_waiting(void)
{
    is_waiting = 0;
}

static void exchange_file(const char *before, const char *after)
{
    for (size_t i = 0; i < UNFINISHED_FILES; i++) {
        if (unfinished_files[i] != before) continue;
        unfinished_files[i] = after;
        return;
    }
}

void cli_remove_when_interrupted(const char *path)
{
    exchange_file(NULL, path);
}

void cli_keep_when_interrupted(const char *path)
{
    exchange_file(path, NULL);
}

void cli_say_when_interrupted(const char *text)
{
    last_words = text;
}

int cli_fail_interrupted(void)
{
    cli_note("interrupted");
    return CLI_INTERRUPTED;
}

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
    char before[40] = "", after[80];
    if (progress->query_number)
        snprintf(before, sizeof before, "query %zu ", progress->query_number);
    snprintf(after, sizeof after, " layer %zu of %zu", step->layer, step->n_layers);
    cli_progress_draw(progress, before, step->layer, step->n_layers, after);
}

void cli_progress_erase(cli_progress *progress)
{
    if (!progress->is_drawn) return;
    fputs("\r\033[K", stderr);
    fflush(stderr);
    progress->is_drawn = 0;
}
