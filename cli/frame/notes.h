/*
 * notes.h - what the files of a model left open, said on standard error.
 */
#ifndef CLI_NOTES_H
#define CLI_NOTES_H

#include "grating.h"

/* Prints the model's notes of this level and higher ones; nothing for NULL.  Once for a
 * run: they are about the model, not about a request. */
void cli_report_notes(const grt_model *model, grt_note_level level);

#endif
