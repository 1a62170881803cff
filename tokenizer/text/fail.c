#include "tokenizer/text/fail.h"

#include <stdarg.h>
#include <stdio.h>

bool tok_fail(char *why, size_t why_size, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    if (why && why_size)
        vsnprintf(why, why_size, format, arguments);
    va_end(arguments);
    return false;
}

bool tok_no_memory(char *why, size_t why_size)
{
    return tok_fail(why, why_size, "out of memory in the tokenizer");
}
