/* Of a build without libcurl and nettle, which leaves out cli/hub/fetch. */
#ifndef HONE_CURL

#include "cli/hub/hub.h"

enum hone_status hub_pull(const struct hub_name *name, bool quiet, struct hub_pulled *out,
                          struct hone_error *err)
{
    (void)quiet;
    (void)out;
    return hub_fail(err, HONE_FAILED,
                    "%s is not here, and this hone was built without libcurl and nettle, which fetch models",
                    name->repo);
}

#else
typedef int nothing_is_left_out; /* a file must hold something */
#endif
