/*
 * hub.h - models in the cache of the Hugging Face hub.
 *
 * Its folders are models--OWNER--NAME (of the first models models--NAME) with
 * snapshots/REVISION, whose files are links into blobs/, and refs/BRANCH, which holds
 * a revision.  A file that was not fetched to its end is blobs/HASH.incomplete and has
 * no link.
 */
#ifndef GRT_FIND_HUB_H
#define GRT_FIND_HUB_H

#include "find/places.h"

/* OWNER/NAME, also with @REVISION or :QUANT, or the address of its page? */
int grt_hub_is_name(const char *name);

/* `name` is one of these, or NAME alone.  A revision may be a branch; without one it is
 * that of branch main where its weights are there, else the newest whose are.  QUANT is
 * one of several GGUF files.  With GRT_FIND_OK too `problem` may hold a text, to be
 * noted;
 * "": nothing is to be said. */
grt_find_state grt_hub_find(grt_place *out, const char *name,
                            char problem[GRT_PROBLEM_BYTES]);

/* The place of the model in a folder models--OWNER--NAME. */
grt_find_state grt_hub_find_in(grt_place *out, const char *folder,
                               char problem[GRT_PROBLEM_BYTES]);

/* "OWNER/NAME" of what names it. */
void grt_hub_repository(grt_place *out, const char *name);

/* The folder that names are looked for in first; "" when none is known. */
void grt_hub_first(grt_place *out);

/* A name by which a model is found and its place; NULL, and why it has none.  Not 0
 * ends the walk. */
typedef int grt_hub_fn(const char *name, const char *path, const char *problem,
                       void *payload);
/* A repository of several GGUF files is told once for each. */
int grt_hub_walk(grt_hub_fn *fn, void *payload);

#endif
