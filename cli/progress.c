/* progress.c - the progress bar and Ctrl-C. */
#include "progress.h"

#include "cli.h"

#include <signal.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { BAR_COLUMNS = 30, REDRAW_NS = 50000000 };

static volatile sig_atomic_t interrupted;
static volatile sig_atomic_t is_waiting;
static const char *volatile unfinished_file;

static void end_process(void)
{
    static const char text[] = "grating: interrupted\n";
    if (unfinished_file) unlink(unfinished_file);
    (void)!write(STDERR_FILENO, text, sizeof text - 1);
    _exit(CLI_INTERRUPTED);
}

static void on_interrupt(int signal_number)
{
    (void)signal_number;
    if (is_waiting || interrupted) end_process();
    interrupted = 1;
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

void cli_begin_waiting(void)
{
    is_waiting = 1;
    if (interrupted) end_process();
}

void cli_end_waiting(void)
{
    is_waiting = 0;
}

void cli_remove_when_interrupted(const char *path)
{
    unfinished_file = path;
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

static int64_t now_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

static void draw(cli_progress *progress, const grt_progress *step)
{
    char bar[BAR_COLUMNS + 1];
    size_t n_layers = step->n_layers ? step->n_layers : 1;
    size_t filled =
        step->layer >= n_layers ? BAR_COLUMNS : step->layer * BAR_COLUMNS / n_layers;
    memset(bar, '#', filled);
    memset(bar + filled, '.', BAR_COLUMNS - filled);
    bar[BAR_COLUMNS] = 0;
    fputs("\r\033[K", stderr);
    if (progress->query_number) fprintf(stderr, "query %zu ", progress->query_number);
    fprintf(stderr, "[%s] layer %zu of %zu", bar, step->layer, step->n_layers);
    fflush(stderr);
    progress->is_drawn = 1;
}

int cli_progress_step(const grt_progress *step, void *payload)
{
    cli_progress *progress = payload;
    if (progress->is_shown) {
        int64_t now = now_ns();
        if (!progress->drawn_ns || now - progress->drawn_ns >= REDRAW_NS) {
            draw(progress, step);
            progress->drawn_ns = now;
        }
    }
    return cli_was_interrupted();
}

void cli_progress_erase(cli_progress *progress)
{
    if (!progress->is_drawn) return;
    fputs("\r\033[K", stderr);
    fflush(stderr);
    progress->is_drawn = 0;
}
