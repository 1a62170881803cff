/* What the control groups that this process is in let it have (Linux, version 1 and 2). */
#ifndef RUNTIME_BASE_CGROUP_H
#define RUNTIME_BASE_CGROUP_H

#include <stddef.h>

struct cgroup_limits {
    int threads;   /* processor time, in whole threads, rounded up; INT_MAX without a limit */
    size_t memory; /* bytes; SIZE_MAX without a limit */
};

/* `groups` is the file that lists the groups ("/proc/self/cgroup"), `root` where the controllers are mounted
 * ("/sys/fs/cgroup"). What cannot be read limits nothing. */
struct cgroup_limits cgroup_read(const char *groups, const char *root);

#endif
