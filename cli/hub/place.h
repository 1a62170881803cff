/* Where models that were fetched lie: the cache of huggingface_hub, in its own layout, so that what Python has fetched
 * is found and nothing is on the disk twice.
 *
 *   CACHE/models--user--repo/blobs/HASH               content, by its sha256 or git's sha1
 *   CACHE/models--user--repo/refs/REVISION            the commit that a branch or tag was when it was asked for
 *   CACHE/models--user--repo/snapshots/COMMIT/PATH    a link to the blob
 *   CACHE/.locks/models--user--repo/HASH.lock         flock: who fetches that blob
 *   CACHE/models--user--repo/.hone/COMMIT             our own: what the bare name stands for was fetched whole */
#ifndef CLI_HUB_PLACE_H
#define CLI_HUB_PLACE_H

#include "cli/hub/fail.h"
#include "cli/hub/name.h"

/* HF_HUB_CACHE, HUGGINGFACE_HUB_CACHE, HF_HOME/hub, XDG_CACHE_HOME/huggingface/hub or ~/.cache/huggingface/hub. */
enum hone_status place_cache(char path[HUB_PATH], struct hone_error *err);
/* The folder that HF_HOME names, or would. False: there is no home. */
bool place_home(char path[HUB_PATH]);
/* Of a model in the cache. */
enum hone_status place_repo(char path[HUB_PATH], const char *repo, struct hone_error *err);

/* The commit of name->revision: itself, or what refs/ says. False: it is not known here. */
bool place_commit(char commit[41], const struct hub_name *name);
enum hone_status place_set_ref(const struct hub_name *name, const char *commit, struct hone_error *err);

/* Makes the folders that the path of a file goes through. */
enum hone_status place_make_folders(const char *path, struct hone_error *err);

/* Whether an environment variable says yes, as huggingface_hub reads it: 1, ON, YES or TRUE. */
bool place_says_yes(const char *variable);
/* HF_HUB_OFFLINE or TRANSFORMERS_OFFLINE. */
bool place_is_offline(void);

#endif
