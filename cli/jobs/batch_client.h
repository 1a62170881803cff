/* Requests to a server on a Unix socket, one after the other, each on a connection of its own. */
#ifndef CLI_JOBS_BATCH_CLIENT_H
#define CLI_JOBS_BATCH_CLIENT_H

#include <hone/hone.h>

struct batch_answer {
    int status; /* 0: there is none, and `body` is a sentence */
    char *body; /* [size], NUL-terminated, to be freed */
    size_t size;
};

/* POSTs a JSON body, and waits for the whole answer. Thread-safe. */
void batch_ask(const char *socket_path, const char *url, struct hone_text body, struct batch_answer *out);

#endif
