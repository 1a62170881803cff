/* Answers that come bit by bit. */
#include "server/http/request.h"
#include "server/json_memory.h"

#include <string.h>

#define MAX_UNSENT (4u << 20) /* bytes; who reads more slowly than that is not waited for */

bool http_stream(struct http_request *r, const void *data, size_t size)
{
    pthread_mutex_lock(&r->lock);
    const char *why =
        r->stream.size - r->stream_sent + size > MAX_UNSENT ? "the client reads too slowly" : NULL;
    if (!r->gone && !why) {
        reply_buffer_write(&r->stream, data, size);
        if (r->stream.failed)
            why = "out of memory for an answer";
        r->stream.failed = false; /* for the words that tell of it */
        r->streams |= !why;
        request_wake(r);
    }
    bool taken = !r->gone && !why;
    pthread_mutex_unlock(&r->lock);
    if (!taken && why)
        http_note_failure(r, HONE_FAILED, why);
    return taken;
}

/* Under the lock. */
static size_t take(struct http_request *r, char *out, size_t max)
{
    size_t n = r->stream.size - r->stream_sent;
    n = n < max ? n : max;
    if (n > 0)
        memcpy(out, r->stream.data + r->stream_sent, n);
    r->stream_sent += n;
    if (r->stream_sent == r->stream.size)
        r->stream.size = r->stream_sent = 0;
    return n;
}

long request_read_stream(struct http_request *r, char *out, size_t max)
{
    pthread_mutex_lock(&r->lock);
    size_t n = take(r, out, max);
    bool worked = r->n_pending == 0, ended = r->stream_ended;
    if (n == 0 && !worked) {
        r->suspended = true;
    }
    pthread_mutex_unlock(&r->lock);
    r->n_sent += n;
    if (n > 0 || !worked)
        return (long)n;
    if (ended)
        return -1;
    r->stream_ended = true;
    json_memory_watch();
    if (r->then)
        r->then(r); /* the last words */
    return request_read_stream(r, out, max);
}
