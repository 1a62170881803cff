#include "server/endpoints/endpoints.h"
#include "server/service.h"

/* Alive, if it answers at all. */
void livez_handle(struct http_request *r)
{
    reply_buffer_text(&r->out, "{\"live\":true}\n");
    http_reply(r, 200);
}

/* Ready, as long as it is not ending, and once the models are there that are to be from the start. */
void readyz_handle(struct http_request *r)
{
    bool ready = service_is_ready(r->service);
    reply_buffer_format(&r->out, "{\"ready\":%s}\n", ready ? "true" : "false");
    http_reply(r, ready ? 200 : 503);
}

static void write_state(struct reply_buffer *out, const struct served_model *m, const struct model_status *s,
                        enum breaker_state breaker)
{
    reply_buffer_json_string(out, m->name);
    reply_buffer_format(out, ":{\"state\":\"%s\"", model_state_names[s->state]);
    if (s->state == MODEL_FAILED) {
        reply_buffer_text(out, ",\"error\":");
        models_write_failure(out, m, &s->failure);
    }
    if (breaker != BREAKER_CLOSED)
        reply_buffer_format(out, ",\"breaker\":\"%s\"", breaker_state_names[breaker]);
    reply_buffer_text(out, "}");
}

/* Both, how much waits, and which models are in memory. */
void health_handle(struct http_request *r)
{
    struct service *s = r->service;
    bool ready = service_is_ready(s), ending = s->leaving || s->draining;
    size_t n_waiting = 0, n_running = 0;
    struct reply_buffer states = {0};
    for (size_t i = 0; i < s->models.n; i++) {
        struct hone_scheduler_stats stats;
        struct model_status status;
        struct breaker_status breaker;
        breaker_status(&s->models.items[i]->breaker, clock_now(s->clock), &breaker);
        models_stats(&s->models, s->models.items[i], &stats);
        manager_status(s->models.manager, &s->models.items[i]->managed, &status);
        n_running += stats.n_running;
        n_waiting += status.n_waiting;
        for (size_t k = 0; k < HONE_N_PRIORITIES; k++)
            n_waiting += stats.n_waiting[k];
        reply_buffer_text(&states, i ? "," : "");
        write_state(&states, s->models.items[i], &status, breaker.state);
    }
    reply_buffer_format(&r->out,
                        "{\"status\":\"%s\",\"live\":true,\"ready\":%s,\"models\":%zu,\"queue\":{\"waiting\":"
                        "%zu,\"running\":%zu},\"states\":{",
                        ending  ? "ending"
                        : ready ? "ok"
                                : "loading",
                        ready ? "true" : "false", s->models.n, n_waiting, n_running);
    reply_buffer_write(&r->out, states.data, states.size);
    reply_buffer_text(&r->out, "}}\n");
    r->out.failed |= states.failed;
    reply_buffer_release(&states);
    http_reply(r, ending ? 503 : 200); /* while it loads, requests are taken and wait: /readyz is stricter */
}
