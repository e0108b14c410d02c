/*
 * file.h - a file that the command writes: whole, or not at all.
 *
 * It is written under a temporary name in the same folder and takes its own name at the
 * end, so that a failure neither leaves half a file nor costs the one that was there.
 * What is no regular file, such as a pipe, is written to directly, and so is the file
 * that standard output or standard error goes to.
 *
 * What the command reads is never replaced: see cli_file_protect.
 */
#ifndef CLI_FILE_H
#define CLI_FILE_H

#include <stdio.h>

typedef struct cli_file {
    FILE *file;
    const char *path; /* how messages name it; borrowed */
    char *target;     /* what is renamed to: the path without symbolic links; owned */
    char *temporary;  /* NULL: written to directly; owned */
    int error;        /* errno of the first write that failed, or 0 */
} cli_file;

/* From here on this file, or what is in this folder (a model), is not to be replaced.
 * Readers say so of what they open; a command may say it sooner, so that it fails
 * before it has computed.  NULL, "-" and what is not there need no protection. */
void cli_file_protect(const char *path);
/* Ends that: for a process that runs one command after the other. */
void cli_file_unprotect_all(void);

int cli_file_create(cli_file *out, const char *path);
/* Notes a failed write as long as errno still tells why; CLI_FAILURE, with no message,
 * when there was one. */
int cli_file_check(cli_file *out);
/* Closes the file and gives it its name, or reports why that failed. */
int cli_file_commit(cli_file *out);
/* Closes and removes what was not committed. */
void cli_file_discard(cli_file *out);

#endif
