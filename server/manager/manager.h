/* Which models are in memory. More may be named than fit: one is loaded when it is asked for, or before, and the idle one
 * that was used longest ago leaves for it. One thread loads and unloads; what waits for a model is told from there.
 *
 *     unloaded -> wanted -> loading -> ready -> leaving -> unloaded
 *                              +-> failed, until somebody asks again after a while
 *
 * Who uses a model holds it (a pin), and what is held does not leave. A model that is always held would keep others out for
 * ever; so where somebody has waited for MANAGER_PATIENCE, the one that was used longest ago takes nothing new, what comes for
 * it waits, and it leaves as soon as nobody holds it.
 *
 * Time is the clock's that manager_new was given, and loading is its caller's affair, so that tests own both. Thread-safe. */
#ifndef SERVER_MANAGER_MANAGER_H
#define SERVER_MANAGER_MANAGER_H

#include "runtime/base/clock.h"

#include <hone.h>
#include <stdbool.h>

#define MANAGER_PATIENCE 0.2 /* s: that a busy model may keep others waiting */
#define MANAGER_RETRY    5.0 /* s: after a failure, before the model is tried again */

enum load_when { LOAD_AS_FITS, LOAD_START, LOAD_BACKGROUND, LOAD_DEMAND };

enum model_state { MODEL_UNLOADED, MODEL_WANTED, MODEL_LOADING, MODEL_READY, MODEL_LEAVING, MODEL_FAILED };
extern const char *const model_state_names[];

struct manager;

/* Something that waits for a model. */
struct waiting {
    uint64_t until; /* ns: when it is over; 0: never */
    /* Called once, without any lock. HONE_OK: the model is there, and held for it. Else why not, in a sentence; retry_ms > 0:
     * when to ask again. */
    void (*go)(struct waiting *w, enum hone_status status, const char *message, double retry_ms);
    /* The manager's own. */
    uint64_t ticket, since;
    struct waiting *next;
};

/* What the manager knows of a model. Its owner fills in the first part and leaves the rest zero. */
struct managed {
    const char *name;
    enum load_when when;
    bool keep;           /* it never leaves */
    bool bulk;           /* where several are wanted, the others come first */
    size_t need;         /* bytes it takes at least, foretold */
    const char *sum;     /* what they are, in words; or NULL */
    size_t light;        /* bytes of what is there even while it is unloaded */
    size_t most_waiting; /* that may wait for it */

    /* Under the manager's lock. */
    enum model_state state;
    bool draining; /* it takes nothing new, since it is to leave */
    bool asked;    /* by somebody who waits; else by its `when` */
    bool unload;   /* somebody said so */
    bool was_ready;
    size_t pins, n_waiting;
    size_t held;                   /* bytes that are counted for it while it is loading or loaded */
    uint64_t used, wanted, failed; /* ns: last asked for; since when it is wanted; when it failed */
    double load_seconds;           /* that loading took the last time; 0: never */
    uint64_t n_loads, n_unloads, n_failures;
    struct hone_error failure;
    struct waiting *first, **last;
    struct managed *next;
};

/* load: with at most `room` bytes, *held is what it takes of them; HONE_LATE: it will be possible soon. Both are called on the
 * manager's thread, without its lock. */
struct manager_ops {
    enum hone_status (*load)(struct managed *m, size_t room, size_t *held, struct hone_error *err);
    void (*unload)(struct managed *m);
};

/* budget: bytes. NULL: out of memory. */
struct manager *manager_new(const struct manager_ops *ops, const struct clock *clock, size_t budget);
/* Starts its thread; without it somebody calls manager_step. */
enum hone_status manager_start(struct manager *g, struct hone_error *err);
/* Ends the thread. No model may be left. NULL is allowed. */
void manager_free(struct manager *g);

void manager_set_budget(struct manager *g, size_t budget);
size_t manager_budget(struct manager *g);
/* Bytes that are counted now: of models, of what is there of those that are unloaded, and `base`, which is all else. */
size_t manager_used(struct manager *g);
void manager_set_base(struct manager *g, size_t base);

/* HONE_FAILED: it can never fit, as the sum in the sentence says. */
enum hone_status manager_add(struct manager *g, struct managed *m, struct hone_error *err);
/* Ends what waits for it (HONE_CANCELLED), waits until nobody holds it, and unloads it. Needs the thread, or one that steps. */
void manager_remove(struct manager *g, struct managed *m);

enum manager_answer { MANAGER_THERE, MANAGER_WAITS, MANAGER_REFUSED };
/* THERE: the model is held. WAITS: w->go will be called, and w must live until then; with w NULL that it would have to wait,
 * and nothing else has happened. REFUSED: *err says why; *retry_ms > 0:
 * when to ask again. */
enum manager_answer manager_enter(struct manager *g, struct managed *m, struct waiting *w, double *retry_ms,
                                  struct hone_error *err);
/* Holds it once more (it is held already), or if it is there now. */
void manager_hold(struct manager *g, struct managed *m);
bool manager_hold_if_ready(struct manager *g, struct managed *m);
void manager_let_go(struct manager *g, struct managed *m);
/* Ends what waits, if it still does, as HONE_CANCELLED. False: it is no ticket, but a number of somebody else's. */
bool manager_cancel(struct manager *g, struct managed *m, uint64_t ticket);

/* What an operator may want; a model that must be kept is unloaded, too, and comes back when it is asked for. */
void manager_want(struct manager *g, struct managed *m);
void manager_unload(struct manager *g, struct managed *m);

/* What is known of a model at this moment. */
struct model_status {
    enum model_state state;
    bool keep, was_ready, draining;
    size_t pins, n_waiting, held, need, light;
    double load_seconds;
    uint64_t n_loads, n_unloads, n_failures;
    struct hone_error failure; /* of MODEL_FAILED */
};
void manager_status(struct manager *g, struct managed *m, struct model_status *out);

/* Waits until nobody wants it any more: it is loaded, or has failed, or found no room. */
void manager_settle(struct manager *g, struct managed *m);

/* One thing that is to be done now: loads a model, unloads one, ends what waited too long. False: there was nothing; *wait
 * (s) is when to look again at the latest. */
bool manager_step(struct manager *g, double *wait);

#endif
