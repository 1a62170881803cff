#include "server/manager/degrade.h"
#include "server/http/answers.h"
#include "server/http/request.h"
#include "server/http/response.h"
#include "server/service.h"

#include <string.h>

/* ms: a client that gives the model less than this has itself to blame, and shall not turn others away from it. */
#define LEAST_DEADLINE 1000

const char *const degraded_names[] = {"", "fallback", "cached", "order"};

static uint64_t now_of(const struct http_request *r)
{
    return clock_now(r->service->clock);
}

/* What stands in for a reranker may compare vectors, which answers a request to rank and no other. */
static bool can_stand_in(const struct http_request *r, const struct served_model *m)
{
    return r->reranks ? models_can_rank(m) : models_can(m, r->wanted->info->task);
}

/* The first one of the wanted model's chain from `at` on that can answer; *at is its place. NULL: there is none. */
static struct served_model *next_of_chain(const struct http_request *r, size_t *at)
{
    const struct models *models = &r->service->models;
    struct served_model *m = r->wanted;
    for (size_t i = 0; m; i++, m = models_fallback(models, m))
        if (i >= *at && (i == 0 || can_stand_in(r, m))) {
            *at = i;
            return m;
        }
    return NULL;
}

/* The first one from r->chain_at on whose breaker lets a request through. */
static struct served_model *next_allowed(struct http_request *r)
{
    struct served_model *m;
    size_t at = r->chain_at;
    while ((m = next_of_chain(r, &at)) && !breaker_allows(&m->breaker, now_of(r), &r->probe))
        at++;
    r->chain_at = m ? at : r->chain_at;
    return m;
}

static bool has_order(const struct http_request *r)
{
    return r->route->endpoint == ENDPOINT_RERANK && strcmp(r->service->settings.fallback_order, "on") == 0;
}

/* An answer that is older than others may be. */
static struct response *old_answer(struct http_request *r)
{
    bool kept = (r->route->flags & ROUTE_KEPT) && !http_wants_raw(r);
    double most = r->service->settings.fallback_age;
    return kept && most > 0 ? answers_find_old(r->service->answers, r->route, r->partition, r->body, most)
                            : NULL;
}

static void count(struct http_request *r, enum degraded how)
{
    r->degraded = how;
    r->wanted->degraded[how]++;
}

/* Nobody computes it: what is there nevertheless. False: nothing. */
static bool without_model(struct http_request *r)
{
    struct response *old = old_answer(r);
    if (old) {
        reply_buffer_write(&r->out, old->body.data, old->body.size);
        r->type = old->type;
        response_release(old);
        count(r, DEGRADED_CACHED);
        http_reply(r, 200);
        return true;
    }
    r->unscored = has_order(r);
    if (r->unscored)
        count(r, DEGRADED_ORDER);
    return r->unscored;
}

bool degrade_choose(struct http_request *r)
{
    struct breaker_status status;
    struct served_model *m = r->model;
    if (!m || r->describing || r->route->endpoint == ENDPOINT_NONE)
        return m;
    r->wanted = m;
    r->model = r->nobody ? NULL : next_allowed(r);
    if (r->model) {
        if (r->model != m)
            count(r, DEGRADED_FALLBACK);
        return true;
    }
    r->model = m;
    if (without_model(r))
        return r->phase != REQUEST_ANSWERED;
    breaker_status(&m->breaker, now_of(r), &status);
    r->retry_ms = 1e3 * status.retry;
    http_fail(r, PROBLEM_LATE, "model", "the model '%s' fails, and nobody stands in for it", m->name);
    return false;
}

/* A model that cannot be loaded just now (its file is about to be read anew) says so at once: there is time to ask another. */
static bool cannot_be_loaded(const struct http_request *r)
{
    struct model_status status;
    manager_status(r->service->models.manager, &r->model->managed, &status);
    return status.state == MODEL_FAILED;
}

bool degrade_again(struct http_request *r)
{
    enum hone_status status = r->failure.status;
    struct served_model *wanted = r->wanted;
    bool late = status == HONE_LATE;
    bool fails = status == HONE_FAILED || status == HONE_BAD_MODEL || (late && wanted && cannot_be_loaded(r));
    if (!wanted || r->streams || (!fails && !late) || r->nobody)
        return false;
    size_t at = r->chain_at + 1;
    const struct served_model *next = fails ? next_of_chain(r, &at) : NULL;
    struct response *old = next ? NULL : old_answer(r);
    if (!next && !old && !has_order(r))
        return false;
    if (old)
        response_release(old);
    r->nobody = !next;
    r->chain_at++;
    request_again(r);
    return true;
}

void degrade_note(struct http_request *r, enum hone_status status)
{
    bool good = status == HONE_OK, late = status == HONE_LATE;
    bool bad = status == HONE_FAILED || status == HONE_BAD_MODEL ||
               (late && (r->timeout_ms == 0 || r->timeout_ms >= LEAST_DEADLINE));
    if (good || bad)
        breaker_note(&r->model->breaker, good, r->probe, now_of(r));
}

/* Objects get a field in front of the others; lists and numbers have no place for one. */
void degrade_tell(struct http_request *r)
{
    struct reply_buffer whole = {0};
    bool is_json = !r->type || strcmp(r->type, "application/json") == 0;
    if (!r->degraded || !is_json || r->out.size < 3 || r->out.data[0] != '{' || r->out.failed)
        return;
    reply_buffer_format(&whole, "{\"degraded\":{\"by\":\"%s\",\"wanted\":", degraded_names[r->degraded]);
    reply_buffer_json_string(&whole, r->wanted->name);
    if (r->degraded == DEGRADED_FALLBACK) {
        reply_buffer_text(&whole, ",\"model\":");
        reply_buffer_json_string(&whole, r->model->name);
    }
    reply_buffer_text(&whole, "},");
    reply_buffer_write(&whole, r->out.data + 1, r->out.size - 1);
    reply_buffer_release(&r->out);
    r->out = whole;
}

/* "; model=NAME", without what a header may not have. */
static void write_name(struct reply_buffer *out, const char *name)
{
    reply_buffer_text(out, "; model=");
    for (const char *p = name; *p; p++)
        reply_buffer_write(out, *p > ' ' && *p < 127 ? p : "?", 1);
}

void degrade_header(const struct http_request *r, struct reply_buffer *out)
{
    if (!r->degraded)
        return;
    reply_buffer_format(out, "X-Hone-Degraded: %s", degraded_names[r->degraded]);
    if (r->degraded == DEGRADED_FALLBACK)
        write_name(out, r->model->name);
    reply_buffer_text(out, "\r\n");
}
