/* notes.c - what the files of a model left open, said on standard error. */
#include "frame/notes.h"

#include "frame/cli.h"

void cli_report_notes(const grt_model *model, grt_note_level level)
{
    grt_note note = GRT_NOTE_INIT;
    for (size_t i = 0; model && grt_model_note(model, i, &note) == GRT_OK; i++)
        if (note.level >= (int32_t)level) cli_note("note: %s", note.text);
}

void cli_effect_text(char out[CLI_EFFECT_BYTES], const grt_model *model,
                     grt_arithmetic arithmetic)
{
    grt_arithmetic_effect effect = GRT_ARITHMETIC_EFFECT_INIT;
    if (grt_model_effect(model, arithmetic, &effect) || !effect.is_known) {
        snprintf(out, CLI_EFFECT_BYTES, "not measured");
        return;
    }
    if (effect.n_pairs == 0) {
        snprintf(out, CLI_EFFECT_BYTES, "the profile was made in it");
        return;
    }
    snprintf(out, CLI_EFFECT_BYTES,
             "%slogits move by %.2g (at most %.2g), %.3f of the 10 best stay",
             effect.is_safe ? "" : "not safe: ", (double)effect.mean,
             (double)effect.largest, (double)effect.kept);
}
