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
};
/* Lines that were lost, since standard error took no more and nobody waits for it. */
uint64_t log_lost(void);

bool log_wants_requests(void);
void log_request(const struct log_request *q);

#endif
