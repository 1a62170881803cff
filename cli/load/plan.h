/* Which request begins when, and what became of it. Nothing here waits or looks at a clock: every function is told what
 * time it is (ns), so that a test can say how time passes.
 *
 * Closed loop (rate 0): whoever has an answer asks again. Open loop: request i is due at start + i / rate, whatever became
 * of the others, and its time runs from then on, whether or not a connection was free. So a server that stands still for a
 * second is seen as a second by each request that was due meanwhile, and not by one (coordinated omission, Tene). */
#ifndef CLI_LOAD_PLAN_H
#define CLI_LOAD_PLAN_H

#include <hone.h>

#include <stdint.h>

enum load_outcome {
    LOAD_GOOD,
    LOAD_STATUS,    /* an HTTP status other than 200 */
    LOAD_WRONG,     /* 200, but not what was asked for, or the end of a stream is missing */
    LOAD_MALFORMED, /* no HTTP */
    LOAD_CLOSED,    /* the connection ended before the answer did */
    LOAD_REFUSED,   /* there was no connection */
    LOAD_TIMEOUT,
    LOAD_N_OUTCOMES
};

/* What an answer told. */
struct load_result {
    enum load_outcome outcome;
    int status;      /* HTTP's; 0: none came */
    size_t n_tokens; /* of texts that were read, or of the text that was generated; 0: nobody tells */
    uint64_t first;  /* when the first token came; 0: nothing was generated */
};

struct load_sample {
    float ms;         /* from when it was due to the last byte */
    float first_ms;   /* to the first token; NAN: none */
    float a_token_ms; /* between tokens; NAN: fewer than two */
    uint32_t serial;  /* of the request */
    uint8_t outcome;
};

#define LOAD_MAX_SAMPLES 50000000u   /* each is kept: more than a GB of them */
#define LOAD_GONE        3000000000u /* ns: a server that restarts takes connections again before */
#define LOAD_PAUSE       20000000u   /* ns: before who was refused asks again; refusals take no time at all */
#define LOAD_STATUSES    600         /* HTTP's end at 599 */

struct load_plan {
    /* What is wanted. */
    size_t n_requests; /* 0: as many as `duration` allows */
    double rate;       /* requests a second; 0: closed loop */
    uint64_t duration; /* no request is due later than that behind the start; 0: n_requests end it */
    uint64_t patience; /* how long an answer may take */
    size_t n_slots;    /* requests at once */
    /* How far it is. */
    uint64_t start, end; /* the end of the last answer */
    size_t next;         /* the next request */
    size_t n_busy;
    struct load_slot {
        bool busy;
        size_t serial;
        uint64_t due;
    } * slots;
    /* What came. */
    struct load_sample *samples;
    size_t n_samples, room;
    size_t outcomes[LOAD_N_OUTCOMES], statuses[LOAD_STATUSES];
    uint64_t n_tokens; /* of good answers */
    bool is_full;      /* no memory, or too many samples: it ends here */
    /* Nobody has taken a connection since then (0: somebody has), and after LOAD_GONE of that it ends. In a closed loop nobody
     * asks before `again`. */
    uint64_t refused_since, again;
    bool is_gone;
};

/* Numbers above, from n_requests to n_slots, are set. */
enum hone_status load_plan_start(struct load_plan *p, uint64_t now, struct hone_error *err);
void load_plan_release(struct load_plan *p);

/* Forgets what came so far: it was to warm up. */
void load_plan_forget(struct load_plan *p);

/* The next request that is due, for a slot that is free. False: nothing is to begin now. Those whose patience ended before
 * a slot was free are counted and passed over. */
bool load_plan_take(struct load_plan *p, uint64_t now, size_t *slot, size_t *serial);
/* The answer in this slot is there, or will not come. */
void load_plan_ended(struct load_plan *p, size_t slot, const struct load_result *result, uint64_t now);
/* Whether this slot's patience is over. */
bool load_plan_is_late(const struct load_plan *p, size_t slot, uint64_t now);
/* When something is to be done, if nothing comes before; UINT64_MAX: never. */
uint64_t load_plan_wake(const struct load_plan *p, uint64_t now);
bool load_plan_is_over(const struct load_plan *p, uint64_t now);

#endif
