/* notes.c - what the files of a model left open, said on standard error. */
#include "frame/notes.h"

#include "frame/cli.h"

void cli_report_notes(const grt_model *model, grt_note_level level)
{
    grt_note note = GRT_NOTE_INIT;
    for (size_t i = 0; model && grt_model_note(model, i, &note) == GRT_OK; i++)
        if (note.level >= (int32_t)level) cli_note("note: %s", note.text);
}
