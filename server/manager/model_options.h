/* What is said of one model behind its path: `model = NAME=PATH, load = demand, keep = true, max-queue = 20`. What is not said
 * is as the settings have it for all. */
#ifndef SERVER_MANAGER_MODEL_OPTIONS_H
#define SERVER_MANAGER_MODEL_OPTIONS_H

#include "server/manager/manager.h"
#include "server/settings.h"

struct model_options {
    enum load_when load;
    bool keep, bulk;     /* bulk: "priority = bulk" */
    const char *compute; /* of `words` */
    size_t max_length, max_queue, kv_tokens, cache_size;
    bool has_cache_size, has_kv_tokens, has_max_length; /* somebody said so; the others of this model */
    size_t draft;                                       /* tokens; has_draft: somebody said so */
    bool has_draft, has_draft_model;                    /* the latter of this model */
    const char *draft_model;                            /* a path, or NULL */
    const char *fallback;                               /* a model's name, or NULL */
    char *spec;                                         /* "NAME=PATH" or "PATH"; to be freed */
    char *words;                                        /* to be freed */
};

/* spec: all of it; where: who said it, for sentences ("hone.conf:3"). *out is to be released, after a failure too. */
enum hone_status model_options_read(struct model_options *out, const char *spec, const char *where,
                                    const struct settings *s, struct hone_error *err);
void model_options_release(struct model_options *o);

#endif
