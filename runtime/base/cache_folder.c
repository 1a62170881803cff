#include "runtime/base/cache_folder.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

bool cache_path(char path[CACHE_PATH], const char *name)
{
    const char *cache = getenv("XDG_CACHE_HOME"), *home = getenv("HOME");
    bool by_cache = cache && *cache == '/';
    if (!by_cache && !(home && *home == '/'))
        return false;
    int n =
        snprintf(path, CACHE_PATH, "%s%s/hone/%s", by_cache ? cache : home, by_cache ? "" : "/.cache", name);
    return n >= 0 && n < CACHE_PATH;
}

void cache_make_folders(const char *path)
{
    char folder[CACHE_PATH];
    for (const char *slash = strchr(path + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
        size_t n = (size_t)(slash - path);
        if (n >= sizeof folder)
            return;
        memcpy(folder, path, n);
        folder[n] = 0;
        mkdir(folder, 0700);
    }
}
