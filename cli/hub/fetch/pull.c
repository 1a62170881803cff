#include "cli/hub/fetch/blob.h"
#include "cli/hub/hub.h"
#include "cli/hub/place.h"
#include "cli/io/progress.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/statvfs.h>
#include <unistd.h>

#define MB 1000000

struct pull {
    const struct hub_name *name;
    struct http *http;
    struct hub_listing listing;
    uint64_t n_bytes; /* that are to come */
    uint64_t n_done;  /* of files that have come */
};

static enum hone_status ask_for_listing(struct pull *p, struct hone_error *err)
{
    char *url = NULL, *revision = http_escape(p->name->revision);
    struct http_answer answer = {0};
    enum hone_status status = hub_no_memory(err);
    /* A branch may have slashes in its name; the hub wants them escaped here. */
    char whole[9 * HUB_WORD_MAX] = ""; /* what escaping makes of a name, and of its slashes */
    size_t n = 0;
    for (char *part = revision ? strtok(revision, "/") : NULL; part && n < sizeof whole;
         part = strtok(NULL, "/"))
        n += (size_t)snprintf(whole + n, sizeof whole - n, "%s%s", n > 0 ? "%2F" : "", part);
    if (revision && asprintf(&url, "%s/api/models/%s/revision/%s?blobs=true", http_endpoint(p->http),
                             p->name->repo, whole) >= 0)
        status = http_ask(p->http, url, false, p->name->repo, &answer, err);
    if (status == HONE_OK)
        status = listing_read(&p->listing, answer.body ? answer.body : "", answer.size, err);
    http_release(&answer);
    free(url);
    free(revision);
    return status;
}

static void on_bytes(void *arg, uint64_t n_done)
{
    struct pull *p = arg;
    uint64_t n = p->n_done + n_done;
    progress_show((size_t)(n / MB), p->n_bytes ? (double)n / (double)p->n_bytes : 1);
}

static struct blob_job job_of(struct pull *p, const struct hub_file *file)
{
    return (struct blob_job){.http = p->http,
                             .name = p->name,
                             .commit = p->listing.commit,
                             .file = file,
                             .on_bytes = on_bytes,
                             .arg = p};
}

/* A disk that is too small is told of before anything is fetched. */
static enum hone_status check_room(const struct pull *p, struct hone_error *err)
{
    char cache[HUB_PATH];
    struct statvfs room;
    enum hone_status status = place_cache(cache, err);
    for (char *slash; status == HONE_OK && statvfs(cache, &room) != 0; *slash = '\0')
        if (errno != ENOENT || !(slash = strrchr(cache, '/')) || slash == cache)
            return HONE_OK; /* it is not known */
    if (status == HONE_OK && (uint64_t)room.f_bavail * room.f_frsize < p->n_bytes)
        status = hub_fail(err, HONE_FAILED, "%s: %.1f MB are to come, and there is room for %.1f MB at %s",
                          p->name->repo, (double)p->n_bytes / MB,
                          (double)room.f_bavail * (double)room.f_frsize / MB, cache);
    return status;
}

static enum hone_status get_files(struct pull *p, struct hone_error *err)
{
    enum hone_status status = check_room(p, err);
    for (size_t i = 0; i < p->listing.n && status == HONE_OK; i++) {
        struct hub_file *f = &p->listing.files[i];
        struct blob_job job = job_of(p, f);
        if (!f->chosen || blob_is_there(&job))
            continue;
        status = blob_get(&job, err);
        p->n_done += f->size;
    }
    return status;
}

/* Notes that what the bare name stands for is here, so that later runs need not ask. */
static enum hone_status mark_whole(const struct pull *p, const char *repo, struct hone_error *err)
{
    char path[HUB_PATH];
    if (*p->name->pick)
        return HONE_OK;
    if (!hub_format(path, "%s/.hone/%s", repo, p->listing.commit))
        return hub_fail(err, HONE_FAILED, "%s: the path is too long", repo);
    enum hone_status status = place_make_folders(path, err);
    int fd = status == HONE_OK ? open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0666) : -1;
    if (fd >= 0)
        close(fd);
    return status;
}

static enum hone_status finish(const struct pull *p, struct hub_pulled *out, struct hone_error *err)
{
    char repo[HUB_PATH];
    enum hone_status status = place_repo(repo, p->name->repo, err);
    if (status == HONE_OK)
        status = mark_whole(p, repo, err);
    if (status == HONE_OK)
        status = place_set_ref(p->name, p->listing.commit, err);
    memcpy(out->commit, p->listing.commit, sizeof out->commit);
    const char *file = p->listing.gguf;
    if (status == HONE_OK && !hub_format(out->path, "%s/snapshots/%s%s%s", repo, p->listing.commit,
                                         file ? "/" : "", file ? file : ""))
        status = hub_fail(err, HONE_FAILED, "%s: the path is too long", repo);
    return status;
}

static void count(struct pull *p, struct hub_pulled *out)
{
    for (size_t i = 0; i < p->listing.n; i++) {
        const struct hub_file *f = &p->listing.files[i];
        struct blob_job job = job_of(p, f);
        if (!f->chosen)
            continue;
        out->n_files++;
        out->n_bytes += f->size;
        p->n_bytes += blob_is_there(&job) ? 0 : f->size;
    }
    out->n_new = p->n_bytes;
}

enum hone_status hub_pull(const struct hub_name *name, bool quiet, struct hub_pulled *out,
                          struct hone_error *err)
{
    struct pull p = {.name = name};
    memset(out, 0, sizeof *out);
    if (place_is_offline())
        return hub_fail(err, HONE_FAILED, "%s is not here whole, and HF_HUB_OFFLINE forbids to fetch it",
                        name->repo);
    enum hone_status status = http_open(&p.http, err);
    if (status == HONE_OK)
        status = ask_for_listing(&p, err);
    if (status == HONE_OK)
        status = listing_pick(&p.listing, name, err);
    if (status == HONE_OK) {
        count(&p, out);
        progress_start("MB", quiet);
        status = get_files(&p, err);
        progress_hide();
    }
    if (status == HONE_OK)
        status = finish(&p, out, err);
    listing_release(&p.listing);
    http_close(p.http);
    return status;
}
