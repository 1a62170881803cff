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

enum hone_status settings_blame(const struct settings *s, enum setting i, struct hone_error *err)
{
    struct hone_error why = *err;
    char at[256];
    return fail(err, why.status, "%s%.700s", settings_place(s, i, at), why.message);
}

#define MOST_THREADS      1024 /* as the library has it */
#define MOST_HTTP_THREADS 64
#define LEAST_SECONDS     0.001 /* the loop waits in whole milliseconds */
#define MOST_HEADER       16384 /* KB; each client may fill one */

/* Each is over before any request is. 0 is for ever where a request waits, and at once where a connection is idle. */
static enum hone_status check_times(const struct settings *s, struct hone_error *err)
{
    char at[256];
    const struct {
        const char *name;
        double seconds;
        enum setting setting;
        bool may_be_0;
    } some[] = {{"queue-timeout", s->queue_timeout, SETTING_QUEUE_TIMEOUT, true},
                {"request-timeout", s->request_timeout, SETTING_REQUEST_TIMEOUT, true},
                {"read-timeout", s->read_timeout, SETTING_READ_TIMEOUT, false},
                {"idle-timeout", s->idle_timeout, SETTING_IDLE_TIMEOUT, true}};
    for (size_t i = 0; i < sizeof some / sizeof *some; i++)
        if (some[i].seconds < LEAST_SECONDS && !(some[i].may_be_0 && some[i].seconds == 0))
            return fail(err, HONE_USAGE,
                        "%s%s is %g s, in which no request can be served: expected %s%g or more",
                        settings_place(s, some[i].setting, at), some[i].name, some[i].seconds,
                        some[i].may_be_0 ? "0, or " : "", LEAST_SECONDS);
    return HONE_OK;
}

static enum hone_status check_counts(const struct settings *s, struct hone_error *err)
{
    char at[256];
    const struct {
        enum setting setting;
        const char *name;
        size_t n, least, most;
    } some[] = {{SETTING_THREADS, "threads", s->threads, 0, MOST_THREADS},
                {SETTING_HTTP_THREADS, "http-threads", s->http_threads, 1, MOST_HTTP_THREADS},
                {SETTING_MAX_CONNECTIONS, "max-connections", s->max_connections, 1, SIZE_MAX},
                {SETTING_MAX_HEADER, "max-header", s->max_header, 1, MOST_HEADER},
                {SETTING_MAX_BODY, "max-body", s->max_body, 1, SIZE_MAX},
                {SETTING_MAX_BATCH, "max-batch", s->max_batch, 1, SIZE_MAX},
                {SETTING_MAX_REQUESTS, "max-requests", s->max_requests, 1, SIZE_MAX},
                {SETTING_MAX_QUEUE, "max-queue", s->max_queue, 1, SIZE_MAX},
                {SETTING_TOKENIZER_WORKERS, "tokenizer-workers", s->tokenizer_workers, 1, SIZE_MAX},
                {SETTING_BREAKER_PROBES, "breaker-probes", s->breaker_probes, 1, SIZE_MAX}};
    for (size_t i = 0; i < sizeof some / sizeof *some; i++) {
        settings_place(s, some[i].setting, at);
        if (some[i].n < some[i].least)
            return fail(err, HONE_USAGE, "%s%s must be %zu or more", at, some[i].name, some[i].least);
        if (some[i].n > some[i].most)
            return fail(err, HONE_USAGE, "%s%s is %zu, expected at most %zu", at, some[i].name, some[i].n,
                        some[i].most);
    }
    if (s->port > 65535)
        return fail(err, HONE_USAGE, "%sthere is no port %zu", settings_place(s, SETTING_PORT, at), s->port);
    return check_times(s, err);
}

