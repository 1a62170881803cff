/* Answers that are kept, for the next request with the same path, body and partition: those of routes with ROUTE_KEPT, which say
 * the same whenever they are asked. The least recently used are dropped for want of room, others of age:
 * some with every one that is kept, all when somebody looks at the figures. Thread-safe. */
#ifndef SERVER_HTTP_ANSWERS_H
#define SERVER_HTTP_ANSWERS_H

#include "runtime/base/clock.h"
#include "server/http/http.h"

struct answers;

/* max_bytes 0: none are kept; max_age (s, by the clock) 0: however old; old_age: so long they stay for answers_find_old. NULL:
 * out of memory. */
struct answers *answers_new(size_t max_bytes, double max_age, double old_age, const struct clock *clock);
void answers_free(struct answers *a);

/* To be released; NULL: it is not known. */
struct response *answers_find(struct answers *a, const struct route *route, uint64_t partition,
                              struct hone_text body);

/* The same of one that may be max_age s old, if that is more than others may be. */
struct response *answers_find_old(struct answers *a, const struct route *route, uint64_t partition,
                                  struct hone_text body, double max_age);

/* Keeps it, if there is room. */
void answers_keep(struct answers *a, const struct route *route, uint64_t partition, struct hone_text body,
                  struct response *response);

struct answers_stats {
    uint64_t n_hits, n_misses;
    size_t n_entries, n_bytes;
};
void answers_stats(struct answers *a, struct answers_stats *out);

#endif
