#include "server/http/fail.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum hone_status fail(struct hone_error *err, enum hone_status status, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    if (err) {
        err->status = status;
        vsnprintf(err->message, sizeof err->message, format, args);
    }
    va_end(args);
    return status;
}

enum hone_status fail_errno(struct hone_error *err, enum hone_status status, const char *format, ...)
{
    int error = errno;
    char sentence[sizeof err->message - 128];
    va_list args;
    va_start(args, format);
    vsnprintf(sentence, sizeof sentence, format, args);
    va_end(args);
    return fail(err, status, "%s: %s", sentence, strerror(error));
}
