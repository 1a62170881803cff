/* A large file on its way here: in parts, several at a time, each going on where it was cut. Which parts are whole is
 * written down beside the file, so that a later run fetches the others alone. */
#ifndef CLI_HUB_FETCH_TRANSFER_H
#define CLI_HUB_FETCH_TRANSFER_H

#include "cli/hub/fetch/http.h"

#define TRANSFER_PART    (8u << 20) /* bytes; what a run that is killed may have to fetch again, a connection */
#define TRANSFER_STREAMS 4

struct transfer_job {
    const char *url;    /* of the hub, which says where the content lies */
    const char *what;   /* for sentences */
    const char *path;   /* where it is put together; path.parts tells which parts are whole */
    const char *commit; /* that the hub must speak of, and */
    const char *hash;   /* what it must say that the content is */
    uint64_t size;      /* bytes of all of it */
    size_t part_size, n_streams;
    /* Gets the bytes that have come, now and then; those of earlier runs at once. */
    void (*on_bytes)(void *arg, uint64_t n_done);
    void *arg;
};

/* Fetches it, and takes path.parts away. HONE_FAILED: what was fetched is kept for the next time. */
enum hone_status transfer_run(struct http *http, const struct transfer_job *job, struct hone_error *err);

#endif
