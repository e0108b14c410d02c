/* notes.h - what a reader wants its user to know although nothing failed: a default
 * that was taken, a key that is not read, two sources that disagree.  Notes and their
 * levels are those of grating.h. */
#ifndef GRT_BASE_NOTES_H
#define GRT_BASE_NOTES_H

#include "base/arena.h"

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
    grt_notes *notes, grt_note_level level, grt_error *err, const char *format, ...);

/* Adds copies of all of `more`. */
GRT_NODISCARD grt_status grt_notes_append(grt_notes *notes, const grt_notes *more,
                                          grt_error *err);
void grt_notes_release(grt_notes *notes);

#endif /* GRT_BASE_NOTES_H */
