/* What the Python package needs beside hone.h, in the library that its wheel carries. */
#include "cli/hub/hub.h"

#include <stdio.h>
#include <stdlib.h>

HONE_API bool hone_python_go_on(void *stop, size_t n_done);
HONE_API enum hone_status hone_python_find(const char *model, char *path, size_t size,
                                           struct hone_error *err);

/* A hone_progress whose argument is a flag that another thread sets. Python's own functions would have to wait for the
 * interpreter lock each time, which a busy thread holds for 5 ms. */
bool hone_python_go_on(void *stop, size_t n_done)
{
    (void)n_done;
    return !__atomic_load_n((const unsigned char *)stop, __ATOMIC_RELAXED);
}

/* The path of a model that is named as the command line names them, into path [size]. Nothing is fetched. */
enum hone_status hone_python_find(const char *model, char *path, size_t size, struct hone_error *err)
{
    char *found;
    enum hone_status status = hub_find(model, &found, err);
    if (status == HONE_OK && snprintf(path, size, "%s", found) >= (int)size)
        status = hub_fail(err, HONE_BAD_MODEL, "the path of the model is too long");
    free(found);
    return status;
}
