/* Sentence Transformers' Router (once Asym): a module that leads texts to one of several lists of modules, its routes, by what
 * they are in a search. */
#ifndef RUNTIME_LOAD_IMPORT_SENTENCE_ROUTER_H
#define RUNTIME_LOAD_IMPORT_SENTENCE_ROUTER_H

#include "runtime/load/import/sentence/modules.h"

enum router_task { ROUTER_NO_TASK, ROUTER_QUERY, ROUTER_DOCUMENT, ROUTER_N_TASKS };

struct sentence_router {
    const struct modules *around; /* the list that it stands in */
    const struct module *module;
    json_t *config;                      /* router_config.json */
    const char *of_task[ROUTER_N_TASKS]; /* names of routes; NULL: such texts are not for it */
    const char *names[ROUTER_N_TASKS];   /* [n]: the same, each once */
    size_t n;
};

/* `m` has one, and must outlive *out, which is to be released, after a failure too. */
enum hone_status router_read(struct sentence_router *out, const struct modules *m, struct keys *k,
                             struct hone_error *err);
void router_release(struct sentence_router *r);

/* The list around it with a route's own modules in its place. *out is to be released, after a failure too. */
enum hone_status router_modules(struct modules *out, const struct sentence_router *r, const char *route,
                                struct keys *k, struct hone_error *err);

#endif
