/* Models by name. "hf:user/repo[:FILE|:QUANTISATION][@REVISION]" is one of Hugging Face's hub, "ollama:NAME[:TAG]" one
 * that Ollama has fetched; everything else is a path. */
#ifndef CLI_HUB_HUB_H
#define CLI_HUB_HUB_H

#include "cli/hub/fail.h"
#include "cli/hub/name.h"

/* The path of a model that a user names. One of the hub that lies in the cache is used as it is, without asking; else it is
 * fetched, unless HF_HUB_OFFLINE forbids that. *path is to be freed. */
enum hone_status hub_find(const char *model, char **path, struct hone_error *err);

struct hub_pulled {
    char path[HUB_PATH]; /* of the folder or the file */
    char commit[41];
    uint64_t n_bytes; /* of all of it, and */
    uint64_t n_new;   /* of these, those that were not there */
    size_t n_files;
};

/* Asks the hub what the name stands for now, and fetches what is not there. Shows its progress, unless `quiet`. */
enum hone_status hub_pull(const struct hub_name *name, bool quiet, struct hub_pulled *out,
                          struct hone_error *err);

#endif
