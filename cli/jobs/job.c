#include "cli/jobs/job.h"
#include "cli/hub/hub.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <xxhash.h>

#define N_BLOCKS 64
#define BLOCK    (64u << 10)

/* ---- content ---- */

/* Of a large file its size and blocks all over it: reading all of a model would take longer than opening it. */
static XXH64_hash_t hash_file(const char *path, XXH64_hash_t seed)
{
    static char block[BLOCK];
    struct stat info;
    XXH64_hash_t hash = seed;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd >= 0 && fstat(fd, &info) == 0) {
        off_t size = info.st_size, step = size / N_BLOCKS > BLOCK ? size / N_BLOCKS : BLOCK;
        ssize_t n;
        hash = XXH64(&size, sizeof size, hash);
        for (off_t at = 0; at < size && (n = pread(fd, block, BLOCK, at)) > 0; at += step)
            hash = XXH64(block, (size_t)n, hash);
    }
    if (fd >= 0)
        close(fd);
    return hash;
}

/* Of a folder, the files that lie in it. */
static XXH64_hash_t hash_model(const char *path)
{
    char file[HUB_PATH];
    struct dirent **list;
    XXH64_hash_t hash = 0;
    int n = scandir(path, &list, NULL, alphasort);
    if (n < 0)
        return hash_file(path, 0);
    for (int i = 0; i < n; i++) {
        if (list[i]->d_name[0] != '.' && hub_format(file, "%s/%s", path, list[i]->d_name)) {
            hash = XXH64(list[i]->d_name, strlen(list[i]->d_name), hash);
            hash = hash_file(file, hash);
        }
        free(list[i]);
    }
    free(list);
    return hash;
}

static json_t *describe_model(const char *name)
{
    struct hone_error err;
    char *path, text[32];
    if (hub_find(name, &path, &err) != HONE_OK)
        return json_null();
    snprintf(text, sizeof text, "%016llx", (unsigned long long)hash_model(path));
    free(path);
    return json_string(text);
}

/* ---- all ---- */

/* Of a command that opens several: each, as it was named, and what it is. */
static json_t *describe_models(const struct options *options)
{
    if (options->model)
        return describe_model(options->model);
    json_t *all = json_array();
    for (size_t i = 0; i < options->serving.n_models; i++) {
        const char *given = options->serving.models[i], *equals = strchr(given, '=');
        json_array_append_new(all, json_stringn(given, equals ? (size_t)(equals - given) : 0));
        json_array_append_new(all, describe_model(equals ? equals + 1 : given));
    }
    return all;
}

/* Settings of a server that results depend on. */
static json_t *describe_settings(const struct options *options)
{
    static const enum setting settings[] = {SETTING_COMPUTE, SETTING_KV, SETTING_MAX_LENGTH,
                                            SETTING_TOO_LONG};
    json_t *all = json_array();
    for (size_t i = 0; i < sizeof settings / sizeof *settings; i++) {
        const char *value = options->serving.values[settings[i]];
        json_array_append_new(all, value ? json_string(value) : json_null());
    }
    return all;
}

static const char *word(const char *text, const char *otherwise)
{
    return text ? text : otherwise;
}

json_t *job_describe(const struct options *options, const char *command)
{
    return json_pack("{ss, ss, so, so, sb, sb, si, ss, ss, ss}", "hone", HONE_VERSION, "command", command,
                     "model", describe_models(options), "settings", describe_settings(options), "raw",
                     options->raw, "strict", options->strict, "max-length", (int)options->max_length,
                     "compute", word(options->compute, "auto"), "kv", word(options->kv, "auto"), "errors",
                     word(options->errors, "words"));
}

bool job_differs(const json_t *was, const json_t *is, char *words, size_t size)
{
    const char *key;
    json_t *value;
    json_object_foreach ((json_t *)is, key, value) {
        const json_t *old = json_object_get(was, key);
        if (old && json_equal(old, value))
            continue;
        char *before = old ? json_dumps(old, JSON_ENCODE_ANY) : NULL,
             *now = json_dumps(value, JSON_ENCODE_ANY);
        if (strcmp(key, "model") == 0)
            snprintf(words, size, "another model");
        else
            snprintf(words, size, "'%s' was %s, and is %s", key, before ? before : "not told",
                     now ? now : "?");
        free(before);
        free(now);
        return true;
    }
    return false;
}
