/*
 * assets.h - files that are built into the server, by the path at which they are asked
 * for.  cmake/Embed.cmake makes their table from serve/assets/.
 */
#ifndef SERVE_ASSETS_H
#define SERVE_ASSETS_H

#include <stddef.h>

typedef struct serve_asset {
    const char *path;          /* "/openapi.json" */
    const char *type;          /* Content-Type */
    const char *tag;           /* ETag: changes with the contents */
    const unsigned char *data; /* [bytes] */
    size_t bytes;
} serve_asset;

/* NULL: there is none. */
const serve_asset *serve_asset_at(const char *path);

#endif
