/*
 * hub.h - models in the cache of the Hugging Face hub.
 *
 * Its folders are models--OWNER--NAME (of the first models models--NAME) with
 * snapshots/REVISION, whose files are links into blobs/, and refs/BRANCH, which holds
 * a revision.  A file that was not fetched to its end is blobs/HASH.incomplete and has
 * no link.
 */
#ifndef CLI_HUB_H
#define CLI_HUB_H

#include "frame/places.h"

/* OWNER/NAME, also with @REVISION or :QUANT, or the address of its page? */
int cli_hub_is_name(const char *name);

/* `name` is one of these, or NAME alone.  A revision may be a branch; without one it is
 * that of branch main where its weights are there, else the newest whose are.  QUANT is
 * one of several GGUF files.  With CLI_FIND_OK too `problem` may hold a text, to be
 * noted;
 * "": nothing is to be said. */
cli_find cli_hub_find(cli_place *out, const char *name,
                      char problem[CLI_PROBLEM_BYTES]);

/* The place of the model in a folder models--OWNER--NAME. */
cli_find cli_hub_find_in(cli_place *out, const char *folder,
                         char problem[CLI_PROBLEM_BYTES]);

/* "OWNER/NAME" of what names it. */
void cli_hub_repository(cli_place *out, const char *name);

/* The folder that names are looked for in first; "" when none is known. */
void cli_hub_first(cli_place *out);

/* A name by which a model is found and its place; NULL, and why it has none.  Not 0
 * ends the walk. */
typedef int cli_hub_fn(const char *name, const char *path, const char *problem,
                       void *payload);
/* A repository of several GGUF files is told once for each. */
int cli_hub_walk(cli_hub_fn *fn, void *payload);

#endif
