/* What one client may have at once, and in a second, so that it cannot take the queue from all others. A client is who
 * has a key, or an address where there are no keys (of IPv6 the network, since each has billions). Thread-safe; counts go on
 * when settings are read anew. */
#ifndef SERVER_HTTP_QUOTA_H
#define SERVER_HTTP_QUOTA_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

struct quota_id {
    uint64_t high, low;
};

struct quota_id quota_of_key(uint64_t partition);
/* false: it has no address, which is nobody's in particular. */
bool quota_of_address(struct quota_id *out, const struct sockaddr_storage *address);

struct quota_limits {
    size_t max_requests; /* at once; 0: no limit */
    double rate;         /* a second, and so many in one go; 0: no limit */
};

struct quota; /* one client's */

/* A request more. NULL: it is not counted; *wait_ms > 0: it is one too many, and when to come again. now: ns. */
struct quota *quota_enter(struct quota_id id, const struct quota_limits *limits, uint64_t now,
                          double *wait_ms);
/* A request less. NULL is allowed. */
void quota_leave(struct quota *q);

#endif
