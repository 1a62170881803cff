#include "cli/hub/fail.h"

#include <stdarg.h>
#include <stdio.h>

enum hone_status hub_fail(struct hone_error *err, enum hone_status status, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    vsnprintf(err->message, sizeof err->message, format, args);
    va_end(args);
    return err->status = status;
}

enum hone_status hub_no_memory(struct hone_error *err)
{
    return hub_fail(err, HONE_FAILED, "out of memory");
}

bool hub_format(char path[HUB_PATH], const char *format, ...)
{
    va_list args;
    va_start(args, format);
    int n = vsnprintf(path, HUB_PATH, format, args);
    va_end(args);
    return n > 0 && n < HUB_PATH;
}
