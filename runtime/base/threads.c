#include "runtime/base/threads.h"

#include <limits.h>
#include <sched.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

/* Reads "QUOTA PERIOD" (version 2, QUOTA may be "max") or a lone number (version 1). */
static bool read_numbers(const char *path, long *first, long *second)
{
    FILE *f = fopen(path, "re");
    if (!f)
        return false;
    int n = fscanf(f, "%ld %ld", first, second);
    fclose(f);
    return n >= 1;
}

static int quota_threads(long quota, long period)
{
    if (quota <= 0 || period <= 0)
        return INT_MAX;
    long n = (quota + period - 1) / period;
    return n < 1 ? 1 : n > INT_MAX ? INT_MAX : (int)n;
}

/* The tightest quota from the process's own group up to the root: a parent's limit binds its children. */
static int quota_v2(char *group)
{
    int n = INT_MAX;
    for (;;) {
        char path[PATH_MAX];
        long quota = 0, period = 0;
        int size = snprintf(path, sizeof path, "/sys/fs/cgroup%s/cpu.max", group);
        if (size > 0 && (size_t)size < sizeof path && read_numbers(path, &quota, &period)) {
            int here = quota_threads(quota, period);
            n = here < n ? here : n;
        }
        char *slash = strrchr(group, '/');
        if (!slash)
            return n;
        *slash = 0;
    }
}

static int quota_v1(const char *group)
{
    char path[PATH_MAX];
    long quota = 0, period = 0, unused;
    const char *const roots[] = {group, ""};
    for (size_t i = 0; i < 2; i++) {
        int size = snprintf(path, sizeof path, "/sys/fs/cgroup/cpu%s/cpu.cfs_quota_us", roots[i]);
        if (size < 0 || (size_t)size >= sizeof path || !read_numbers(path, &quota, &unused))
            continue;
        snprintf(path, sizeof path, "/sys/fs/cgroup/cpu%s/cpu.cfs_period_us", roots[i]);
        if (read_numbers(path, &period, &unused))
            return quota_threads(quota, period);
    }
    return INT_MAX;
}

static int cgroup_threads(void)
{
    FILE *f = fopen("/proc/self/cgroup", "re");
    if (!f)
        return INT_MAX;
    int n = INT_MAX;
    char line[PATH_MAX];
    while (fgets(line, sizeof line, f)) {
        line[strcspn(line, "\n")] = 0;
        char *controllers = strchr(line, ':');
        char *group = controllers ? strchr(controllers + 1, ':') : NULL;
        if (!group)
            continue;
        *group++ = 0;
        controllers++;
        int here = INT_MAX;
        if (!*controllers)
            here = quota_v2(group);
        else if (strstr(controllers, "cpu") == controllers && strncmp(controllers, "cpuset", 6) != 0)
            here = quota_v1(group);
        n = here < n ? here : n;
    }
    fclose(f);
    return n;
}

int threads_available(void)
{
    cpu_set_t set;
    int n = 1;
    if (sched_getaffinity(0, sizeof set, &set) == 0)
        n = CPU_COUNT(&set);
    int quota = cgroup_threads();
    n = quota < n ? quota : n;
    return n < 1 ? 1 : n;
}
