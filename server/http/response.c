#include "server/http/response.h"

#include <stdatomic.h>
#include <stdlib.h>

struct response *response_new(const char *type, struct reply_buffer *body)
{
    struct response *r = calloc(1, sizeof *r);
    if (r) {
        r->n_users = 1;
        r->type = type;
        r->body = *body;
    } else {
        reply_buffer_release(body);
    }
    *body = (struct reply_buffer){0};
    return r;
}

struct response *response_use(struct response *r)
{
    r->n_users++;
    return r;
}

void response_release(struct response *r)
{
    if (!r || --r->n_users > 0)
        return;
    reply_buffer_release(&r->body);
    free(r);
}
