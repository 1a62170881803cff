/* What lies in the cache of models. */
#ifndef CLI_HUB_SHELF_H
#define CLI_HUB_SHELF_H

#include "cli/hub/fail.h"
#include "cli/hub/name.h"

struct shelf_model {
    char name[HUB_PATH];     /* "user/repo", or "user/repo:FILE" of a GGUF file */
    char revision[HUB_PATH]; /* "main", or the commit where no branch or tag stands for it */
    char commit[41];
    char path[HUB_PATH];
    uint64_t size; /* bytes; models of several commits share what is the same */
    bool whole;    /* false: of its folder something is missing that hone reads */
};

/* Gets each model that hone could read: a folder with safetensors, or a GGUF file. */
typedef void (*shelf_sink)(void *arg, const struct shelf_model *model);
void shelf_each(shelf_sink sink, void *arg);

/* Bytes that the models of the cache have on the disk, all that is theirs. */
uint64_t shelf_size(void);

/* Takes away a whole model, one revision of it, or one file, and what content nothing else uses. *freed: bytes.
 * HONE_USAGE: there is none. */
enum hone_status shelf_remove(const struct hub_name *name, uint64_t *freed, struct hone_error *err);

#endif
