/*
 * folders.h - where a user's own files are.
 */
#ifndef CLI_FOLDERS_H
#define CLI_FOLDERS_H

#include <stddef.h>

/* The folder of the user's profiles, whether it is there or not:
 * $XDG_DATA_HOME/grating/profiles, or ~/.local/share/grating/profiles.  0: neither
 * variable is set, or the name is too long. */
int cli_profile_folder(char *out, size_t capacity);

/* Makes a folder and those above it.  Prints why it cannot. */
int cli_make_folder(const char *path);

#endif
