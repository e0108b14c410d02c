/* notes.h - what a reader wants its user to know although nothing failed: a default
 * that was taken, a key that is not read, two sources that disagree. */
#ifndef GRT_BASE_NOTES_H
#define GRT_BASE_NOTES_H

#include "base/arena.h"

typedef enum grt_note_kind {
    GRT_NOTE_DETAIL, /* for whoever looks at the model */
    GRT_NOTE_RESULT  /* scores may differ from what the user expects of the file */
} grt_note_kind;

typedef struct grt_note {
    grt_note_kind kind;
    const char *text; /* one line, no period at its end, at most 240 bytes */
} grt_note;

enum { GRT_MAX_NOTES = 100 };

/* All zero is empty and ready.  One thread at a time while it grows. */
typedef struct grt_notes {
    grt_arena arena;
    grt_note *list; /* [n], in the order of adding */
    size_t n;
} grt_notes;

/* Adds a note, unless its text is there already.  After GRT_MAX_NOTES one last note
 * says that there are more.  GRT_E_NO_MEMORY. */
__attribute__((format(GRT_PRINTF, 4, 5))) GRT_NODISCARD grt_status grt_notes_add(
    grt_notes *notes, grt_note_kind kind, grt_error *err, const char *format, ...);

/* Adds copies of all of `more`. */
GRT_NODISCARD grt_status grt_notes_append(grt_notes *notes, const grt_notes *more,
                                          grt_error *err);
void grt_notes_release(grt_notes *notes);

#endif /* GRT_BASE_NOTES_H */
