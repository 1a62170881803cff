/* A circuit breaker: after so many failures in a window nobody is sent to what fails, but for a probe now and then; once
 * enough probes went well, all are again. All times are ns of one clock, which the caller tells. Thread-safe. */
#ifndef SERVER_MANAGER_BREAKER_H
#define SERVER_MANAGER_BREAKER_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define BREAKER_SLICES 10 /* of the window: failures are forgotten slice by slice */

enum breaker_state { BREAKER_CLOSED, BREAKER_OPEN, BREAKER_HALF_OPEN };
extern const char *const breaker_state_names[];

struct breaker_options {
    size_t failures;      /* that open it; 0: it never opens */
    double window, pause; /* s: in which they count; until a probe, and between two */
    size_t probes;        /* that must go well in a row before it closes */
};

struct breaker {
    pthread_mutex_t lock;
    struct breaker_options options;
    bool is_open, has_probed;
    uint64_t next_probe;
    size_t n_good; /* probes in a row */
    uint64_t slice[BREAKER_SLICES];
    size_t failed[BREAKER_SLICES]; /* in the slice of that number */
    uint64_t n_opened;
};

void breaker_init(struct breaker *b);
void breaker_release(struct breaker *b);
/* Takes effect at once; what is counted stays. */
void breaker_configure(struct breaker *b, const struct breaker_options *options);

/* Whether a request may go there. *probe: it is one, which breaker_note is to be told. */
bool breaker_allows(struct breaker *b, uint64_t now, bool *probe);
void breaker_note(struct breaker *b, bool good, bool probe, uint64_t now);

struct breaker_status {
    enum breaker_state state;
    uint64_t n_opened;
    double retry; /* s: until the next probe; 0 while it is closed */
};
void breaker_status(struct breaker *b, uint64_t now, struct breaker_status *out);

#endif
