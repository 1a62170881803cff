/* Questions to a hub over HTTP, by libcurl: with the token that the user has, told to the hub's own host alone; again
 * after failures that pass (429, 5xx, broken connections), as late as the server asks. Proxies are those of the
 * environment (http_proxy, https_proxy, no_proxy). */
#ifndef CLI_HUB_FETCH_HTTP_H
#define CLI_HUB_FETCH_HTTP_H

#include "cli/hub/fail.h"

#define HTTP_TRIES 6 /* one after the other without any progress */

struct http; /* one thread's */

struct http_answer {
    long status;
    char *body; /* [size], NUL-terminated */
    size_t size;
    char *
        location; /* where the content lies: the URL that answered, or where that sent us to on another host */
    char commit[41],
        hash[72];    /* what the hub says of a file: X-Repo-Commit; X-Linked-Etag or ETag without quotes */
    uint64_t length; /* X-Linked-Size; 0: not told */
};

/* HONE_USAGE: HF_ENDPOINT is no address. */
enum hone_status http_open(struct http **out, struct hone_error *err);
void http_close(struct http *http);

/* HF_ENDPOINT, or https://huggingface.co; no slash at the end. */
const char *http_endpoint(const struct http *http);

/* Asks for a URL of the hub: its body, or with `head` what is said about it, where a redirection to another host is an
 * answer and not followed. `what` is for sentences. HONE_FAILED: there is no answer, or it is an error; 401, 403 and 404
 * are told in words. *answer is to be released in any case. */
enum hone_status http_ask(struct http *http, const char *url, bool head, const char *what,
                          struct http_answer *answer, struct hone_error *err);
void http_release(struct http_answer *answer);

/* A part of a URL's path, with what must be escaped as %XX: to be freed with free. */
char *http_escape(const char *path);

/* Whether an attempt that ended like this may be made again, and in *wait_s after how long. curl: a CURLcode. */
bool http_passes(int curl, long status, long retry_after, int n_failed, double *wait_s);

/* A handle (CURL *) for a transfer of its own, with all that is usual; to be cleaned up with curl_easy_cleanup. The token
 * is told where `url` is of the hub's host. */
void *http_handle(struct http *http, const char *url);

#endif
