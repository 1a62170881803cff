#include "server/model_files.h"

#include <dirent.h>
#include <fcntl.h>
#include <jansson.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Files that are looked at, a call of the system each; the largest models have some 200. */
#define MOST_PARTS   1000
#define MOST_ADAPTER 1000000 /* bytes of an adapter's description, which are some hundred */

static uint64_t hash(uint64_t h, const void *data, size_t size)
{
    const unsigned char *bytes = data;
    for (size_t i = 0; i < size; i++)
        h = (h ^ bytes[i]) * 0x100000001b3u; /* FNV-1a */
    return h;
}

/* Sums, since a folder is listed in no particular order. */
static void add(struct model_files *f, const char *name, const struct stat *s)
{
    const uint64_t known[] = {(uint64_t)s->st_dev, (uint64_t)s->st_ino, (uint64_t)s->st_size,
                              (uint64_t)s->st_mtim.tv_sec, (uint64_t)s->st_mtim.tv_nsec};
    f->print += hash(hash(0xcbf29ce484222325u, name, strlen(name)), known, sizeof known);
    f->bytes += (uint64_t)s->st_size;
    f->modified = s->st_mtim.tv_sec > f->modified ? s->st_mtim.tv_sec : f->modified;
}

/* Checkpoints of a training that goes on, and what hubs and editors hide, are written all the time and never read. */
static bool is_of_model(const char *name)
{
    return name[0] != '.' && strncmp(name, "checkpoint-", strlen("checkpoint-")) != 0;
}

static bool add_folder(struct model_files *f, int at, int floors, bool follows);

/* An adapter in the folder `at`: where the model that it names lies in a folder, that is read with it. That one's own model
 * is not, so that nobody is led in a circle. */
static void add_base(struct model_files *f, int at, const char *name)
{
    struct stat s;
    json_error_t error;
    int file = openat(at, name, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    bool is_short = file >= 0 && fstat(file, &s) == 0 && S_ISREG(s.st_mode) && s.st_size <= MOST_ADAPTER;
    json_t *adapter = is_short ? json_loadfd(file, 0, &error) : NULL;
    const char *path = json_string_value(json_object_get(adapter, "base_model_name_or_path"));
    int base = path ? open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;
    if (base >= 0)
        add_folder(f, base, 1, false);
    if (file >= 0)
        close(file);
    json_decref(adapter);
}

/* Takes the descriptor `at`. */
static bool add_folder(struct model_files *f, int at, int floors, bool follows)
{
    DIR *folder = fdopendir(at);
    if (!folder) {
        close(at);
        return false;
    }
    for (const struct dirent *entry; (entry = readdir(folder));) {
        struct stat s;
        if (!is_of_model(entry->d_name) || fstatat(dirfd(folder), entry->d_name, &s, 0) != 0)
            continue;
        if (S_ISREG(s.st_mode))
            add(f, entry->d_name, &s);
        if (follows && strcmp(entry->d_name, "adapter_config.json") == 0)
            add_base(f, dirfd(folder), entry->d_name);
        int below = S_ISDIR(s.st_mode) && floors > 0
                        ? openat(dirfd(folder), entry->d_name, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
                        : -1;
        if (below >= 0)
            add_folder(f, below, floors - 1, follows);
    }
    closedir(folder);
    return true;
}

/* NAME-00001-of-00003.gguf: each part by its number. */
static void add_parts(struct model_files *f, const char *path)
{
    size_t size = strlen(path), end = strlen("-00001-of-00003.gguf");
    unsigned i, n;
    int read = 0;
    if (size < end || sscanf(path + size - end, "-%5u-of-%5u.gguf%n", &i, &n, &read) != 2 ||
        (size_t)read != end)
        return;
    for (unsigned part = 1; part <= n && part <= MOST_PARTS; part++) {
        char other[PATH_MAX], name[16];
        struct stat s;
        int m = snprintf(other, sizeof other, "%.*s-%05u-of-%05u.gguf", (int)(size - end), path, part, n);
        snprintf(name, sizeof name, "%u", part);
        if (part != i && m > 0 && (size_t)m < sizeof other && stat(other, &s) == 0)
            add(f, name, &s);
    }
}

bool model_files_look(struct model_files *out, const char *path)
{
    struct stat s;
    *out = (struct model_files){.print = 1};
    if (stat(path, &s) != 0)
        return false;
    if (S_ISDIR(s.st_mode)) {
        int at = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        return at >= 0 && add_folder(out, at, 1, true);
    }
    add(out, "", &s);
    add_parts(out, path);
    return true;
}
