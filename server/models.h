/* The models of a server, by name, each with a scheduler of its own. */
#ifndef SERVER_MODELS_H
#define SERVER_MODELS_H

#include "server/chat/chat_form.h"
#include "server/figures/endpoint_stats.h"
#include "server/settings.h"

#include <sys/stat.h>

struct served_model {
    char *name, *path;
    char *redis; /* of `schedule` */
    struct hone_model *model;
    struct hone_model *vocab; /* the tokenizer alone, which waits for no computation */
    struct hone_scheduler *scheduler;
    const struct hone_model_info *info; /* of `model` */
    struct chat_form chat;              /* of those that generate */
    time_t opened;
    struct stat file; /* when it was opened, as these say */
    struct hone_options options;
    struct hone_scheduler_options schedule;
    struct endpoint_counters
        endpoints[ENDPOINT_N + 1]; /* the last of none, should its route compute something */
    size_t n_users;                /* of struct models; on the main thread */
};

struct models {
    struct served_model *items[SETTINGS_MAX_MODELS];
    size_t n;
};

/* Opens what settings name. A model of `old` (may be NULL) whose file and settings are the same is taken over, open in
 * both. On failure *out is empty. */
enum hone_status models_open(struct models *out, const struct settings *s, const struct models *old,
                             struct hone_error *err);

/* Closes those that nobody else has. Requests that wait are HONE_CANCELLED. */
void models_close(struct models *m);

/* Whether it is for a task, HONE_TASK_NONE being any. Those that generate embed, too. */
bool models_can(const struct served_model *m, enum hone_task task);

/* name "": the first one for the task, else the first that can. NULL: there is none. */
struct served_model *models_find(const struct models *m, struct hone_text name, enum hone_task task);

#endif
