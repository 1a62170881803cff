/* All that answers requests: settings, models, keys, and the front they come through. Another one takes over its models
 * and, if that can be as it is, its front when settings are read anew. */
#ifndef SERVER_SERVICE_H
#define SERVER_SERVICE_H

#include "server/http/front.h"
#include "server/http/keys.h"
#include "server/manager/flights.h"
#include "server/manager/router.h"
#include "server/models.h"

struct answers;
struct service {
    const struct clock *clock;
    struct settings settings;
    struct models models;
    struct router router;
    struct api_keys keys, admin;     /* of those who may load and unload models; none: nobody may */
    char *certificate, *private_key; /* PEM, or NULL; until the front has them */
    struct answers *answers, *completions;
    struct flights flights;
    struct front *front;
    bool replaced;             /* the front is another service's */
    atomic_bool leaving;       /* it will end soon, and says so */
    atomic_bool draining;      /* each connection's next answer is its last */
    atomic_bool ending;        /* no work is taken */
    _Atomic size_t n_requests; /* that are not freed */
    _Atomic size_t n_parallel; /* of these with work, or an answer on its way */
    _Atomic size_t n_pending;  /* submissions without a reply */
};

/* Reads the settings, or where flags are NULL takes those of `old`, opens the models and begins to listen. `old`, which may be
 * NULL otherwise, goes on unless it is closed. */
enum hone_status service_open(struct service **out, const struct setting_flags *flags,
                              const struct service *old, struct hone_error *err);
/* The same in its parts, since the sockets' addresses are among the settings: listeners are opened between them. If the
 * front of `old` (may be NULL) can be that of s, it is: requests that begin are for s, those that began for `old`. */
enum hone_status service_listen(struct service *s, const struct listeners *listeners, struct service *old,
                                struct hone_error *err);

/* Takes no new connections; a service that was replaced has none. */
void service_quiesce(struct service *s);
/* Whether there are requests, or clients that connected a moment ago and are about to send one. */
bool service_is_busy(struct service *s);
/* To be called about every second. */
void service_sweep(struct service *s);
/* Ends requests that are on their way. Closes *s and sets it to NULL. */
void service_close(struct service **s);

/* Whether it will take requests for a while, and has the models that it is to have from the start. */
bool service_is_ready(const struct service *s);

size_t service_max_body(const struct service *s); /* bytes */
/* Bytes that all requests together may hold. */
size_t service_max_uploads(const struct service *s);

#endif