/* What somebody said and nobody would do, since another setting has it otherwise. */
static enum hone_status check_idle(const struct settings *s, struct hone_error *err)
{
    char at[256];
    const bool windows = strcmp(s->batching, "adaptive") == 0 || strcmp(s->batching, "adaptive-window") == 0;
    const bool no_breaker = s->breaker_failures == 0, tells_all = strcmp(s->log_level, "info") != 0;
    const bool waits_longer = s->is_said[SETTING_REQUEST_TIMEOUT] && s->request_timeout > 0 &&
                              s->queue_timeout > s->request_timeout;
    const struct {
        enum setting setting, other;
        bool idle;
        const char *why;
    } some[] = {
        {SETTING_DRAFT_MODEL, SETTING_DRAFT, s->is_said[SETTING_DRAFT] && s->draft == 0,
         "draft 0 leaves draft-model nothing to do"},
        {SETTING_DRAFT_MODEL, SETTING_COMPUTE, strcmp(s->compute, "blas") == 0,
         "with compute blas a text may be another one with guesses: leave draft-model out"},
        {SETTING_REDIS_TIMEOUT, SETTING_REDIS, !s->redis, "redis-timeout is of redis, which is not set"},
        {SETTING_COMPLETION_TTL, SETTING_COMPLETION_CACHE, s->completion_cache == 0,
         "completion-ttl is of completion-cache, which is 0"},
        {SETTING_BREAKER_WINDOW, SETTING_BREAKER_FAILURES, no_breaker,
         "breaker-window is of a breaker, which breaker-failures, 0, says never opens"},
        {SETTING_BREAKER_PAUSE, SETTING_BREAKER_FAILURES, no_breaker,
         "breaker-pause is of a breaker, which breaker-failures, 0, says never opens"},
        {SETTING_BREAKER_PROBES, SETTING_BREAKER_FAILURES, no_breaker,
         "breaker-probes is of a breaker, which breaker-failures, 0, says never opens"},
        {SETTING_FALLBACK_AGE, SETTING_CACHE_SIZE, s->fallback_age > 0 && s->cache_size == 0,
         "fallback-age is of answers that are kept, and cache-size 0 keeps none"},
        {SETTING_WINDOW, SETTING_BATCHING, windows,
         "window is of a fixed one: an adaptive one has window-low, -medium and -high"},
        {SETTING_LOG_SAMPLE, SETTING_LOG_LEVEL, s->log_sample > 0 && tells_all,
         "log-sample is of log-level info: 'error' tells of no request, and 'requests' of all"},
        {SETTING_HOST, SETTING_SOCKET, s->socket && !s->is_said[SETTING_PORT],
         "host is of a port, and beside a socket there is only one that 'port' names"},
        {SETTING_CLIENT_REQUESTS, SETTING_MAX_REQUESTS, s->client_requests > s->max_requests,
         "client-requests is more than max-requests, which all clients have together"},
        {SETTING_QUEUE_TIMEOUT, SETTING_REQUEST_TIMEOUT, waits_longer,
         "queue-timeout is longer than request-timeout, which is over before"},
    };
    for (size_t i = 0; i < sizeof some / sizeof *some; i++)
        if (s->is_said[some[i].setting] && some[i].idle)
            return fail(err, HONE_USAGE, "%s%s", PLACE(s, at, some[i].setting, some[i].other), some[i].why);
    return HONE_OK;
}

/* What a scheduler would refuse, before any model is opened. */
static enum hone_status check_schedule(const struct settings *s, struct hone_error *err)
{
    const struct hone_scheduler_options workers = {.n_tokenizers = (int)s->tokenizer_workers};
    const struct hone_scheduler_options redis = {.redis = s->redis};
    if (hone_scheduler_check(&workers, err) != HONE_OK)
        return settings_blame(s, SETTING_TOKENIZER_WORKERS, err);
    return hone_scheduler_check(&redis, err) == HONE_OK ? HONE_OK : settings_blame(s, SETTING_REDIS, err);
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
    if (status == HONE_OK)
        status = check_windows(s, err);
    if (status == HONE_OK)
        status = check_idle(s, err);
    return status == HONE_OK ? check_schedule(s, err) : status;
}

enum hone_status settings_check_memory(const struct settings *s, size_t base, size_t budget,
                                       struct hone_error *err)
{
    char at[256];
    if (base < budget)
        return HONE_OK;
    return fail(err, HONE_USAGE,
                "%sthe server takes up to %.1f MB beside its models (bodies of requests, answers that are "
                "kept), and there are %.1f MB of memory",
                PLACE(s, at, SETTING_MEMORY, SETTING_MAX_BODY, SETTING_CACHE_SIZE, SETTING_COMPLETION_CACHE),
                (double)base / 1e6, (double)budget / 1e6);
}
