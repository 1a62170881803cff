#include "server/http/front.h"
#include "server/figures/log.h"
#include "server/http/fail.h"
#include "server/process.h"
#include "server/service.h"
#include "server/wire/loop.h"
#include "server/wire/tls.h"

#include <stdlib.h>
#include <string.h>

#define FEW_FDS 16 /* descriptors for all else: files that are read anew, Redis, figures of the process */

/* A client who cannot be accepted for want of a descriptor waits just as one too many does, but so does all else. */
static size_t most_connections(size_t wanted)
{
    struct process now;
    process_read(&now);
    double left = now.max_fds - now.n_fds - FEW_FDS;
    return left >= (double)wanted ? wanted : left > 1 ? (size_t)left : 1;
}

static enum hone_status start(struct front *f, const struct listeners *listeners, struct hone_error *err)
{
    f->loops = calloc(listeners->n * f->n_threads, sizeof *f->loops);
    if (!f->loops)
        return fail(err, HONE_FAILED, "no memory for the threads that speak with clients");
    for (size_t i = 0; i < listeners->n; i++) {
        for (size_t thread = 0; thread < f->n_threads; thread++) {
            struct http_loop *loop = loop_start(f, listeners->items[i].fd);
            if (!loop)
                return fail_errno(err, HONE_FAILED, "%s: there is no thread to speak with clients",
                                  listeners->items[i].name);
            f->loops[f->n_loops++] = loop;
        }
    }
    return HONE_OK;
}

/* Later than what connections_sweep looks after, which tells a client that it was too slow: this is for answers that are
 * not read. */
static unsigned stall_timeout(const struct service *s)
{
    double read = s->settings.read_timeout, idle = s->settings.idle_timeout, most = read > idle ? read : idle;
    return most < 86400 ? (unsigned)most + 10 : 86400;
}

enum hone_status front_open(struct front **out, struct service *s, const struct listeners *listeners,
                            struct hone_error *err)
{
    struct front *f = calloc(1, sizeof *f);
    *out = NULL;
    if (!f)
        return fail(err, HONE_FAILED, "out of memory for a server");
    pthread_mutex_init(&f->connections.lock, NULL);
    pthread_mutex_init(&f->lock, NULL);
    f->connections.clock = s->clock;
    f->n_threads = s->settings.http_threads;
    f->wanted_connections = s->settings.max_connections;
    f->max_connections = most_connections(f->wanted_connections);
    if (f->max_connections < f->wanted_connections)
        log_info("at most %zu clients at once, of the %zu that max-connections allows: there are no more "
                 "descriptors",
                 f->max_connections, f->wanted_connections);
    f->is_local = true;
    for (size_t i = 0; i < listeners->n; i++)
        f->is_local &= listeners->items[i].is_local;
    f->max_header = s->settings.max_header;
    f->stall_timeout = stall_timeout(s);
    f->certificate = s->certificate;
    f->private_key = s->private_key;
    s->certificate = s->private_key = NULL;
    f->service = s;
    *out = f; /* requests come as soon as it has started */
    enum hone_status status =
        f->certificate ? tls_open(&f->tls, f->certificate, f->private_key, err) : HONE_OK;
    if (status != HONE_OK)
        settings_blame(&s->settings, SETTING_TLS_CERT, err);
    if (status == HONE_OK)
        status = start(f, listeners, err);
    if (status != HONE_OK) {
        *out = NULL;
        front_close(f);
    }
    return status;
}

static bool same_text(const char *a, const char *b)
{
    return a && b ? strcmp(a, b) == 0 : a == b;
}

bool front_fits(const struct front *f, const struct service *s)
{
    return f->n_threads == s->settings.http_threads && f->wanted_connections == s->settings.max_connections &&
           f->max_header == s->settings.max_header && f->stall_timeout == stall_timeout(s) &&
           same_text(f->certificate, s->certificate) && same_text(f->private_key, s->private_key);
}

void front_serve(struct front *f, struct service *s)
{
    pthread_mutex_lock(&f->lock);
    f->service = s;
    pthread_mutex_unlock(&f->lock);
}

struct service *front_service(struct front *f)
{
    pthread_mutex_lock(&f->lock);
    struct service *s = f->service;
    s->n_requests++;
    pthread_mutex_unlock(&f->lock);
    return s;
}

void front_quiesce(struct front *f)
{
    for (size_t i = 0; i < f->n_loops; i++)
        loop_quiesce(f->loops[i]);
}

void front_close(struct front *f)
{
    if (!f)
        return;
    for (size_t i = 0; i < f->n_loops; i++)
        loop_stop(f->loops[i]);
    free(f->loops);
    tls_close(f->tls);
    free(f->certificate);
    free(f->private_key);
    pthread_mutex_destroy(&f->connections.lock);
    pthread_mutex_destroy(&f->lock);
    free(f);
}
