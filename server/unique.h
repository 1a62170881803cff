/* Names that no other answer has. */
#ifndef SERVER_UNIQUE_H
#define SERVER_UNIQUE_H

#include "server/buffer.h"

/* A random UUID (RFC 9562, version 4) behind a prefix such as "chatcmpl-". */
void unique_write(struct buffer *out, const char *prefix);

#endif
