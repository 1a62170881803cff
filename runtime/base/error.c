#include "runtime/base/error.h"

#include <stdio.h>

enum hone_status hone_vfail(struct hone_error *err, enum hone_status status, const char *format,
                            va_list arguments)
{
    if (!err)
        return status;
    err->status = status;
    vsnprintf(err->message, sizeof err->message, format, arguments);
    /* Names in the sentence come from hostile files; a terminal must not obey them. */
    for (char *c = err->message; *c; c++)
        if ((unsigned char)*c < 0x20 || *c == 0x7f)
            *c = '?';
    return status;
}

enum hone_status hone_fail(struct hone_error *err, enum hone_status status, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    hone_vfail(err, status, format, arguments);
    va_end(arguments);
    return status;
}

enum hone_status hone_no_memory(struct hone_error *err, const char *what, size_t size)
{
    return hone_fail(err, HONE_FAILED, "out of memory: %s needs %zu bytes", what, size);
}
