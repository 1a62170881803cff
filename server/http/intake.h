/* What is known of a request before its body has come, and what is told of it at its end. */
#ifndef SERVER_HTTP_INTAKE_H
#define SERVER_HTTP_INTAKE_H

#include "server/http/http.h"

/* r->head has been read: finds the route, and refuses who may not come in. */
void intake_head(struct http_request *r);

/* The head, or what follows it, is none: the answer is this status, with the sentence (a constant), and the last one. */
void intake_refuse(struct http_request *r, int status, const char *sentence);

/* The connection is done with it. sent: the answer was, completely; else the client has left. It may be freed now. */
void intake_end(struct http_request *r, bool sent);

#endif
