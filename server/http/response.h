/* What an answer says, which several clients may be sent at once. */
#ifndef SERVER_HTTP_RESPONSE_H
#define SERVER_HTTP_RESPONSE_H

#include "server/http/reply_buffer.h"

struct response {
    _Atomic size_t n_users;
    const char *type; /* its content type; a constant */
    struct reply_buffer body;
};

/* Takes the body over, after a failure too; its user is the caller. NULL: out of memory. */
struct response *response_new(const char *type, struct reply_buffer *body);

/* One user more, which is returned. */
struct response *response_use(struct response *r);

/* One user less; the last one frees it. NULL is allowed. */
void response_release(struct response *r);

#endif
