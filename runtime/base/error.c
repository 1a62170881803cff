#include "runtime/base/error.h"

#include <stdarg.h>
#include <stdio.h>

enum hone_status hone_fail(struct hone_error *err, enum hone_status status, const char *format, ...)
{
    if (!err)
        return status;
    err->status = status;
    va_list args;
    va_start(args, format);
    vsnprintf(err->message, sizeof err->message, format, args);
    va_end(args);
    /* Names in the sentence come from hostile files; a terminal must not obey them. */
    for (char *c = err->message; *c; c++)
        if ((unsigned char)*c < 0x20 || *c == 0x7f)
            *c = '?';
    return status;
}

enum hone_status hone_no_memory(struct hone_error *err, const char *what, size_t size)
{
    return hone_fail(err, HONE_FAILED, "out of memory: %s needs %zu bytes", what, size);
}
