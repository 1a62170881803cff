/* One file of a model in the cache: its content by hash, and its name in a snapshot. */
#ifndef CLI_HUB_FETCH_BLOB_H
#define CLI_HUB_FETCH_BLOB_H

#include "cli/hub/fetch/http.h"
#include "cli/hub/listing.h"

struct blob_job {
    struct http *http;
    const struct hub_name *name;
    const char *commit;
    const struct hub_file *file;
    void (*on_bytes)(void *arg, uint64_t n_done); /* of this file */
    void *arg;
};

/* Whether the snapshot has it already, of the size that it should have. */
bool blob_is_there(const struct blob_job *job);
/* Sees that it is there: finds its content in the cache or in another program's, or fetches it, checks it, and names it.
 * Waits while another process fetches it. */
enum hone_status blob_get(const struct blob_job *job, struct hone_error *err);

#endif
