#include "cli/hub/place.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

static const char *variable(const char *name)
{
    const char *value = getenv(name);
    return value && *value ? value : NULL;
}

/* As a shell would: ~ alone is expanded. */
static bool expand(char path[HUB_PATH], const char *value)
{
    const char *home = variable("HOME");
    if (value[0] == '~' && (value[1] == '/' || !value[1]))
        return home && hub_format(path, "%s%s", home, value + 1);
    return hub_format(path, "%s", value);
}

bool place_home(char path[HUB_PATH])
{
    const char *own = variable("HF_HOME"), *cache = variable("XDG_CACHE_HOME"), *home = variable("HOME");
    if (own)
        return expand(path, own);
    if (cache)
        return hub_format(path, "%s/huggingface", cache);
    return home && hub_format(path, "%s/.cache/huggingface", home);
}

enum hone_status place_cache(char path[HUB_PATH], struct hone_error *err)
{
    char home[HUB_PATH];
    const char *own = variable("HF_HUB_CACHE");
    if (!own)
        own = variable("HUGGINGFACE_HUB_CACHE");
    if (own ? expand(path, own) : place_home(home) && hub_format(path, "%s/hub", home))
        return HONE_OK;
    return hub_fail(err, HONE_FAILED,
                    "there is no place for models: neither HOME, XDG_CACHE_HOME, HF_HOME nor HF_HUB_CACHE "
                    "names one");
}

enum hone_status place_repo(char path[HUB_PATH], const char *repo, struct hone_error *err)
{
    char cache[HUB_PATH];
    const char *slash = strchr(repo, '/');
    enum hone_status status = place_cache(cache, err);
    if (status != HONE_OK)
        return status;
    int n = slash ? (int)(slash - repo) : (int)strlen(repo);
    if (!hub_format(path, "%s/models--%.*s%s%s", cache, n, repo, slash ? "--" : "", slash ? slash + 1 : ""))
        return hub_fail(err, HONE_FAILED, "%s: the path is too long", cache);
    return HONE_OK;
}

bool place_commit(char commit[41], const struct hub_name *name)
{
    struct hone_error err = {0};
    char repo[HUB_PATH], path[HUB_PATH];
    if (hub_is_hex(name->revision, 40)) {
        memcpy(commit, name->revision, 41);
        return true;
    }
    if (place_repo(repo, name->repo, &err) != HONE_OK ||
        !hub_format(path, "%s/refs/%s", repo, name->revision))
        return false;
    FILE *f = fopen(path, "re");
    size_t n = f ? fread(commit, 1, 40, f) : 0;
    if (f)
        (void)fclose(f);
    commit[n] = '\0';
    return hub_is_hex(commit, 40);
}

enum hone_status place_set_ref(const struct hub_name *name, const char *commit, struct hone_error *err)
{
    char repo[HUB_PATH], path[HUB_PATH], old[41];
    if (hub_is_hex(name->revision, 40) || (place_commit(old, name) && strcmp(old, commit) == 0))
        return HONE_OK;
    enum hone_status status = place_repo(repo, name->repo, err);
    if (status == HONE_OK && !hub_format(path, "%s/refs/%s", repo, name->revision))
        status = hub_fail(err, HONE_FAILED, "%s: the path is too long", repo);
    if (status == HONE_OK)
        status = place_make_folders(path, err);
    if (status != HONE_OK)
        return status;
    FILE *f = fopen(path, "we");
    bool ok = f && fputs(commit, f) != EOF;
    if (f && fclose(f) != 0)
        ok = false;
    return ok ? HONE_OK : hub_fail(err, HONE_FAILED, "%s: cannot be written: %s", path, strerror(errno));
}

enum hone_status place_make_folders(const char *path, struct hone_error *err)
{
    char folder[HUB_PATH];
    if (!hub_format(folder, "%s", path))
        return hub_fail(err, HONE_FAILED, "%s: the path is too long", path);
    for (char *p = strchr(folder + 1, '/'); p; p = strchr(p + 1, '/')) {
        *p = '\0';
        if (mkdir(folder, 0777) != 0 && errno != EEXIST)
            return hub_fail(err, HONE_FAILED, "%s: cannot be made: %s", folder, strerror(errno));
        *p = '/';
    }
    return HONE_OK;
}

bool place_says_yes(const char *name)
{
    static const char *const words[] = {"1", "ON", "YES", "TRUE"};
    const char *value = variable(name);
    for (size_t i = 0; value && i < sizeof words / sizeof *words; i++)
        if (strcasecmp(value, words[i]) == 0)
            return true;
    return false;
}

bool place_is_offline(void)
{
    return place_says_yes(variable("HF_HUB_OFFLINE") ? "HF_HUB_OFFLINE" : "TRANSFORMERS_OFFLINE");
}
