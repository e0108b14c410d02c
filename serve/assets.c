/* assets.c - finds a file that is built in. */
#include "serve/assets.h"

#include <string.h>

extern const serve_asset serve_assets[]; /* made by cmake/Embed.cmake; ends with NULL */

const serve_asset *serve_asset_at(const char *path)
{
    if (strcmp(path, "/") == 0) path = "/index.html";
    for (const serve_asset *one = serve_assets; one->path; one++) {
        if (strcmp(one->path, path) == 0) return one;
    }
    return NULL;
}
