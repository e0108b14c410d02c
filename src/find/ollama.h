/*
 * ollama.h - models in the store of Ollama.
 *
 * manifests/HOST/OWNER/NAME/TAG names the blob blobs/sha256-HEX that is the GGUF file;
 * the usual host is registry.ollama.ai and its own models' owner is "library".
 */
#ifndef GRT_FIND_OLLAMA_H
#define GRT_FIND_OLLAMA_H

#include "find/places.h"

/* `name` is NAME, OWNER/NAME or HOST/OWNER/NAME, with :TAG or as ":latest"; case does
 * not count. */
grt_find_state grt_ollama_find(grt_place *out, const char *name,
                               char problem[GRT_PROBLEM_BYTES]);

/* A name with its tag, without "ollama:", and where the file is; NULL, and why there is
 * none.  Not 0 ends the walk. */
typedef int grt_ollama_fn(const char *name, const char *path, const char *problem,
                          void *payload);
int grt_ollama_walk(grt_ollama_fn *fn, void *payload);

#endif
