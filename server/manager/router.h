/* Choosing a model by rule: the name that a client gives as its model is that of a route, and the first rule of that name
 * whose conditions hold, and whose model can answer in time, says who answers. `auto` is a route without any rule of its
 * own, too: then the smallest model that is for the task answers, but the largest where code is hard or prose is long. */
#ifndef SERVER_MANAGER_ROUTER_H
#define SERVER_MANAGER_ROUTER_H

#include "server/http/http.h"
#include "server/manager/complexity.h"
#include "server/models.h"

#define ROUTER_AUTO "auto"

/* `route = NAME, model = MODEL, task = generate, kind = code, length = 0..2000, complexity = 30..` */
struct router_rule {
    char *text; /* of the strings below */
    const char *route;
    struct served_model *model;
    enum hone_task task; /* HONE_TASK_NONE: any */
    bool reranks;        /* `task = rerank` */
    enum { RULE_ANY, RULE_CODE, RULE_PROSE } kind;
    size_t least_bytes, most_bytes;
    double least_score, most_score;
    _Atomic uint64_t n_taken;
};

struct router {
    struct router_rule *rules; /* [n], in their order */
    size_t n;
    struct complexity_weights weights;
    _Atomic uint64_t *by_auto; /* [models]: how often the rule that nobody wrote chose each */
};

/* HONE_USAGE: a rule that makes no sense, by file and line. After a failure too, router_close. */
enum hone_status router_open(struct router *out, const struct settings *s, const struct models *models,
                             struct hone_error *err);
void router_close(struct router *r);

/* Whether a name is that of a route, and of no model. */
bool router_has(const struct router *router, const struct models *models, struct hone_text name);

/* Who is to answer, with the reason for X-Hone-Route in r->why. NULL: no rule fits. */
struct served_model *router_choose(struct http_request *r, struct hone_text name, enum hone_task task);

#endif
