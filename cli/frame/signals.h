/*
 * signals.h - what ends the command from outside: Ctrl-C, kill, a closed terminal, a
 * reader that went away, a limit on the size of files.
 *
 * One table (signals.c) says what each signal does.  At first every one of them ends
 * the process at once.  Where the command has work to wind up, cli_catch_interrupts has
 * the first one noted only, which cancels what the library computes; the second ends
 * the process.  While the process waits for input nothing is computed, and there is no
 * way to check a note and begin to wait in one step: there the handler itself ends the
 * process.  Whenever it does, unfinished files are removed and the progress bar is
 * taken off the screen.  The exit code is 128 and the signal's number.
 */
#ifndef CLI_SIGNALS_H
#define CLI_SIGNALS_H

/* From here on the table holds.  Signals that are ignored stay so (nohup). */
void cli_signals_install(void);
/* What the system does with them again. */
void cli_signals_restore(void);
/* From here on the first signal is noted, and the second ends the process. */
void cli_catch_interrupts(void);
int cli_was_interrupted(void);
/* 128 and the number of the signal that was noted, 130 when none was. */
int cli_interrupted_code(void);
/* What the library computes and how that is cancelled, from the handler too. */
typedef struct cli_running {
    void (*cancel)(void *work);
    void *work;
} cli_running;

/* The first signal cancels it, at once when there was one; kept, NULL: none. */
void cli_cancel_when_interrupted(const cli_running *running);
/* Between these two a signal ends the process at once; what was printed must have been
 * flushed. */
void cli_begin_waiting(void);
void cli_end_waiting(void);
/* A signal that ends the process at once removes this file first; kept until it is
 * taken back.  There is room for a few. */
void cli_remove_when_interrupted(const char *path);
void cli_keep_when_interrupted(const char *path);
/* A signal that ends the process at once prints this text last, lines and all; kept,
 * NULL: none. */
void cli_say_when_interrupted(const char *text);
/* Whether there is a progress bar to be taken off the screen. */
void cli_erase_when_interrupted(int is_drawn);
/* Prints "interrupted", or what else the signal was; returns CLI_INTERRUPTED, of which
 * main makes cli_interrupted_code. */
int cli_fail_interrupted(void);

#endif
