#include "cli/hub/hub.h"
#include "cli/hub/listing.h"
#include "cli/hub/place.h"
#include "cli/hub/store.h"

#include <string.h>
#include <unistd.h>

/* Whether hone itself has fetched all that the bare name stands for. Others may have fetched a part of it: a Python program that makes
 * vectors by itself has no need of the files that say how the model pools. */
static bool is_marked(const char *repo, const char *commit)
{
    char path[HUB_PATH];
    return hub_format(path, "%s/.hone/%s", repo, commit) && access(path, F_OK) == 0;
}

/* *whole: nothing need be asked. */
static bool find_snapshot(char path[HUB_PATH], const struct hub_name *name, bool *whole)
{
    struct hone_error err = {0};
    struct hub_listing l;
    char repo[HUB_PATH], commit[41];
    if (place_repo(repo, name->repo, &err) != HONE_OK || !place_commit(commit, name))
        return false;
    bool found =
        listing_scan(&l, name, commit) && listing_pick(&l, name, &err) == HONE_OK && listing_is_whole(&l);
    if (found && l.gguf)
        found = hub_format(path, "%s/snapshots/%s/%s", repo, commit, l.gguf);
    else if (found)
        found = hub_format(path, "%s/snapshots/%s", repo, commit);
    *whole = found && (*name->pick || is_marked(repo, commit));
    listing_release(&l);
    return found;
}

static enum hone_status find_named(char path[HUB_PATH], const char *model, struct hone_error *err)
{
    struct hub_name name;
    struct hub_pulled pulled;
    struct hone_error why = {0};
    bool whole = false;
    enum hone_status status = hub_name_read(&name, model, err);
    if (status != HONE_OK)
        return status;
    bool found = find_snapshot(path, &name, &whole);
    if (!found)
        found = whole = store_find_gguf(path, &name);
    if (whole || (found && place_is_offline()))
        return HONE_OK;
    status = hub_pull(&name, false, &pulled, &why);
    if (status == HONE_OK)
        memcpy(path, pulled.path, HUB_PATH);
    /* What lies here does, where the hub cannot be asked. */
    if (status == HONE_OK || (found && status == HONE_FAILED))
        return HONE_OK;
    *err = why;
    return status;
}

enum hone_status hub_find(const char *model, char **path, struct hone_error *err)
{
    char found[HUB_PATH];
    enum hone_status status = HONE_OK;
    *path = NULL;
    if (hub_name_is(model))
        status = find_named(found, model, err);
    else if (store_is_name(model))
        status = store_find(found, model, err);
    else if (!hub_format(found, "%s", model))
        status = hub_fail(err, HONE_BAD_MODEL, "the path of the model is too long");
    if (status == HONE_OK && !(*path = strdup(found)))
        status = hub_no_memory(err);
    return status;
}
