#include "cli/hub/store.h"
#include "cli/hub/listing.h"

#include <dirent.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define PREFIX "ollama:"

static bool is_file(const char *path, uint64_t *size)
{
    struct stat info;
    if (stat(path, &info) != 0 || !S_ISREG(info.st_mode))
        return false;
    *size = (uint64_t)info.st_size;
    return true;
}

/* ---- Ollama: manifests/HOST/NAMESPACE/NAME/TAG names blobs/sha256-... ---- */

/* Where its own service keeps them, and where one that a user starts does. */
static bool ollama_folder(char path[HUB_PATH], int i)
{
    const char *own = getenv("OLLAMA_MODELS"), *home = getenv("HOME");
    if (own && *own)
        return i == 0 && hub_format(path, "%s", own);
    if (i == 0)
        return home && hub_format(path, "%s/.ollama/models", home);
    return i == 1 && hub_format(path, "/usr/share/ollama/.ollama/models");
}

/* The model's file, as a manifest names it. */
static bool read_manifest(const char *root, const char *manifest, char path[HUB_PATH], char sha256[65],
                          uint64_t *size)
{
    size_t i;
    json_t *json = json_load_file(manifest, 0, NULL), *layer;
    bool found = false;
    json_array_foreach (json_object_get(json, "layers"), i, layer) {
        const char *type = json_string_value(json_object_get(layer, "mediaType"));
        const char *digest = json_string_value(json_object_get(layer, "digest"));
        if (found || !type || strcmp(type, "application/vnd.ollama.image.model") != 0 || !digest ||
            strncmp(digest, "sha256:", 7) != 0 || !hub_is_hex(digest + 7, 64))
            continue;
        memcpy(sha256, digest + 7, 65);
        found = hub_format(path, "%s/blobs/sha256-%s", root, sha256) && is_file(path, size);
    }
    json_decref(json);
    return found;
}

/* What "registry.ollama.ai/library/NAME/TAG" is called. */
static bool ollama_name(char name[HUB_PATH], const char *below)
{
    const char *tag = strrchr(below, '/'), *usual = "registry.ollama.ai/";
    below += strncmp(below, usual, strlen(usual)) == 0 ? strlen(usual) : 0;
    below += strncmp(below, "library/", 8) == 0 ? 8 : 0;
    return tag > below && hub_format(name, PREFIX "%.*s:%s", (int)(tag - below), below, tag + 1);
}

struct walk {
    const char *root;
    store_sink sink;
    void *arg;
    bool enough;
};

static void walk_manifests(struct walk *w, const char *below, int depth)
{
    char folder[HUB_PATH], inside[HUB_PATH], full[HUB_PATH], path[HUB_PATH], name[HUB_PATH], sha256[65];
    uint64_t size;
    struct stat info;
    DIR *dir = hub_format(folder, "%s/manifests/%s", w->root, below) ? opendir(folder) : NULL;
    for (struct dirent *e; dir && !w->enough && (e = readdir(dir));) {
        if (e->d_name[0] == '.' || !hub_format(inside, "%s%s%s", below, *below ? "/" : "", e->d_name) ||
            !hub_format(full, "%s/manifests/%s", w->root, inside) || stat(full, &info) != 0)
            continue;
        if (S_ISDIR(info.st_mode) && depth < 4)
            walk_manifests(w, inside, depth + 1);
        else if (S_ISREG(info.st_mode) && ollama_name(name, inside) &&
                 read_manifest(w->root, full, path, sha256, &size))
            w->enough = !w->sink(w->arg, "Ollama", name, path, size, sha256);
    }
    if (dir)
        closedir(dir);
}

/* ---- llama.cpp: USER_REPO_FILE.gguf ---- */

static bool llama_folder(char path[HUB_PATH])
{
    const char *own = getenv("LLAMA_CACHE"), *cache = getenv("XDG_CACHE_HOME"), *home = getenv("HOME");
    if (own && *own)
        return hub_format(path, "%s", own);
    if (cache && *cache)
        return hub_format(path, "%s/llama.cpp", cache);
    return home && *home && hub_format(path, "%s/.cache/llama.cpp", home);
}

