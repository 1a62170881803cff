#include "server/endpoints/endpoints.h"
#include "server/service.h"

/* Alive, if it answers at all. */
void livez_handle(struct http_request *r)
{
    reply_buffer_text(&r->out, "{\"live\":true}\n");
    http_reply(r, 200);
}

/* Ready, as long as it is not ending. */
void readyz_handle(struct http_request *r)
{
    bool ready = service_is_ready(r->service);
    reply_buffer_format(&r->out, "{\"ready\":%s}\n", ready ? "true" : "false");
    http_reply(r, ready ? 200 : 503);
}

/* Both, and how much waits. */
void health_handle(struct http_request *r)
{
    struct service *s = r->service;
    bool ready = service_is_ready(s);
    size_t n_waiting = 0, n_running = 0;
    for (size_t i = 0; i < s->models.n; i++) {
        struct hone_scheduler_stats stats;
        hone_scheduler_stats(s->models.items[i]->scheduler, &stats);
        n_running += stats.n_running;
        for (size_t k = 0; k < HONE_N_PRIORITIES; k++)
            n_waiting += stats.n_waiting[k];
    }
    reply_buffer_format(
        &r->out,
        "{\"status\":\"%s\",\"live\":true,\"ready\":%s,\"models\":%zu,\"queue\":{\"waiting\":%zu,"
        "\"running\":%zu}}\n",
        ready ? "ok" : "ending", ready ? "true" : "false", s->models.n, n_waiting, n_running);
    http_reply(r, ready ? 200 : 503);
}
