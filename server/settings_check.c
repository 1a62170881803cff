#include "server/settings_check.h"
#include "server/http/fail.h"

#include <stdio.h>
#include <string.h>

const char *settings_place(const struct settings *s, enum setting i, char out[256])
{
    *out = '\0';
    if (s->lines[i] > 0)
        snprintf(out, 256, "%.200s:%d: ", s->config, s->lines[i]);
    return out;
}

/* Of two settings, or several: who reads the file looks at the last of them first. */
static enum setting last_of(const struct settings *s, const enum setting *all, size_t n)
{
    enum setting last = all[0];
    for (size_t i = 1; i < n; i++)
        if (s->lines[all[i]] > s->lines[last])
            last = all[i];
    return last;
}

#define PLACE(s, out, ...)                                                                                   \
    settings_place(s,                                                                                        \
                   last_of(s, (const enum setting[]){__VA_ARGS__},                                           \
                           sizeof(enum setting[]){__VA_ARGS__} / sizeof(enum setting)),                      \
                   out)

static enum hone_status check_counts(const struct settings *s, struct hone_error *err)
{
    char at[256];
    const struct {
        enum setting setting;
        const char *name;
        size_t n;
    } some[] = {{SETTING_HTTP_THREADS, "http-threads", s->http_threads},
                {SETTING_MAX_CONNECTIONS, "max-connections", s->max_connections},
                {SETTING_MAX_HEADER, "max-header", s->max_header},
                {SETTING_MAX_BODY, "max-body", s->max_body},
                {SETTING_MAX_BATCH, "max-batch", s->max_batch},
                {SETTING_MAX_REQUESTS, "max-requests", s->max_requests},
                {SETTING_MAX_QUEUE, "max-queue", s->max_queue},
                {SETTING_BREAKER_PROBES, "breaker-probes", s->breaker_probes}};
    for (size_t i = 0; i < sizeof some / sizeof *some; i++)
        if (some[i].n == 0)
            return fail(err, HONE_USAGE, "%s%s must be 1 or more", settings_place(s, some[i].setting, at),
                        some[i].name);
    if (s->http_threads > 64)
        return fail(err, HONE_USAGE, "%s%zu http-threads are too many, expected at most 64",
                    settings_place(s, SETTING_HTTP_THREADS, at), s->http_threads);
    if (s->port > 65535)
        return fail(err, HONE_USAGE, "%sthere is no port %zu", settings_place(s, SETTING_PORT, at), s->port);
    return HONE_OK;
}

#define USUAL_FEW  4 /* as hone/scheduler.h has them */
#define USUAL_MANY 16

static enum hone_status check_windows(const struct settings *s, struct hone_error *err)
{
    char at[256];
    PLACE(s, at, SETTING_WINDOW_LOW, SETTING_WINDOW_MEDIUM, SETTING_WINDOW_HIGH, SETTING_FEW_WAITING,
          SETTING_MANY_WAITING, SETTING_BATCHING);
    double low = s->window_low, medium = s->window_medium, high = s->window_high;
    bool some = low > 0 || medium > 0 || high > 0 || s->few_waiting || s->many_waiting;
    if (some && strcmp(s->batching, "adaptive") != 0 && strcmp(s->batching, "adaptive-window") != 0)
        return fail(err, HONE_USAGE,
                    "%swindow-low, -medium, -high, few-waiting and many-waiting are of an adaptive "
                    "window, but batching is %s",
                    at, s->batching);
    double above = high > 0 ? high : low > medium ? low : medium; /* those that are left out fit */
    if (low > above || medium > above || (medium > 0 && low > medium))
        return fail(err, HONE_USAGE,
                    "%sa window grows with what waits: window-low %g, window-medium %g and window-high %g "
                    "contradict that (0: not said)",
                    at, low, medium, high);
    size_t few = s->few_waiting ? s->few_waiting : USUAL_FEW;
    size_t many = s->many_waiting ? s->many_waiting : USUAL_MANY;
    if (few >= many)
        return fail(err, HONE_USAGE, "%smany-waiting is %zu, which is no more than few-waiting, %zu", at,
                    many, few);
    return HONE_OK;
}

enum hone_status settings_check(const struct settings *s, struct hone_error *err)
{
    char at[256];
    if (s->n_models == 0)
        return fail(err, HONE_USAGE, "there is no model; -m names one");
    if (!s->tls_cert != !s->tls_key)
        return fail(err, HONE_USAGE, "%s--tls-cert and --tls-key go together",
                    PLACE(s, at, SETTING_TLS_CERT, SETTING_TLS_KEY));
    if (s->p99_goal > 0 && strcmp(s->batching, "tuned") != 0)
        return fail(err, HONE_USAGE, "%sp99-goal is of batching tuned, but that is %s",
                    PLACE(s, at, SETTING_P99_GOAL, SETTING_BATCHING), s->batching);
    if (s->breaker_failures > 0 && !(s->breaker_window > 0))
        return fail(err, HONE_USAGE, "%sbreaker-window must be more than 0 where there are breaker-failures",
                    PLACE(s, at, SETTING_BREAKER_WINDOW, SETTING_BREAKER_FAILURES));
    enum hone_status status = check_counts(s, err);
    return status == HONE_OK ? check_windows(s, err) : status;
}
