#include "runtime/base/sizes.h"

#include <string.h>

enum hone_status sizes_take(void *own, size_t size, const void *given, const char *name,
                            struct hone_error *err)
{
    size_t its;
    if (!given)
        return HONE_OK;
    memcpy(&its, given, sizeof its);
    its = its ? its : size;
    if (its < sizeof its)
        return hone_fail(err, HONE_USAGE, "the size of a struct %s is %zu: set it with its defaults", name,
                         its);
    for (size_t i = size; i < its; i++)
        if (((const char *)given)[i])
            return hone_fail(
                err, HONE_USAGE,
                "a struct %s of %zu bytes sets a member that this library, which knows %zu, does not have",
                name, its, size);
    memcpy(own, given, its < size ? its : size);
    memcpy(own, &size, sizeof size);
    return HONE_OK;
}

enum hone_status sizes_check(size_t given, size_t size, const char *name, struct hone_error *err)
{
    if (given == 0 || given == size)
        return HONE_OK;
    return hone_fail(
        err, HONE_USAGE,
        "the size of a struct %s is %zu, expected %zu: the program was compiled against another version",
        name, given, size);
}
