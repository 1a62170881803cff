#include "cli/hub/listing.h"
#include "cli/hub/place.h"
#include "cli/hub/shelf.h"

#include <dirent.h>
#include <errno.h>
#include <ftw.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static uint64_t freed; /* nftw gives its function no argument */

static int on_entry(const char *path, const struct stat *info, int kind, struct FTW *where)
{
    (void)where;
    if (kind == FTW_F && info->st_nlink == 1)
        freed += (uint64_t)info->st_blocks * 512;
    return remove(path);
}

static bool remove_tree(const char *path)
{
    return nftw(path, on_entry, 16, FTW_DEPTH | FTW_PHYS) == 0 || errno == ENOENT;
}

/* Whether a file of any snapshot is that content. */
static const char *looked_for; /* likewise */
static int on_link(const char *path, const struct stat *info, int kind, struct FTW *where)
{
    char target[HUB_PATH];
    (void)info;
    (void)where;
    ssize_t n = kind == FTW_SL || kind == FTW_SLN ? readlink(path, target, sizeof target - 1) : -1;
    if (n < 0)
        return 0;
    target[n] = '\0';
    const char *base = strrchr(target, '/');
    return base && strcmp(base + 1, looked_for) == 0;
}

static void remove_blob_unless_used(const char *repo, const char *hash)
{
    char snapshots[HUB_PATH], blob[HUB_PATH];
    struct stat info;
    looked_for = hash;
    if (!hub_format(snapshots, "%s/snapshots", repo) || !hub_format(blob, "%s/blobs/%s", repo, hash) ||
        nftw(snapshots, on_link, 16, FTW_PHYS) != 0)
        return;
    if (stat(blob, &info) == 0 && unlink(blob) == 0 && info.st_nlink == 1)
        freed += (uint64_t)info.st_blocks * 512;
}

/* A file of a snapshot, and its content. */
static bool remove_file(const char *repo, const char *path)
{
    char target[HUB_PATH];
    ssize_t n = readlink(path, target, sizeof target - 1);
    target[n > 0 ? n : 0] = '\0';
    const char *base = strrchr(target, '/');
    if (unlink(path) != 0)
        return false;
    if (base)
        remove_blob_unless_used(repo, base + 1);
    return true;
}

/* Of a snapshot: the file that name->pick means, or all of them. */
static enum hone_status remove_files(const struct hub_name *name, const char *repo, const char *commit,
                                     struct hone_error *err)
{
    struct hub_listing l;
    char path[HUB_PATH];
    enum hone_status status = HONE_OK;
    bool there = listing_scan(&l, name, commit);
    if (*name->pick)
        status = listing_pick(&l, name, err);
    else if (!there)
        status = hub_fail(err, HONE_USAGE, "%s@%s is not here", name->repo, name->revision);
    for (size_t i = 0; i < l.n && status == HONE_OK; i++)
        if ((!*name->pick || l.files[i].chosen) &&
            (!hub_format(path, "%s/snapshots/%s/%s", repo, commit, l.files[i].path) ||
             !remove_file(repo, path)))
            status = hub_fail(err, HONE_FAILED, "%s: %s", path, strerror(errno));
    listing_release(&l);
    if (status == HONE_OK && !*name->pick && hub_format(path, "%s/snapshots/%s", repo, commit))
        (void)remove_tree(path);
    if (status == HONE_OK && !*name->pick && !hub_is_hex(name->revision, 40) &&
        hub_format(path, "%s/refs/%s", repo, name->revision))
        (void)unlink(path);
    return status;
}

enum hone_status shelf_remove(const struct hub_name *name, uint64_t *n_freed, struct hone_error *err)
{
    char repo[HUB_PATH], commit[41], locks[HUB_PATH];
    freed = 0;
    enum hone_status status = place_repo(repo, name->repo, err);
    if (status != HONE_OK)
        return status;
    if (access(repo, F_OK) != 0)
        return hub_fail(err, HONE_USAGE, "%s is not here; 'hone list' names what is", name->repo);
    if (*name->pick || name->has_revision)
        status = place_commit(commit, name)
                     ? remove_files(name, repo, commit, err)
                     : hub_fail(err, HONE_USAGE, "%s@%s is not here", name->repo, name->revision);
    else {
        if (!remove_tree(repo))
            status = hub_fail(err, HONE_FAILED, "%s: cannot be removed: %s", repo, strerror(errno));
        const char *folder = strrchr(repo, '/');
        if (hub_format(locks, "%.*s/.locks%s", (int)(folder - repo), repo, folder))
            (void)remove_tree(locks);
    }
    *n_freed = freed;
    return status;
}
