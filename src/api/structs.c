/* structs.c - see structs.h. */
#include "api/structs.h"

#include <string.h>

grt_status grt_take_struct(void *taken, size_t size, size_t first_size,
                           const void *given, const char *what, grt_error *err)
{
    size_t given_size;
    if (!given) return GRT_OK;
    memcpy(&given_size, given, sizeof(given_size));
    if (given_size < first_size)
        GRT_FAIL(err, GRT_E_INVALID_ARG,
                 "%s.struct_size is %zu, less than the %zu of its first version; "
                 "initialise the struct with its _INIT macro",
                 what, given_size, first_size);
    const unsigned char *bytes = given;
    for (size_t i = size; i < given_size; i++)
        if (bytes[i])
            GRT_FAIL(
                err, GRT_E_UNSUPPORTED,
                "%s has %zu bytes, and sets a field that this library, which knows "
                "%zu, does not have",
                what, given_size, size);
    memcpy(taken, given, given_size < size ? given_size : size);
    memcpy(taken, &size, sizeof(size));
    return GRT_OK;
}

void grt_give_struct(void *given, const void *filled, size_t size)
{
    size_t given_size, n = sizeof(given_size);
    memcpy(&given_size, given, sizeof(given_size));
    unsigned char *to = given;
    const unsigned char *from = filled;
    if (given_size <= n) return;
    size_t end = given_size < size ? given_size : size;
    memcpy(to + n, from + n, end - n);
    memset(to + end, 0, given_size - end);
}
