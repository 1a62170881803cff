/* Names that no other answer has. */
#ifndef SERVER_HTTP_UNIQUE_H
#define SERVER_HTTP_UNIQUE_H

#include "server/http/reply_buffer.h"

/* A random UUID (RFC 9562, version 4) behind a prefix such as "chatcmpl-". */
void unique_write(struct reply_buffer *out, const char *prefix);

#endif
