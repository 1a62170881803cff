#include "server/manager/flights.h"
#include "runtime/base/assert.h"
#include "runtime/base/text.h"
#include "server/http/request.h"
#include "server/http/response.h"
#include "server/service.h"

#include <string.h>

bool flights_may(const struct http_request *r)
{
    enum endpoint e = r->route ? r->route->endpoint : ENDPOINT_NONE;
    return e == ENDPOINT_COMPLETION || e == ENDPOINT_CHAT;
}

static bool are_equal(const struct http_request *a, const struct http_request *b)
{
    return a->route == b->route && a->partition == b->partition && a->timeout_ms == b->timeout_ms &&
           a->service == b->service && text_equal(a->body, b->body);
}

bool flights_join(struct http_request *r)
{
    struct flights *f = &r->service->flights;
    if (r->body.size == 0 || !flights_may(r) || r->began_anew)
        return false;
    pthread_mutex_lock(&f->lock);
    struct http_request *leader = f->first;
    while (leader && !are_equal(leader, r))
        leader = leader->next_flight;
    if (leader) {
        r->follows = true;
        r->next_follower = leader->followers;
        leader->followers = r;
        f->n_joined++;
        pthread_mutex_lock(&r->lock);
        r->n_pending++;
        r->service->n_pending++;
        pthread_mutex_unlock(&r->lock);
    }
    pthread_mutex_unlock(&f->lock);
    return leader;
}

void flights_lead(struct http_request *r)
{
    struct flights *f = &r->service->flights;
    if (r->body.size == 0 || r->leads)
        return;
    pthread_mutex_lock(&f->lock);
    r->leads = true;
    r->next_flight = f->first;
    f->first = r;
    pthread_mutex_unlock(&f->lock);
}

/* The same answer, which both hold. */
static void give(struct http_request *to, const struct http_request *from)
{
    if (!from->response || from->status != 200 || from->timed_out || from->phase != REQUEST_ANSWERED)
        return;
    to->response = response_use(from->response);
    to->degraded = from->degraded;
    to->wanted = from->wanted;
}

void flights_land(struct http_request *r)
{
    struct flights *f = &r->service->flights;
    if (!r->leads)
        return;
    pthread_mutex_lock(&f->lock);
    struct http_request **at = &f->first;
    while (*at != r)
        at = &(*at)->next_flight;
    *at = r->next_flight;
    struct http_request *follower = r->followers;
    r->followers = NULL;
    r->leads = false;
    pthread_mutex_unlock(&f->lock);
    while (follower) { /* which may be gone as soon as it is let go */
        struct http_request *next = follower->next_follower;
        give(follower, r);
        request_let_go_on(follower);
        follower = next;
    }
}

void flights_go_on(struct http_request *r)
{
    r->follows = false;
    if (r->response) {
        r->n_sent = r->response->body.size;
        r->status = 200;
        r->phase = REQUEST_ANSWERED;
        return;
    }
    r->began_anew = true;
    request_begin(r);
}
