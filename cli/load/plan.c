#include "cli/load/plan.h"

#include <hone/hone.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum hone_status load_plan_start(struct load_plan *p, uint64_t now, struct hone_error *err)
{
    p->start = p->end = now;
    p->slots = calloc(p->n_slots, sizeof *p->slots);
    if (p->slots)
        return HONE_OK;
    snprintf(err->message, sizeof err->message, "out of memory for %zu requests at once", p->n_slots);
    return err->status = HONE_FAILED;
}

void load_plan_release(struct load_plan *p)
{
    free(p->slots);
    free(p->samples);
    p->slots = NULL;
    p->samples = NULL;
}

void load_plan_forget(struct load_plan *p)
{
    p->n_samples = p->n_tokens = 0;
    memset(p->outcomes, 0, sizeof p->outcomes);
    memset(p->statuses, 0, sizeof p->statuses);
}

/* When the next request is due; UINT64_MAX: there is none. */
static uint64_t next_due(const struct load_plan *p, uint64_t now)
{
    uint64_t soon = p->again > now ? p->again : now;
    uint64_t due = p->rate > 0 ? p->start + (uint64_t)((double)p->next / p->rate * 1e9) : soon;
    bool is_one = (p->n_requests == 0 || p->next < p->n_requests) &&
                  (p->duration == 0 || due < p->start + p->duration) && !p->is_full && !p->is_gone;
    return is_one ? due : UINT64_MAX;
}

static bool reserve(struct load_plan *p)
{
    if (p->n_samples < p->room)
        return true;
    size_t room = p->room ? 2 * p->room : 4096;
    struct load_sample *more =
        p->n_samples < LOAD_MAX_SAMPLES ? realloc(p->samples, room * sizeof *more) : NULL;
    if (!more) {
        p->is_full = true;
        return false;
    }
    p->samples = more;
    p->room = room;
    return true;
}

static void count(struct load_plan *p, size_t serial, uint64_t due, const struct load_result *r, uint64_t now)
{
    if (!reserve(p))
        return;
    double first = r->first ? 1e-6 * (double)(r->first - due) : NAN;
    bool streams = r->first && r->n_tokens > 1;
    p->samples[p->n_samples++] = (struct load_sample){
        .ms = (float)(1e-6 * (double)(now - due)),
        .first_ms = (float)first,
        .a_token_ms = streams ? (float)(1e-6 * (double)(now - r->first) / (double)(r->n_tokens - 1)) : NAN,
        .serial = (uint32_t)serial,
        .outcome = (uint8_t)r->outcome,
    };
    p->outcomes[r->outcome]++;
    if (r->outcome == LOAD_STATUS && r->status > 0 && r->status < LOAD_STATUSES)
        p->statuses[r->status]++;
    if (r->outcome == LOAD_GOOD)
        p->n_tokens += r->n_tokens;
    p->end = now > p->end ? now : p->end;
}

bool load_plan_take(struct load_plan *p, uint64_t now, size_t *slot, size_t *serial)
{
    static const struct load_result late = {.outcome = LOAD_TIMEOUT};
    uint64_t due = next_due(p, now);
    while (due <= now && now - due >= p->patience) {
        count(p, p->next++, due, &late, now);
        due = next_due(p, now);
    }
    if (due > now || p->n_busy == p->n_slots)
        return false;
    for (*slot = 0; p->slots[*slot].busy;)
        ++*slot;
    *serial = p->next++;
    p->slots[*slot] = (struct load_slot){true, *serial, due};
    p->n_busy++;
    return true;
}

/* Whoever was refused says nothing of those that wait for an answer, and who waited in vain nothing of connections. */
static void look_for_server(struct load_plan *p, enum load_outcome outcome, uint64_t now)
{
    if (outcome == LOAD_REFUSED) {
        p->refused_since = p->refused_since ? p->refused_since : now;
        p->again = now + LOAD_PAUSE;
        p->is_gone |= now - p->refused_since >= LOAD_GONE;
    } else if (outcome != LOAD_TIMEOUT)
        p->refused_since = p->again = 0;
}

void load_plan_ended(struct load_plan *p, size_t slot, const struct load_result *result, uint64_t now)
{
    look_for_server(p, result->outcome, now);
    count(p, p->slots[slot].serial, p->slots[slot].due, result, now);
    p->slots[slot].busy = false;
    p->n_busy--;
}

bool load_plan_is_late(const struct load_plan *p, size_t slot, uint64_t now)
{
    return p->slots[slot].busy && now - p->slots[slot].due >= p->patience;
}

uint64_t load_plan_wake(const struct load_plan *p, uint64_t now)
{
    uint64_t wake = UINT64_MAX, due = next_due(p, now);
    for (size_t i = 0; i < p->n_slots && p->n_busy; i++)
        if (p->slots[i].busy && p->slots[i].due + p->patience < wake)
            wake = p->slots[i].due + p->patience;
    if (due == UINT64_MAX)
        return wake;
    if (p->n_busy == p->n_slots)
        due += p->patience;
    return due < wake ? due : wake;
}

bool load_plan_is_over(const struct load_plan *p, uint64_t now)
{
    return p->n_busy == 0 && next_due(p, now) == UINT64_MAX;
}
