#include "server/figures/log.h"
#include "server/http/reply_buffer.h"

#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum level { LEVEL_ERROR, LEVEL_INFO, LEVEL_REQUESTS };

static _Atomic int level = LEVEL_INFO;
static atomic_bool as_json;

void log_configure(const struct settings *s)
{
    bool all = strcmp(s->log_level, "requests") == 0;
    level = all ? LEVEL_REQUESTS : strcmp(s->log_level, "info") == 0 ? LEVEL_INFO : LEVEL_ERROR;
    as_json = strcmp(s->log_format, "json") == 0;
}

bool log_wants_requests(void)
{
    return level >= LEVEL_REQUESTS;
}

static void begin(struct reply_buffer *b, const char *what)
{
    struct timespec now;
    struct tm utc;
    char time[32];
    clock_gettime(CLOCK_REALTIME, &now);
    gmtime_r(&now.tv_sec, &utc);
    strftime(time, sizeof time, "%Y-%m-%dT%H:%M:%S", &utc);
    reply_buffer_format(b, as_json ? "{\"time\":\"%s.%03ldZ\",\"level\":\"%s\"" : "%s.%03ldZ %s", time,
                        now.tv_nsec / 1000000, what);
}

/* One write, so that lines of several threads stay whole. */
static void end(struct reply_buffer *b)
{
    reply_buffer_text(b, as_json ? "}\n" : "\n");
    if (!b->failed && write(STDERR_FILENO, b->data, b->size) < 0)
        return; /* nobody is left to be told */
}

/* What comes from outside goes to terminals and files: quoted, as JSON has it, in text too. */
static void field(struct reply_buffer *b, const char *name, const char *value)
{
    reply_buffer_format(b, as_json ? ",\"%s\":" : " %s=", name);
    reply_buffer_json_string(b, value);
}

static void sentence(const char *what, const char *format, va_list args)
{
    struct reply_buffer b = {0};
    char text[1536];
    vsnprintf(text, sizeof text, format, args);
    begin(&b, what);
    field(&b, "message", text);
    end(&b);
    reply_buffer_release(&b);
}

void log_error(const char *format, ...)
{
    va_list args;
    va_start(args, format);
    sentence("error", format, args);
    va_end(args);
}

void log_info(const char *format, ...)
{
    va_list args;
    va_start(args, format);
    if (level >= LEVEL_INFO)
        sentence("info", format, args);
    va_end(args);
}

void log_seldom(const char *sentence)
{
    static _Atomic time_t last;
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    time_t before = last;
    if ((before == 0 || now.tv_sec - before >= 10) &&
        atomic_compare_exchange_strong(&last, &before, now.tv_sec))
        log_error("%s", sentence);
}

void log_request(const struct log_request *q)
{
    struct reply_buffer b = {0};
    begin(&b, "request");
    field(&b, "id", q->id);
    field(&b, "client", q->client);
    field(&b, "method", q->method);
    field(&b, "path", q->path);
    if (q->model)
        field(&b, "model", q->model);
    reply_buffer_format(&b,
                        as_json ? ",\"status\":%d,\"ms\":%.3f,\"received\":%zu,\"sent\":%zu"
                                : " status=%d ms=%.3f received=%zu sent=%zu",
                        q->status, q->ms, q->n_received, q->n_sent);
    end(&b);
    reply_buffer_release(&b);
}