static void walk_llama(struct walk *w)
{
    char folder[HUB_PATH], path[HUB_PATH];
    uint64_t size;
    DIR *dir = llama_folder(folder) ? opendir(folder) : NULL;
    for (struct dirent *e; dir && !w->enough && (e = readdir(dir));) {
        size_t n = strlen(e->d_name);
        if (n > 5 && strcmp(e->d_name + n - 5, ".gguf") == 0 &&
            hub_format(path, "%s/%s", folder, e->d_name) && is_file(path, &size))
            w->enough = !w->sink(w->arg, "llama.cpp", path, path, size, "");
    }
    if (dir)
        closedir(dir);
}

void store_each(store_sink sink, void *arg)
{
    char root[HUB_PATH];
    struct walk w = {.root = root, .sink = sink, .arg = arg};
    for (int i = 0; i < 2 && !w.enough; i++)
        if (ollama_folder(root, i))
            walk_manifests(&w, "", 0);
    if (!w.enough)
        walk_llama(&w);
}

/* ---- finding ---- */

bool store_is_name(const char *text)
{
    return strncmp(text, PREFIX, strlen(PREFIX)) == 0;
}

struct wanted {
    const char *name, *base, *pick, *sha256;
    uint64_t size;
    char *path;
    bool found;
};

static bool on_named(void *arg, const char *store, const char *name, const char *path, uint64_t size,
                     const char *sha256)
{
    struct wanted *w = arg;
    (void)store;
    (void)size;
    (void)sha256;
    w->found = strcmp(name, w->name) == 0 && hub_format(w->path, "%s", path);
    return !w->found;
}

enum hone_status store_find(char path[HUB_PATH], const char *text, struct hone_error *err)
{
    char name[HUB_PATH];
    bool tagged = strchr(text + strlen(PREFIX), ':');
    struct wanted w = {.name = name, .path = path};
    if (hub_format(name, "%s%s", text, tagged ? "" : ":latest"))
        store_each(on_named, &w);
    return w.found ? HONE_OK
                   : hub_fail(err, HONE_BAD_MODEL,
                              "%s: Ollama has no such model here; 'hone list' names those that it has", text);
}

/* llama.cpp's name for a file of a model: slashes become underscores. */
static bool llama_name(char name[HUB_PATH], const char *repo, const char *file)
{
    if (!hub_format(name, "%s_%s", repo, file))
        return false;
    for (char *p = name; *p; p++)
        *p = *p == '/' ? '_' : *p;
    return true;
}

static bool on_gguf(void *arg, const char *store, const char *name, const char *path, uint64_t size,
                    const char *sha256)
{
    struct wanted *w = arg;
    const char *base = strrchr(path, '/');
    (void)name;
    (void)size;
    (void)sha256;
    if (strcmp(store, "llama.cpp") != 0 || !base || strncmp(base + 1, w->base, strlen(w->base)) != 0)
        return true;
    const char *rest = base + 1 + strlen(w->base);
    w->found = (strcmp(rest, w->pick) == 0 || listing_says(rest, w->pick)) && hub_format(w->path, "%s", path);
    return !w->found;
}

bool store_find_gguf(char path[HUB_PATH], const struct hub_name *name)
{
    char base[HUB_PATH];
    struct wanted w = {.base = base, .pick = name->pick, .path = path};
    if (!*name->pick || strcmp(name->revision, "main") != 0 || !llama_name(base, name->repo, ""))
        return false;
    store_each(on_gguf, &w);
    return w.found;
}

static bool on_content(void *arg, const char *store, const char *name, const char *path, uint64_t size,
                       const char *sha256)
{
    struct wanted *w = arg;
    const char *base = strrchr(path, '/');
    (void)store;
    (void)name;
    bool same = *sha256 ? strcmp(sha256, w->sha256) == 0 : base && strcmp(base + 1, w->base) == 0;
    w->found = same && size == w->size && hub_format(w->path, "%s", path);
    return !w->found;
}

bool store_find_content(char path[HUB_PATH], const char *repo, const char *file, uint64_t size,
                        const char *sha256)
{
    char base[HUB_PATH];
    struct wanted w = {.base = base, .sha256 = sha256, .size = size, .path = path};
    if (llama_name(base, repo, file))
        store_each(on_content, &w);
    return w.found;
}
