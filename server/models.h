/* The models of a server, by name. Each has a light handle, which is always there and tells of it: its task, numbers, tokens,
 * labels, templates; and while it is in memory (manager/manager.h) its weights and a scheduler. */
#ifndef SERVER_MODELS_H
#define SERVER_MODELS_H

#include "server/chat/chat_form.h"
#include "server/figures/endpoint_stats.h"
#include "server/http/http.h"
#include "server/http/reply_buffer.h"
#include "server/manager/breaker.h"
#include "server/manager/manager.h"
#include "server/manager/model_options.h"
#include "server/model_files.h"

/* What guesses tokens for one that generates. */
struct model_draft {
    char *path;               /* NULL: the text so far */
    size_t n;                 /* tokens at most, or HONE_DRAFT_AUTO */
    bool is_idle;             /* named for all models, and this one has no use for it */
    struct hone_model *model; /* NULL while it is not in memory */
};

struct served_model {
    struct managed managed; /* first, so that the manager's model is one of these */
    char *name, *path;
    char *redis;                        /* of `schedule` */
    struct hone_model *light;           /* opened without weights; waits for no computation */
    const struct hone_model_info *info; /* of `light` */
    struct hone_need need;
    char sum[192];         /* of what it needs, in words */
    struct chat_form chat; /* of those that generate */
    struct model_draft draft;
    struct hone_model *model;         /* both NULL while it is not in memory; who reads them holds it */
    struct hone_scheduler *scheduler; /* of `model` */
    time_t opened;
    struct model_files files; /* when it was named, as these say */
    uint64_t seen,
        tried; /* model_files' print at the last look; the print that made it be read anew last. On the main thread */
    _Atomic bool is_bad; /* and could not be */
    struct hone_options options;
    struct hone_scheduler_options schedule;
    struct endpoint_counters
        endpoints[ENDPOINT_N + 1]; /* [ENDPOINT_N]: of requests whose path is no endpoint */
    struct breaker breaker;
    _Atomic uint64_t degraded[DEGRADED_N]; /* answers that it should have given, by what was given instead */
    size_t n_users;                        /* of struct models; on the main thread */
};

struct models {
    struct manager *manager;
    size_t *n_sharing; /* services that have the manager */
    struct served_model *items[SETTINGS_MAX_MODELS];
    struct served_model *fallbacks[SETTINGS_MAX_MODELS]; /* of each who stands in for it, or NULL */
    size_t n;
};

/* Names what settings name, and has it loaded as they say. A model of `old` (may be NULL) whose file and settings are the same
 * is taken over; then all that are to be loaded at the start are waited for, and one that fails is a failure. On failure *out
 * is empty. base: bytes that are taken beside models. */
enum hone_status models_open(struct models *out, const struct settings *s, const struct models *old,
                             size_t base, struct hone_error *err);

/* Closes those that nobody else has. Requests that wait are HONE_CANCELLED. */
void models_close(struct models *m);

/* Bytes that the settings allow all of it: --memory, or what this process may have. */
size_t models_budget(const struct settings *s);

/* Whether those that are to be there from the start are there, or have been. */
bool models_are_ready(const struct models *m);

/* Whether none can be loaded; *err says why of the first. */
bool models_have_failed(const struct models *m, struct hone_error *err);

/* Whether the files of a model that is not in memory have changed: true once for each change, and only when they were the same at two
 * calls in turn, so that whoever writes them is ready. A model that is in memory goes on as it is. On the main thread. */
bool models_have_changed(struct models *m);
/* What has changed could not be read anew: whoever asks for it is told so. */
void models_stay(struct models *m);

/* Whether it is for a task, HONE_TASK_NONE being any. Those that generate embed, too. */
bool models_can(const struct served_model *m, enum hone_task task);
/* Whether it can rank documents for a query: it has a head for pairs, or compares vectors, or can be asked. */
bool models_can_rank(const struct served_model *m);
/* Whether it has a head for that, or reads whole lists of documents. */
bool models_only_rank(const struct served_model *m);

/* name "": the first one for the task, else the first that can. NULL: there is none. */
struct served_model *models_find(const struct models *m, struct hone_text name, enum hone_task task);

/* Why it could not be loaded, as a JSON string in which it has its name instead of its path, which is nobody's business. */
void models_write_failure(struct reply_buffer *out, const struct served_model *m,
                          const struct hone_error *err);

/* A sentence of the library's, in the same way. */
void models_sentence(const struct served_model *m, const struct hone_error *err, char *out, size_t size);

/* Who stands in for it, or NULL. */
struct served_model *models_fallback(const struct models *m, const struct served_model *model);

/* What its scheduler counted; all zeros while it is not in memory. */
void models_stats(const struct models *m, struct served_model *model, struct hone_scheduler_stats *out);

#endif
