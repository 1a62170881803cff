#include "server/process.h"

#include <dirent.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

static double count_fds(void)
{
    DIR *dir = opendir("/proc/self/fd");
    double n = -3; /* "." and "..", and the folder itself */
    while (dir && readdir(dir))
        n++;
    if (dir)
        closedir(dir);
    return n < 0 ? 0 : n;
}

/* The value of a line such as "Threads: 4", times `unit`. */
static void take(const char *line, const char *name, double unit, double *out)
{
    size_t n = strlen(name);
    double value;
    if (strncmp(line, name, n) == 0 && sscanf(line + n, ": %lf", &value) == 1)
        *out = value * unit;
}

static void read_status(struct process *out)
{
    char line[256];
    FILE *file = fopen("/proc/self/status", "re");
    while (file && fgets(line, sizeof line, file)) {
        take(line, "VmSize", 1024, &out->virtual);
        take(line, "VmRSS", 1024, &out->resident);
        take(line, "Threads", 1, &out->n_threads);
    }
    if (file)
        fclose(file);
}

static double seconds(struct timeval t)
{
    return (double)t.tv_sec + (double)t.tv_usec / 1e6;
}

void process_read(struct process *out)
{
    struct rusage usage = {0};
    struct rlimit limit = {0};
    *out = (struct process){0};
    getrusage(RUSAGE_SELF, &usage);
    getrlimit(RLIMIT_NOFILE, &limit);
    out->cpu_seconds = seconds(usage.ru_utime) + seconds(usage.ru_stime);
    out->max_fds = (double)limit.rlim_cur;
    out->n_fds = count_fds();
    read_status(out);
}
