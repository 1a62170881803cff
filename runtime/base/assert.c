#include "runtime/base/assert.h"

#ifdef HONE_ASSERT
#include <stdio.h>
#include <stdlib.h>

void assert_failed(const char *file, int line, const char *function, const char *condition)
{
    fprintf(stderr, "%s:%d: %s: not so: %s\n", file, line, function, condition);
    abort();
}
#endif
