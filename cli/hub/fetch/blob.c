#include "cli/hub/fetch/blob.h"
#include "cli/hub/fetch/checksum.h"
#include "cli/hub/fetch/transfer.h"
#include "cli/hub/place.h"
#include "cli/hub/store.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

struct blob_paths {
    char blob[HUB_PATH], coming[HUB_PATH], snapshot[HUB_PATH], lock[HUB_PATH];
};

static enum hone_status find_paths(struct blob_paths *p, const struct blob_job *job, struct hone_error *err)
{
    char cache[HUB_PATH], repo[HUB_PATH];
    enum hone_status status = place_cache(cache, err);
    if (status == HONE_OK)
        status = place_repo(repo, job->name->repo, err);
    if (status != HONE_OK)
        return status;
    const char *folder = strrchr(repo, '/') + 1, *hash = job->file->hash;
    if (hub_format(p->blob, "%s/blobs/%s", repo, hash) &&
        hub_format(p->coming, "%s/blobs/%s.hone", repo, hash) &&
        hub_format(p->snapshot, "%s/snapshots/%s/%s", repo, job->commit, job->file->path) &&
        hub_format(p->lock, "%s/.locks/%s/%s.lock", cache, folder, hash))
        return HONE_OK;
    return hub_fail(err, HONE_FAILED, "%s: the path is too long", job->file->path);
}

static bool has_size(const char *path, uint64_t size)
{
    struct stat info;
    return stat(path, &info) == 0 && S_ISREG(info.st_mode) && (uint64_t)info.st_size == size;
}

bool blob_is_there(const struct blob_job *job)
{
    struct blob_paths p;
    struct hone_error err = {0};
    return find_paths(&p, job, &err) == HONE_OK && has_size(p.snapshot, job->file->size);
}

/* ---- content ---- */

/* Another program's file becomes ours too, by a second name for it: nothing is on the disk twice. */
static bool borrow(const struct blob_paths *p, const struct blob_job *job)
{
    char found[HUB_PATH];
    struct hone_error err = {0};
    const struct hub_file *f = job->file;
    return strlen(f->hash) == 64 && store_find_content(found, job->name->repo, f->path, f->size, f->hash) &&
           checksum_check(found, f->hash, f->path, &err) == HONE_OK && link(found, p->blob) == 0;
}

/* The address of the file, in *url, to be freed. */
static enum hone_status make_url(const struct blob_job *job, char **url, struct hone_error *err)
{
    char *file = http_escape(job->file->path);
    int n = file ? asprintf(url, "%s/%s/resolve/%s/%s", http_endpoint(job->http), job->name->repo,
                            job->commit, file)
                 : -1;
    free(file);
    return n < 0 ? hub_no_memory(err) : HONE_OK;
}

static enum hone_status fetch(const struct blob_paths *p, const struct blob_job *job, struct hone_error *err)
{
    char what[HUB_PATH], *url = NULL;
    const struct hub_file *f = job->file;
    enum hone_status status = make_url(job, &url, err);
    if (status != HONE_OK)
        return status;
    if (!hub_format(what, "%s/%s", job->name->repo, f->path))
        what[0] = '\0';
    struct transfer_job t = {.url = url,
                             .what = what,
                             .path = p->coming,
                             .commit = job->commit,
                             .hash = f->hash,
                             .size = f->size,
                             .part_size = TRANSFER_PART,
                             .n_streams = TRANSFER_STREAMS,
                             .on_bytes = job->on_bytes,
                             .arg = job->arg};
    status = transfer_run(job->http, &t, err);
    if (status == HONE_OK) {
        status = checksum_check(p->coming, f->hash, what, err);
        if (status != HONE_OK)
            unlink(p->coming);
        else if (rename(p->coming, p->blob) != 0)
            status = hub_fail(err, HONE_FAILED, "%s: %s", p->blob, strerror(errno));
    }
    free(url);
    return status;
}

/* ---- name ---- */

/* "../../../blobs/HASH", seen from the snapshot's file. */
static bool link_target(char target[HUB_PATH], const struct hub_file *f)
{
    static const char up[] = "../";
    size_t n_up = 2, n = 0;
    for (const char *p = f->path; *p; p++)
        n_up += *p == '/';
    if (n_up > HUB_PATH / strlen(up))
        return false;
    for (size_t i = 0; i < n_up; i++, n += strlen(up))
        snprintf(target + n, HUB_PATH - n, "%s", up);
    int rest = snprintf(target + n, HUB_PATH - n, "blobs/%s", f->hash);
    return rest > 0 && (size_t)rest < HUB_PATH - n;
}

static enum hone_status give_name(const struct blob_paths *p, const struct blob_job *job,
                                  struct hone_error *err)
{
    char target[HUB_PATH];
    enum hone_status status = place_make_folders(p->snapshot, err);
    if (status != HONE_OK || has_size(p->snapshot, job->file->size))
        return status;
    unlink(p->snapshot);
    if (link_target(target, job->file) &&
        (symlink(target, p->snapshot) == 0 || errno == EEXIST || link(p->blob, p->snapshot) == 0))
        return HONE_OK;
    return hub_fail(err, HONE_FAILED, "%s: cannot be made: %s", p->snapshot, strerror(errno));
}

/* ---- both ---- */

/* The lock that huggingface_hub takes for this content. -1: there can be none, as on some network file systems. */
static int take_lock(const struct blob_paths *p)
{
    int fd = open(p->lock, O_RDWR | O_CREAT | O_CLOEXEC, 0666);
    while (fd >= 0 && flock(fd, LOCK_EX) != 0 && errno == EINTR)
        ;
    return fd;
}

enum hone_status blob_get(const struct blob_job *job, struct hone_error *err)
{
    struct blob_paths p;
    enum hone_status status = find_paths(&p, job, err);
    if (status == HONE_OK)
        status = place_make_folders(p.lock, err);
    if (status == HONE_OK)
        status = place_make_folders(p.blob, err);
    if (status != HONE_OK)
        return status;
    int lock = take_lock(&p);
    if (!has_size(p.blob, job->file->size) && !borrow(&p, job))
        status = fetch(&p, job, err);
    if (lock >= 0)
        close(lock);
    return status == HONE_OK ? give_name(&p, job, err) : status;
}
