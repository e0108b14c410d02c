/*
 * notes.h - what the files of a model left open, said on standard error; and what is
 * known of arithmetics.
 */
#ifndef CLI_NOTES_H
#define CLI_NOTES_H

#include "grating.h"

/* Prints the model's notes of this level and higher ones; nothing for NULL.  Once for a
 * run: they are about the model, not about a request. */
void cli_report_notes(const grt_model *model, grt_note_level level);

enum { CLI_EFFECT_BYTES = 160 };

/* What an arithmetic does to the model's logits, in words. */
void cli_effect_text(char out[CLI_EFFECT_BYTES], const grt_model *model,
                     grt_arithmetic arithmetic);

#endif
