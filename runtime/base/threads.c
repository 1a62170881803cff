#include "runtime/base/threads.h"

#include "runtime/base/cgroup.h"

#include <sched.h>

int threads_available(void)
{
    cpu_set_t set;
    int n = 1, quota = cgroup_read("/proc/self/cgroup", "/sys/fs/cgroup").threads;
    if (sched_getaffinity(0, sizeof set, &set) == 0)
        n = CPU_COUNT(&set);
    n = quota < n ? quota : n;
    return n < 1 ? 1 : n;
}
