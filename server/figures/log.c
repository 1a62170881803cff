#include "server/figures/log.h"
#include "runtime/base/clock.h"
#include "server/http/reply_buffer.h"

#include <limits.h>
#include <poll.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define SELDOM 10000000000u /* ns between two lines of log_seldom */

enum level { LEVEL_ERROR, LEVEL_INFO, LEVEL_REQUESTS };

static _Atomic int level = LEVEL_INFO;
static atomic_bool as_json;
static _Atomic uint64_t sample;         /* one of so many requests is told; 0: none */
static _Atomic uint64_t n_lost, n_told; /* lines that nobody took; of these, how many a later line told of */

void log_configure(const struct settings *s)
{
    bool all = strcmp(s->log_level, "requests") == 0;
    level = all ? LEVEL_REQUESTS : strcmp(s->log_level, "info") == 0 ? LEVEL_INFO : LEVEL_ERROR;
    as_json = strcmp(s->log_format, "json") == 0;
    sample = s->log_sample;
}

bool log_wants_request(void)
{
    static _Atomic uint64_t n;
    uint64_t every = sample;
    return level >= LEVEL_REQUESTS || (every && n++ % every == 0);
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

#define MAX_LINE PIPE_BUF /* bytes that a pipe takes at once, or not at all */

/* Under the lock. Nobody waits for who does not read: a pipe that polls as writable takes MAX_LINE bytes. */
static bool put(const struct reply_buffer *b)
{
    struct pollfd out = {.fd = STDERR_FILENO, .events = POLLOUT};
    return !b->failed && b->size <= MAX_LINE && poll(&out, 1, 0) > 0 && (out.revents & POLLOUT) &&
           write(STDERR_FILENO, b->data, b->size) >= 0;
}

static void put_loss(uint64_t n)
{
    struct reply_buffer b = {0};
    begin(&b, "error");
    reply_buffer_format(&b,
                        as_json ? ",\"message\":\"%llu lines before this one were lost: nobody read them\"}\n"
                                : " message=\"%llu lines before this one were lost: nobody read them\"\n",
                        (unsigned long long)n);
    if (put(&b))
        n_told = n_told + n;
    reply_buffer_release(&b);
}

/* One write, so that lines of several threads stay whole. */
static void end(struct reply_buffer *b)
{
    static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
    reply_buffer_text(b, as_json ? "}\n" : "\n");
    pthread_mutex_lock(&lock);
    if (n_lost > n_told)
        put_loss(n_lost - n_told);
    if (n_lost > n_told || !put(b))
        n_lost++;
    pthread_mutex_unlock(&lock);
}

uint64_t log_lost(void)
{
    return n_lost;
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
    if (b.size > MAX_LINE - 2) { /* of characters that take six */
        text[MAX_LINE / 6 - 64] = '\0';
        b.size = 0;
        begin(&b, what);
        field(&b, "message", text);
    }
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
    static _Atomic uint64_t last;
    uint64_t now = clock_now(&clock_monotonic), before = last;
    if ((before == 0 || now - before >= SELDOM) && atomic_compare_exchange_strong(&last, &before, now))
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
    if (q->trace)
        field(&b, "trace", q->trace);
    if (q->has_stages)
        reply_buffer_format(
            &b,
            as_json ? ",\"receive_ms\":%.3f,\"tokenize_ms\":%.3f,\"queue_ms\":%.3f,"
                      "\"infer_ms\":%.3f,\"send_ms\":%.3f"
                    : " receive_ms=%.3f tokenize_ms=%.3f queue_ms=%.3f infer_ms=%.3f send_ms=%.3f",
            q->receive_ms, q->tokenize_ms, q->queue_ms, q->infer_ms, q->send_ms);
    end(&b);
    reply_buffer_release(&b);
}
