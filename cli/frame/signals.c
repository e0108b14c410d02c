/* signals.c - see signals.h. */
#include "frame/signals.h"

#include "frame/cli.h"

#include <signal.h>
#include <string.h>
#include <unistd.h>

enum { UNFINISHED_FILES = 4 };

/* What becomes of each. */
typedef enum way {
    ENDS,     /* noted at first, where there is work to wind up; then the end */
    ENDS_NOW, /* there is nothing that could still be printed */
    FAILS     /* the write that met it fails, and says so */
} way;

static const struct {
    int number;
    way way;
    const char *word; /* NULL: whoever sent it knows */
} signals[] = {
    {SIGINT, ENDS, "interrupted"},
    {SIGTERM, ENDS, "terminated"},
    {SIGHUP, ENDS, "the terminal was closed"},
    {SIGQUIT, ENDS, "quit"},
    {SIGPIPE, ENDS_NOW, NULL},
    {SIGXFSZ, FAILS, NULL},
};
enum { N_SIGNALS = sizeof signals / sizeof signals[0] };

static volatile sig_atomic_t interrupted; /* the signal's number */
static volatile sig_atomic_t is_noted;    /* the first one is */
static volatile sig_atomic_t is_waiting;
static volatile sig_atomic_t has_bar;
static const char *volatile unfinished_files[UNFINISHED_FILES];
static const char *volatile last_words;
static const cli_running *volatile current;

static const char *word_of(int number)
{
    for (size_t i = 0; i < N_SIGNALS; i++)
        if (signals[i].number == number) return signals[i].word;
    return NULL;
}

static void put(const char *text)
{
    (void)!write(STDERR_FILENO, text, strlen(text));
}

/* In a handler: only what may be called there. */
static void end_process(int number)
{
    const char *word = word_of(number);
    for (size_t i = 0; i < UNFINISHED_FILES; i++) {
        if (unfinished_files[i]) unlink(unfinished_files[i]);
    }
    if (word) {
        if (has_bar) put("\r\033[K");
        put("grating: ");
        put(word);
        put("\n");
        if (last_words) put(last_words);
    }
    _exit(128 + number);
}

static void on_signal(int number)
{
    if (!is_noted || is_waiting || interrupted) end_process(number);
    interrupted = number;
    const cli_running *running = current;
    if (running) running->cancel(running->work);
}

void cli_signals_install(void)
{
    for (size_t i = 0; i < N_SIGNALS; i++) {
        struct sigaction action = {.sa_handler = on_signal}, before;
        if (signals[i].way == ENDS_NOW) action.sa_handler = end_process;
        if (signals[i].way == FAILS) action.sa_handler = SIG_IGN;
        sigemptyset(&action.sa_mask);
        if (sigaction(signals[i].number, NULL, &before) == 0 &&
            before.sa_handler != SIG_IGN)
            sigaction(signals[i].number, &action, NULL);
    }
}

void cli_signals_restore(void)
{
    struct sigaction action = {.sa_handler = SIG_DFL};
    sigemptyset(&action.sa_mask);
    for (size_t i = 0; i < N_SIGNALS; i++)
        sigaction(signals[i].number, &action, NULL);
}

void cli_catch_interrupts(void)
{
    is_noted = 1;
}

int cli_was_interrupted(void)
{
    return interrupted != 0;
}

int cli_interrupted_code(void)
{
    return interrupted ? 128 + interrupted : CLI_INTERRUPTED;
}

void cli_cancel_when_interrupted(const cli_running *running)
{
    current = running;
    if (running && interrupted) running->cancel(running->work);
}

void cli_begin_waiting(void)
{
    is_waiting = 1;
    if (interrupted) end_process(interrupted);
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

void cli_erase_when_interrupted(int is_drawn)
{
    has_bar = is_drawn;
}

int cli_fail_interrupted(void)
{
    const char *word = word_of(interrupted);
    cli_note("%s", word ? word : "interrupted");
    return CLI_INTERRUPTED;
}
