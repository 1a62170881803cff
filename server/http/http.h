/* Endpoints: what a handler sees of a request, and how it answers.
 *
 * A handler is called on the thread that speaks with the client, which speaks with all others too, so it must not wait
 * for anything. It reads the request's fields, and then either answers at once (http_reply, http_fail), or hands work
 * to a model's scheduler (http_submit) and leaves; when all of that has its reply, `then` is called on the same
 * thread, and answers. Every request is answered exactly once: who does not answer and submits nothing has answered
 * with an internal error. Work that fails is answered without the handler, as the dialect has it.
 *
 * An answer that comes bit by bit (server-sent events) is written with http_stream from any thread, between
 * http_submit and the work's reply. `then` is called at its end, with r->failed where the work failed.
 *
 *     static void answer(struct http_request *r)
 *     {
 *         struct thing *thing = r->state;
 *         reply_buffer_format(&r->out, "{\"score\":%g}", (double)thing->score);
 *         http_reply(r, 200);
 *     }
 *
 *     void thing_handle(struct http_request *r)
 *     {
 *         struct thing *thing = http_state(r, sizeof *thing, NULL);
 *         struct fields f = fields_of(r);
 *         field_texts(&f, "input", &thing->texts);
 *         if (!thing || !fields_done(&f) || !http_model(r, "", HONE_TASK_CLASSIFY))
 *             return;
 *         ...
 *         r->then = answer;
 *         http_submit(r, &thing->request);
 *     }
 */
#ifndef SERVER_HTTP_HTTP_H
#define SERVER_HTTP_HTTP_H

#include "server/figures/endpoint_stats.h"
#include "server/http/errors.h"
#include "server/http/reply_buffer.h"
#include "server/wire/body.h"

#include <jansson.h>
#include <pthread.h>

struct client;
struct response;
struct http_request;
struct service;
struct served_model;

/* What was answered in the place of what the model would have said (manager/degrade.h). */
enum degraded { DEGRADED_NOT, DEGRADED_FALLBACK, DEGRADED_CACHED, DEGRADED_ORDER, DEGRADED_N };

typedef void (*http_handler)(struct http_request *r);

struct route {
    const char *method, *path;
    http_handler handle;
    enum dialect dialect;
    enum endpoint endpoint;
    enum {
        ROUTE_OPEN = 1,   /* needs no key */
        ROUTE_JSON = 2,   /* the body is a JSON object: r->json */
        ROUTE_PREFIX = 4, /* of all paths that begin so; r->rest is what follows */
        ROUTE_KEPT = 8,   /* says the same whenever it is asked the same: server/http/answers.h */
        ROUTE_LONG = 16,  /* a small body may take long to read: server/http/workers.h */
        ROUTE_ADMIN = 32, /* needs the admin key, and no other will do */
    } flags;
};

struct http_request {
    const struct route *route;
    enum dialect dialect; /* the route's; a handler that knows better changes it before it answers */
    struct service *service;
    const char *rest; /* of the path, behind that of a route with ROUTE_PREFIX; while the handler runs */
    struct hone_text body;
    json_t *json;
    json_t *asked; /* an object with the names of fields that were read of `json`; NULL: there is none */
    struct served_model *model; /* http_model sets it */
    bool reranks;               /* it is about documents for a query, which models of several tasks can do */
    bool unscored;              /* no model answers: documents are to stay in their order */
    uint64_t partition;         /* the number of its key: what is kept is found by requests of the same one */
    bool bulk;                  /* the client said X-Priority: bulk */
    bool has_own_name; /* its answer has an id, or is less than it should be: it is not kept for others */
    bool repeatable;   /* it is text that is the same whenever it is generated (manager/flights.h) */
    bool long_answer;  /* `then` takes so long that a worker does it; set before that */
    void *state;       /* http_state made it */
    const size_t *n_prompt; /* how many tokens the prompt has, once that is known; in the state; or NULL */
    json_t *describing;     /* NULL, or where fields are told to, of a request that is none (describe.h) */
    http_handler then;
    struct reply_buffer out; /* the answer's body, as far as it is written */
    const char *type;        /* its content type, if not application/json; also of a stream; a constant */
    const char *headers; /* further headers of it, with CR LF behind each; NULL; lives as long as the state */
    struct reply_buffer ignored; /* names of fields that were not read, for a header */
    bool fields_checked;         /* they were looked for */
    const char
        *blamed; /* the field whose fault it is if the library refuses the work as wrong; a constant; NULL */
    struct hone_error failure; /* of the work; `failed` tells that there is one */
    double retry_ms;           /* after HONE_BUSY */
    bool failed;
    bool timed_out;    /* of the work: its time was over, and what was there by then is its result */
    double timeout_ms; /* X-Timeout-Ms, or the field `timeout`, whichever is less; 0: the server's own */

