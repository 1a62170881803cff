/* What hone was built with, or finds. */
#include "runtime/nn/blas.h"

#include <hone/bench.h>
#ifdef HONE_HIREDIS
#include <hiredis/hiredis.h>
#define TEXT_OF(x) #x
#define NUMBER(x)  TEXT_OF(x)
#define REDIS      NUMBER(HIREDIS_MAJOR) "." NUMBER(HIREDIS_MINOR) "." NUMBER(HIREDIS_PATCH)
#else
#define REDIS NULL
#endif

#include <pthread.h>

static struct hone_library libraries[] = {
    {"OpenBLAS", NULL, "--compute blas"},
    {"hiredis", REDIS, "results kept in Redis (--redis)"},
};

static void find(void)
{
    if (blas_load(1, NULL) == HONE_OK)
        libraries[0].version = blas_describe();
}

size_t hone_libraries(const struct hone_library **list)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, find);
    *list = libraries;
    return sizeof libraries / sizeof *libraries;
}
