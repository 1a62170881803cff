#include "cli/hub/listing.h"
#include "cli/hub/place.h"

#include <dirent.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define MAX_FILES 100000 /* far beyond any model; whoever lists more, or deeper, is no repository of one */
#define MAX_DEPTH 8

static bool add(struct hub_listing *l, const char *path, uint64_t size, const char *hash)
{
    /* Grows by doubling whenever the number of files is a power of two. */
    if ((l->n & (l->n - 1)) == 0) {
        struct hub_file *files = reallocarray(l->files, l->n ? 2 * l->n : 1, sizeof *files);
        if (!files)
            return false;
        l->files = files;
    }
    struct hub_file *f = &l->files[l->n];
    *f = (struct hub_file){.path = strdup(path), .size = size};
    if (!f->path)
        return false;
    strncpy(f->hash, hash, sizeof f->hash - 1);
    l->n++;
    return true;
}

void listing_release(struct hub_listing *l)
{
    for (size_t i = 0; i < l->n; i++)
        free(l->files[i].path);
    free(l->files);
    memset(l, 0, sizeof *l);
}

/* ---- from the hub ---- */

static enum hone_status read_file(struct hub_listing *l, const json_t *json, struct hone_error *err)
{
    const char *path = json_string_value(json_object_get(json, "rfilename"));
    const json_t *lfs = json_object_get(json, "lfs");
    const char *hash = json_string_value(json_object_get(lfs, "sha256"));
    if (!hash)
        hash = json_string_value(json_object_get(lfs, "oid"));
    bool large = hash != NULL;
    if (!hash)
        hash = json_string_value(json_object_get(json, "blobId"));
    json_int_t size = json_integer_value(json_object_get(json, "size"));
    if (!path || !hub_is_inside(path))
        return hub_fail(err, HONE_FAILED, "the hub names a file '%s', which is no path inside the model",
                        path ? path : "(none)");
    if (size < 0 || !hash || !hub_is_hex(hash, large ? 64 : 40))
        return hub_fail(err, HONE_FAILED, "the hub tells neither size nor checksum of the file '%s'", path);
    return add(l, path, (uint64_t)size, hash) ? HONE_OK : hub_no_memory(err);
}

enum hone_status listing_read(struct hub_listing *out, const char *text, size_t size, struct hone_error *err)
{
    enum hone_status status = HONE_OK;
    json_error_t error;
    json_t *json = json_loadb(text, size, 0, &error), *files = json_object_get(json, "siblings");
    const char *commit = json_string_value(json_object_get(json, "sha"));
    memset(out, 0, sizeof *out);
    if (!commit || !hub_is_hex(commit, 40) || !json_is_array(files) || json_array_size(files) > MAX_FILES) {
        json_decref(json);
        return hub_fail(err, HONE_FAILED,
                        "what answers is no hub: expected an object with 'sha' and 'siblings'");
    }
    memcpy(out->commit, commit, 41);
    for (size_t i = 0; i < json_array_size(files) && status == HONE_OK; i++)
        status = read_file(out, json_array_get(files, i), err);
    json_decref(json);
    return status;
}

/* ---- from the cache ---- */

static void scan(struct hub_listing *l, const char *root, const char *below, int depth)
{
    char folder[HUB_PATH], path[HUB_PATH], full[HUB_PATH];
    struct stat info;
    DIR *dir = hub_format(folder, "%s/%s", root, below) ? opendir(folder) : NULL;
    for (struct dirent *e; dir && (e = readdir(dir));) {
        if (strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0 ||
            !hub_format(path, "%s%s%s", below, *below ? "/" : "", e->d_name) ||
            !hub_format(full, "%s/%s", root, path) || stat(full, &info) != 0)
            continue;
        if (S_ISDIR(info.st_mode) && depth < MAX_DEPTH)
            scan(l, root, path, depth + 1);
        else if (S_ISREG(info.st_mode) && l->n < MAX_FILES)
            (void)add(l, path, (uint64_t)info.st_size, "");
    }
    if (dir)
        closedir(dir);
}

bool listing_scan(struct hub_listing *out, const struct hub_name *name, const char *commit)
{
    struct hone_error err = {0};
    char repo[HUB_PATH], root[HUB_PATH];
    memset(out, 0, sizeof *out);
    memcpy(out->commit, commit, 41);
    if (place_repo(repo, name->repo, &err) == HONE_OK && hub_format(root, "%s/snapshots/%s", repo, commit))
        scan(out, root, "", 0);
    return out->n > 0;
}