    /* The core's own. */
    struct client *client; /* NULL while it describes itself, and when it is `gone` */
    struct http_head head;
    struct body incoming;
    char id[64];                /* of X-Request-Id */
    struct quota *quota;        /* its client's, which counts it; or NULL */
    struct response *response;  /* the answer, unless it streams */
    http_handler worker;        /* what a worker is to do with it, */
    struct http_request *later; /* and the next one that waits for one */
    bool streaming;             /* the answer is one that comes bit by bit, and has not ended */
    bool bodiless;              /* the client wants the answer's head alone, or there is no more */
    void (*release)(void *state);
    struct reply_buffer upload;
    size_t upload_counted; /* bytes of it, and of `json`, in the sum of all requests */
    size_t n_received;     /* bytes of the body */
    enum { REQUEST_NEW, REQUEST_READING, REQUEST_WORKING, REQUEST_ANSWERED } phase;
    enum problem refused; /* why it will be, known before the body has come */
    const char *sentence; /* that says so, or NULL; a constant */
    bool is_refused, counted_parallel;
    struct http_request *next_flight, *followers, *next_follower; /* of flights.h, under its lock */
    bool leads, follows, began_anew;
    char why[96];                /* a route chose the model, and by what; "": none did */
    struct served_model *wanted; /* who should answer, where something is computed */
    enum degraded degraded;
    size_t chain_at;           /* which of wanted's chain of fallbacks r->model is; 0: wanted itself */
    bool nobody;               /* of that chain is asked any more */
    bool probe;                /* it tries whether the model works again */
    const struct route *other; /* of the path, by another method, where there is none by this one */
    bool abrupt;               /* it is refused before its body has come, and the connection is closed */
    bool preflight;            /* a browser asks what a page may do (CORS) */
    int status;
    uint64_t began, worked; /* ns: the first line came; the last reply */
    uint64_t dispatched;    /* the handler was called */
    struct {
        double tokenize, queue, infer; /* ms, of the reply that took longest */
        double load;                   /* ms, until the model was in memory; 0: it was */
        uint64_t first_token;          /* ns: it came; 0: none has */
    } stages;
    char trace[56];  /* of traceparent, if it is one, else "" */
    size_t n_sent;   /* bytes of the body */
    size_t n_tokens; /* of all replies */

    pthread_mutex_t lock; /* of what follows, which other threads touch */
    size_t n_pending;     /* submissions without a reply */
    uint64_t *ids; /* [n_ids] of all submissions; of those that wait for their model, the manager's tickets */
    size_t n_ids;
    bool holds;                 /* the model, which stays in memory until it is freed */
    bool suspended, gone;       /* the client is to be woken when something happens; it has left */
    bool handed;                /* a worker has it, and nobody else touches what is above */
    struct reply_buffer stream; /* written, and not sent */
    size_t stream_sent;         /* of it */
    bool streams, stream_ended;
};

/* ---- for handlers ---- */

/* size zeroed bytes in r->state, freed with the request, after release(state) if there is one. NULL: that has been
 * answered already. */
void *http_state(struct http_request *r, size_t size, void (*release)(void *state));

/* The model that the client named ("" or NULL: the first one for the task) in r->model. false: there is none, or it
 * is not for the task, which has been answered. HONE_TASK_NONE: any. */
bool http_model(struct http_request *r, struct hone_text name, enum hone_task task);

/* Hands work to r->model's scheduler. What the request points to must live as long as r->state; on_reply and arg are
 * set here, and priority and timeouts. May be called several times. */
void http_submit(struct http_request *r, struct hone_request *request);

/* Counts memory that the answer takes, until it is sent, among what all requests hold (service_max_uploads). false: there is
 * too little, which has been answered. */
bool http_hold(struct http_request *r, size_t bytes);

/* Answers with r->out. */
void http_reply(struct http_request *r, int status);

/* Answers with an error in the dialect's form. field: whose fault it is, or NULL. */
void http_fail(struct http_request *r, enum problem problem, const char *field, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

/* The same for a failure of the library. */
void http_fail_with(struct http_request *r, const struct hone_error *err);

/* Its sentence, in which models have the names that clients know. */
void http_sentence(const struct http_request *r, const struct hone_error *err, char *out, size_t size);

/* From any thread: the answer cannot be what it should, as if the work had failed in this way. */
void http_note_failure(struct http_request *r, enum hone_status status, const char *sentence);

/* From any thread, before the last reply: more of an answer that comes bit by bit, whose status is 200. false: nobody
 * reads it any more, or it has no room, which is noted as a failure. */
bool http_stream(struct http_request *r, const void *data, size_t size);

/* A header of the request, or a parameter behind its path's '?'; NULL: there is none. Lives as long as the request. */
const char *http_header(const struct http_request *r, const char *name);
const char *http_query(const struct http_request *r, const char *name);

/* How much the client wants a content type, as its Accept says: up to 1; 0 where that does not name it. */
double http_wants(const struct http_request *r, const char *type);

/* Whether it would rather have numbers as they lie in memory: application/octet-stream before application/json. */
bool http_wants_raw(const struct http_request *r);

#endif
