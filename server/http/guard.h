/* Pages of other sites in a browser on this machine: they reach a server that nobody else reaches, and need no key where
 * none is needed. They can send what forms can send, though not read the answer; and where they own a name, they can have
 * it point here and read answers, too (DNS rebinding). Both are seen by what the browser adds to their requests. */
#ifndef SERVER_HTTP_GUARD_H
#define SERVER_HTTP_GUARD_H

#include "server/http/http.h"

/* NULL, or why the request is refused: a constant; *problem is what for. */
const char *guard_check(const struct http_request *r, enum problem *problem);

#endif
