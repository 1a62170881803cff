/* Many clients of servers, on one thread: sockets that do not wait, and a plan that says when each asks. */
#ifndef CLI_LOAD_CLIENTS_H
#define CLI_LOAD_CLIENTS_H

#include "cli/load/address.h"
#include "cli/load/reply.h"
#include "runtime/base/clock.h"

/* What some of them do. */
struct load_part {
    const struct load_address *address;
    const struct load_dialect *dialect; /* NULL: GET, and any answer with status 200 is good */
    const char *path;
    const char *key; /* Authorization: Bearer; NULL: none */
    bool keep_alive;
    /* The body of request number `serial`, in memory of its own. NULL: no memory. */
    char *(*body)(void *arg, size_t serial);
    void *arg;
    struct load_plan plan;
    size_t n_connections; /* that were opened */
};

struct load_clients;

/* Starts all plans. The parts outlive it, and are released by the caller (load_plan_release), after a failure too. */
enum hone_status load_clients_open(struct load_clients **c, struct load_part *parts, size_t n,
                                   const struct clock *clock, struct hone_error *err);
/* Works until all plans are over. Their n_requests may be raised then for another go, on the same connections. */
void load_clients_work(struct load_clients *c);
void load_clients_close(struct load_clients *c);

/* All three. */
enum hone_status load_clients_run(struct load_part *parts, size_t n, const struct clock *clock,
                                  struct hone_error *err);

#endif
