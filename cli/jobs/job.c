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

/* A file is known by its size and so many blocks of it, evenly spread: 4 MB at most are read of a model of 100 GB, where the
 * whole would take minutes at each start. */
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

/* What changes no result, or is told by content: the rest of what a command takes is part of what a job is, so that an option
 * that is new counts unless somebody says that it need not. */
static const char *const no_matter[] = {
    "model",      "output",       "input",       "resume", "threads", "batch-tokens", "kv-tokens", "no-cache",
    "max-errors", "max-parallel", "json-errors", "help",   "draft",   "draft-model",  "timings",
};

static const char *const name_files[] = {"lora", "grammar", "json-schema", "prompt-file"};

static bool is_among(const char *const *list, size_t n, const char *name)
{
    for (size_t i = 0; i < n; i++)
        if (strcmp(list[i], name) == 0)
            return true;
    return false;
}

/* The name of a file, which may have a scale behind it (of an adapter), with what it holds. */
static json_t *describe_file(const char *text)
{
    char file[HUB_PATH], hash[32];
    const char *colon = strrchr(text, ':');
    bool found = hub_format(file, "%s", text) && access(file, R_OK) == 0;
    if (!found && colon)
        found = hub_format(file, "%.*s", (int)(colon - text), text) && access(file, R_OK) == 0;
    if (!found)
        return json_string(text);
    snprintf(hash, sizeof hash, "%016llx", (unsigned long long)hash_model(file));
    return json_pack("[s, s]", text, hash);
}

static json_t *describe_text(const char *text, bool names_file)
{
    if (!text)
        return json_null();
    return names_file ? describe_file(text) : json_string(text);
}

static json_t *describe_list(const struct option_list *list, bool names_file)
{
    json_t *all = json_array();
    for (size_t i = 0; i < list->n; i++)
        json_array_append_new(all, describe_text(list->items[i], names_file));
    return all;
}

static json_t *describe_option(const struct option_spec *spec, const struct options *options)
{
    const void *field = (const char *)options + spec->offset;
    const struct option_number *number = field;
    bool names_file = is_among(name_files, sizeof name_files / sizeof *name_files, spec->name);
    switch (spec->kind) {
    case OPTION_FLAG:
        return json_boolean(*(const bool *)field);
    case OPTION_TEXT:
    case OPTION_CHOICE:
        return describe_text(*(const char *const *)field, names_file);
    case OPTION_COUNT:
        return json_integer((json_int_t) * (const size_t *)field);
    case OPTION_NUMBER:
        return number->given ? json_real(number->value) : json_null();
    case OPTION_LIST:
        return describe_list(field, names_file);
    case OPTION_MODELS:
        break;
    }
    return NULL;
}

json_t *job_describe(const struct options *options)
{
    struct option_specs specs;
    json_t *job = json_pack("{ss, ss, so}", "hone", HONE_VERSION, "command", options->command->name, "model",
                            describe_models(options));
    options_of(options->command, &specs);
    for (size_t i = 0; job && i < specs.n; i++)
        if (!is_among(no_matter, sizeof no_matter / sizeof *no_matter, specs.items[i].name))
            json_object_set_new(job, specs.items[i].name, describe_option(&specs.items[i], options));
    return job;
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
