#include "tokenizer/text/fail.h"

#include <stdarg.h>

bool tok_fail(struct hone_error *err, enum hone_status status, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    hone_vfail(err, status, format, arguments);
    va_end(arguments);
    return false;
}

bool tok_no_memory(struct hone_error *err)
{
    return tok_fail(err, HONE_FAILED, "out of memory in the tokenizer");
}
