/* The files of a model at one commit, as the hub tells them or as they lie in a snapshot, and which of them hone needs. */
#ifndef CLI_HUB_LISTING_H
#define CLI_HUB_LISTING_H

#include "cli/hub/name.h"

struct hub_file {
    char *path;    /* below the model's folder; hub_is_inside */
    uint64_t size; /* bytes */
    char hash[65]; /* sha256 (64 digits), or git's sha1 of a blob (40); "": not told, it lies here already */
    bool chosen;
};

struct hub_listing {
    char commit[41];
    struct hub_file *files; /* [n] */
    size_t n;
    const char
        *gguf; /* what was chosen is this one file, or the parts that it is the first of; NULL: a folder */
};

/* From the hub's answer to api/models/REPO/revision/REVISION?blobs=true. HONE_FAILED: it is none, or names a path that
 * leads out of the folder. To be released in any case. */
enum hone_status listing_read(struct hub_listing *out, const char *json, size_t size, struct hone_error *err);
/* From a snapshot in the cache. False: there is none. */
bool listing_scan(struct hub_listing *out, const struct hub_name *name, const char *commit);
void listing_release(struct hub_listing *l);

/* Marks the files that name->pick asks for: a GGUF file, or the safetensors, tokenizer and configuration of a folder,
 * and puts these in the order to fetch them in, weights last: a folder that has its weights has all. HONE_USAGE: there
 * is nothing that fits, or more than one. */
enum hone_status listing_pick(struct hub_listing *l, const struct hub_name *name, struct hone_error *err);
/* Whether the files that were chosen are a folder that opens. */
bool listing_is_whole(const struct hub_listing *l);

/* Whether a GGUF file's name says that quantisation: "a-Q4_K_M.gguf" says "q4_k_m". */
bool listing_says(const char *path, const char *quantisation);

#endif
