/*
 * near.c - "did you mean".
 *
 * The distance counts letters that are missing, too many, other ones, or two that
 * changed places (Damerau and Levenshtein, each place changed once).
 */
#include "frame/near.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

static size_t least(size_t a, size_t b)
{
    return a < b ? a : b;
}

static int differ(char a, char b)
{
    return tolower((unsigned char)a) != tolower((unsigned char)b);
}

static size_t distance(const char *a, const char *b)
{
    enum { ROWS = 3, MOST = 64 };
    size_t rows[ROWS][MOST + 1], n = strlen(a), m = strlen(b);
    for (size_t j = 0; j <= m; j++)
        rows[0][j] = j;
    for (size_t i = 1; i <= n; i++) {
        size_t *row = rows[i % ROWS], *last = rows[(i - 1) % ROWS];
        const size_t *before = rows[(i + 1) % ROWS]; /* of i - 2 */
        row[0] = i;
        for (size_t j = 1; j <= m; j++) {
            row[j] = least(last[j], row[j - 1]) + 1;
            row[j] = least(row[j], last[j - 1] + (size_t)differ(a[i - 1], b[j - 1]));
            if (i > 1 && j > 1 && !differ(a[i - 1], b[j - 2]) &&
                !differ(a[i - 2], b[j - 1]))
                row[j] = least(row[j], before[j - 2] + 1);
        }
    }
    return rows[n % ROWS][m];
}

void cli_near_init(cli_near *near, const char *typed)
{
    *near = (cli_near){0};
    if (strlen(typed) >= sizeof near->typed) return; /* near to nothing */
    snprintf(near->typed, sizeof near->typed, "%s", typed);
    near->distance = least(strlen(typed) / 2, 2) + 1;
}

void cli_near_try_as(cli_near *near, const char *spelled, const char *name)
{
    size_t most = sizeof near->best;
    if (!near->typed[0] || strlen(spelled) >= most || strlen(name) >= most) return;
    size_t found = distance(near->typed, spelled);
    if (found >= near->distance) return;
    near->distance = found;
    snprintf(near->best, sizeof near->best, "%s", name);
}

void cli_near_try(cli_near *near, const char *name)
{
    cli_near_try_as(near, name, name);
}

const char *cli_near_best(const cli_near *near)
{
    return near->best[0] ? near->best : NULL;
}
