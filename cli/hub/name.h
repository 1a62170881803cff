/* What a user calls a model of a hub: user/repo, user/repo:Q4_K_M, user/repo:folder/model.gguf, user/repo@v1.0. */
#ifndef CLI_HUB_NAME_H
#define CLI_HUB_NAME_H

#include <hone/hone.h>

/* Bytes with the NUL. The hub takes names of repositories of 96 characters at most; revisions and files become names of files
 * in the cache, which have 255 bytes at most. */
#define HUB_REPO_MAX 200
#define HUB_WORD_MAX 256

struct hub_name {
    char repo[HUB_REPO_MAX];     /* "user/repo", or the bare name of an old one: "gpt2" */
    char revision[HUB_WORD_MAX]; /* a branch, a tag or a commit; "main" if nobody says */
    bool has_revision;           /* somebody said it */
    char pick[HUB_WORD_MAX];     /* a file of it, or the quantisation of a GGUF file; "": the usual choice */
};

/* Whether a model is named like this: "hf:...". */
bool hub_name_is(const char *text);
/* Reads `text`, which may begin with "hf:". HONE_USAGE: it is no such name. */
enum hone_status hub_name_read(struct hub_name *out, const char *text, struct hone_error *err);

/* Whether that may be used as the path of a file below a folder: relative, no "..", no empty part, no control
 * characters. Names come from a server. */
bool hub_is_inside(const char *path);
/* Whether it is n lower-case hexadecimal digits. */
bool hub_is_hex(const char *text, size_t n);

#endif
