#include "runtime/base/cgroup.h"

#include <limits.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

/* Reads up to two numbers of folder/file; how many there were. "max" is none. */
static int read_numbers(const char *folder, const char *file, long long numbers[2])
{
    char path[PATH_MAX];
    int size = snprintf(path, sizeof path, "%s/%s", folder, file);
    FILE *f = size > 0 && (size_t)size < sizeof path ? fopen(path, "re") : NULL;
    if (!f)
        return 0;
    int n = fscanf(f, "%lld %lld", &numbers[0], &numbers[1]);
    fclose(f);
    return n < 0 ? 0 : n;
}

static void limit_threads(struct cgroup_limits *limits, long long quota, long long period)
{
    if (quota <= 0 || period <= 0)
        return;
    long long n = quota / period + (quota % period != 0);
    if (n < limits->threads)
        limits->threads = (int)n;
}

static void limit_memory(struct cgroup_limits *limits, const char *folder, const char *file)
{
    long long size[2];
    if (read_numbers(folder, file, size) > 0 && size[0] > 0 && (unsigned long long)size[0] < limits->memory)
        limits->memory = (size_t)size[0];
}

/* All controllers in one tree. memory.high slows down what goes beyond it so much that it is a limit as well. */
static void read_v2(struct cgroup_limits *limits, const char *folder)
{
    long long quota[2];
    if (read_numbers(folder, "cpu.max", quota) == 2)
        limit_threads(limits, quota[0], quota[1]);
    limit_memory(limits, folder, "memory.max");
    limit_memory(limits, folder, "memory.high");
}

static void read_v1_cpu(struct cgroup_limits *limits, const char *folder)
{
    long long quota[2], period[2];
    if (read_numbers(folder, "cpu.cfs_quota_us", quota) > 0 &&
        read_numbers(folder, "cpu.cfs_period_us", period) > 0)
        limit_threads(limits, quota[0], period[0]);
}

static void read_v1_memory(struct cgroup_limits *limits, const char *folder)
{
    limit_memory(limits, folder, "memory.limit_in_bytes");
}

/* Reads `group` and all above it, since a parent's limit binds its children. Inside a container the tree may begin at the
 * container's own group, where the path that the kernel tells does not exist: the tree's root is always looked at. */
static void walk(struct cgroup_limits *limits, const char *tree, const char *group,
                 void (*read)(struct cgroup_limits *, const char *))
{
    char folder[PATH_MAX];
    int size = snprintf(folder, sizeof folder, "%s%s", tree, group);
    if (size < 0 || (size_t)size >= sizeof folder)
        snprintf(folder, sizeof folder, "%s", tree);
    size_t n_tree = strlen(tree);
    for (;;) {
        read(limits, folder);
        char *slash = strrchr(folder + n_tree, '/');
        if (!slash)
            return;
        *slash = 0;
    }
}

static bool is_among(const char *controllers, const char *name)
{
    size_t n = strlen(name);
    for (const char *at = controllers; at; at = strchr(at, ',') ? strchr(at, ',') + 1 : NULL)
        if (strncmp(at, name, n) == 0 && (at[n] == ',' || at[n] == 0))
            return true;
    return false;
}

static void walk_v1(struct cgroup_limits *limits, const char *root, const char *controllers,
                    const char *group)
{
    static const struct {
        const char *name;
        void (*read)(struct cgroup_limits *, const char *);
    } kinds[] = {{"cpu", read_v1_cpu}, {"memory", read_v1_memory}};
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        char tree[PATH_MAX];
        int size = snprintf(tree, sizeof tree, "%s/%s", root, kinds[i].name);
        if (is_among(controllers, kinds[i].name) && size > 0 && (size_t)size < sizeof tree)
            walk(limits, tree, group, kinds[i].read);
    }
}

struct cgroup_limits cgroup_read(const char *groups, const char *root)
{
    struct cgroup_limits limits = {INT_MAX, SIZE_MAX};
    char line[PATH_MAX];
    FILE *f = fopen(groups, "re");
    while (f && fgets(line, sizeof line, f)) { /* NUMBER:CONTROLLER,CONTROLLER:GROUP */
        line[strcspn(line, "\n")] = 0;
        char *controllers = strchr(line, ':');
        char *group = controllers ? strchr(controllers + 1, ':') : NULL;
        if (!group)
            continue;
        *group++ = 0;
        controllers++;
        if (*controllers)
            walk_v1(&limits, root, controllers, group);
        else
            walk(&limits, root, group, read_v2);
    }
    if (f)
        fclose(f);
    return limits;
}
