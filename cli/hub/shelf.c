#include "cli/hub/shelf.h"
#include "cli/hub/listing.h"
#include "cli/hub/place.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>

#define MODELS "models--"

/* The names in a folder, sorted; hidden ones are left out. *n of them, to be freed. */
static int names_of(const char *folder, struct dirent ***list)
{
    int n = scandir(folder, list, NULL, alphasort), kept = 0;
    if (n < 0)
        *list = NULL;
    for (int i = 0; i < n; i++)
        if ((*list)[i]->d_name[0] == '.')
            free((*list)[i]);
        else
            (*list)[kept++] = (*list)[i];
    return kept;
}

static void free_names(struct dirent **list, int n)
{
    for (int i = 0; i < n; i++)
        free(list[i]);
    free(list);
}

/* "models--user--repo" is "user/repo". */
static bool repo_of(char repo[HUB_REPO_MAX], const char *folder)
{
    if (strncmp(folder, MODELS, strlen(MODELS)) != 0)
        return false;
    folder += strlen(MODELS);
    const char *gap = strstr(folder, "--");
    int n = gap ? snprintf(repo, HUB_REPO_MAX, "%.*s/%s", (int)(gap - folder), folder, gap + 2)
                : snprintf(repo, HUB_REPO_MAX, "%s", folder);
    return n > 0 && n < HUB_REPO_MAX;
}

/* The name of a branch or tag whose commit that is, looked for below `folder`; else the commit. */
static bool find_ref(const char *folder, const char *below, const char *commit, char out[HUB_PATH])
{
    char path[HUB_PATH], inside[HUB_PATH], text[41];
    struct dirent **list;
    bool found = false;
    int n = names_of(folder, &list);
    for (int i = 0; i < n && !found; i++) {
        if (!hub_format(path, "%s/%s", folder, list[i]->d_name) ||
            !hub_format(inside, "%s%s%s", below, *below ? "/" : "", list[i]->d_name))
            continue;
        FILE *f = fopen(path, "re");
        size_t got = f ? fread(text, 1, 40, f) : 0;
        if (f)
            (void)fclose(f);
        text[got] = '\0';
        if (got > 0)
            found = strcmp(text, commit) == 0 && hub_format(out, "%s", inside);
        else
            found = find_ref(path, inside, commit, out);
    }
    free_names(list, n);
    return found;
}

static bool is_gguf(const char *path)
{
    size_t n = strlen(path);
    return n > 5 && strcasecmp(path + n - 5, ".gguf") == 0;
}

static void tell_folder(struct shelf_model *m, struct hub_listing *l, const char *repo, const char *root,
                        shelf_sink sink, void *arg)
{
    struct hub_name name = {0};
    struct hone_error err = {0};
    snprintf(name.repo, sizeof name.repo, "%s", repo);
    if (listing_pick(l, &name, &err) != HONE_OK || l->gguf)
        return;
    m->size = 0;
    for (size_t i = 0; i < l->n; i++)
        m->size += l->files[i].chosen ? l->files[i].size : 0;
    m->whole = listing_is_whole(l);
    if (hub_format(m->name, "%s", repo) && hub_format(m->path, "%s", root))
        sink(arg, m);
}

static void tell_snapshot(const char *repo, const char *folder, const char *commit, shelf_sink sink,
                          void *arg)
{
    struct hub_name name = {0};
    struct hub_listing l;
    struct shelf_model m = {.whole = true};
    char root[HUB_PATH], refs[HUB_PATH];
    snprintf(name.repo, sizeof name.repo, "%s", repo);
    memcpy(m.commit, commit, 41);
    if (!hub_format(root, "%s/snapshots/%s", folder, commit) || !hub_format(refs, "%s/refs", folder))
        return;
    if (!find_ref(refs, "", commit, m.revision))
        (void)hub_format(m.revision, "%s", commit);
    (void)listing_scan(&l, &name, commit);
    for (size_t i = 0; i < l.n; i++) {
        m.size = l.files[i].size;
        if (is_gguf(l.files[i].path) && hub_format(m.name, "%s:%s", repo, l.files[i].path) &&
            hub_format(m.path, "%s/%s", root, l.files[i].path))
            sink(arg, &m);
    }
    tell_folder(&m, &l, repo, root, sink, arg);
    listing_release(&l);
}

void shelf_each(shelf_sink sink, void *arg)
{
    char cache[HUB_PATH], folder[HUB_PATH], snapshots[HUB_PATH], repo[HUB_REPO_MAX];
    struct hone_error err = {0};
    struct dirent **repos = NULL, **commits;
    int n = place_cache(cache, &err) == HONE_OK ? names_of(cache, &repos) : 0;
    for (int i = 0; i < n; i++) {
        if (!repo_of(repo, repos[i]->d_name) || !hub_format(folder, "%s/%s", cache, repos[i]->d_name) ||
            !hub_format(snapshots, "%s/snapshots", folder))
            continue;
        int m = names_of(snapshots, &commits);
        for (int k = 0; k < m; k++)
            if (hub_is_hex(commits[k]->d_name, 40))
                tell_snapshot(repo, folder, commits[k]->d_name, sink, arg);
        free_names(commits, m);
    }
    free_names(repos, n);
}

uint64_t shelf_size(void)
{
    char cache[HUB_PATH], blobs[HUB_PATH], path[HUB_PATH];
    struct hone_error err = {0};
    struct dirent **repos = NULL, **files;
    struct stat info;
    uint64_t size = 0;
    int n = place_cache(cache, &err) == HONE_OK ? names_of(cache, &repos) : 0;
    for (int i = 0; i < n; i++) {
        if (strncmp(repos[i]->d_name, MODELS, strlen(MODELS)) != 0 ||
            !hub_format(blobs, "%s/%s/blobs", cache, repos[i]->d_name))
            continue;
        int m = names_of(blobs, &files);
        for (int k = 0; k < m; k++)
            if (hub_format(path, "%s/%s", blobs, files[k]->d_name) && stat(path, &info) == 0)
                size += (uint64_t)info.st_blocks * 512;
        free_names(files, m);
    }
    free_names(repos, n);
    return size;
}
