/* What the server tells about itself, on standard error: a line each, as text or as a JSON object. Thread-safe. */
#ifndef SERVER_FIGURES_LOG_H
#define SERVER_FIGURES_LOG_H

#include "server/settings.h"

#include <stdint.h>

/* As the settings have it; may be called again. */
void log_configure(const struct settings *s);

void log_error(const char *format, ...) __attribute__((format(printf, 1, 2)));
void log_info(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* An error that may come very often: once in ten seconds. */
void log_seldom(const char *sentence);

struct log_request {
    const char *id, *method, *path, *client, *model; /* model may be NULL */
    int status;
    double ms;
    size_t n_received, n_sent; /* bytes of the bodies */
    const char *trace;         /* of traceparent, or NULL */
    bool has_stages;           /* something was computed, whose time went here: */
    double receive_ms, tokenize_ms, queue_ms, infer_ms, send_ms;
};
/* Lines that were lost, since standard error took no more and nobody waits for it. */
uint64_t log_lost(void);

/* Whether the next request is to be told: all are, or it is one of those that log-sample picks. */
bool log_wants_request(void);
void log_request(const struct log_request *q);

#endif
