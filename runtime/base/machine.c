#include "runtime/base/machine.h"

#include "kernels/cpu.h"
#include "runtime/base/cgroup.h"
#include "runtime/base/threads.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#if defined(__x86_64__)
#include <cpuid.h>
#endif

static struct hone_machine machine;
static char cpu_text[128];
static size_t memory[HONE_N_MEMORIES];
static pthread_once_t machine_once = PTHREAD_ONCE_INIT, memory_once = PTHREAD_ONCE_INIT;

/* ---- caches: what the system tells of the first CPU ---- */

static bool read_line(const char *path, char *line, int size)
{
    FILE *f = fopen(path, "re");
    bool found = f && fgets(line, size, f);
    if (f)
        fclose(f);
    if (found)
        line[strcspn(line, "\n")] = 0;
    return found;
}

static void read_cache(int index)
{
    char path[96], type[32], text[32];
    int level = 0;
    size_t size = 0;
    const char *format = "/sys/devices/system/cpu/cpu0/cache/index%d/%s";
    snprintf(path, sizeof path, format, index, "level");
    if (!read_line(path, text, sizeof text) || sscanf(text, "%d", &level) != 1 || level < 1 || level > 3)
        return;
    snprintf(path, sizeof path, format, index, "type");
    if (!read_line(path, type, sizeof type) || strcmp(type, "Instruction") == 0)
        return;
    snprintf(path, sizeof path, format, index, "size");
    if (read_line(path, text, sizeof text) && sscanf(text, "%zuK", &size) == 1 && size < (size_t)1 << 30)
        memory[level - 1] = size << 10;
}

/* Of the machine, or what the process's control groups let it have. */
static size_t memory_size(void)
{
    long pages = sysconf(_SC_PHYS_PAGES), page = sysconf(_SC_PAGESIZE);
    size_t size = pages > 0 && page > 0 ? (size_t)pages * (size_t)page : (size_t)1 << 30;
    size_t limit = cgroup_read("/proc/self/cgroup", "/sys/fs/cgroup").memory;
    return limit < size ? limit : size;
}

static void read_memory(void)
{
    for (int i = 0; i < 8; i++)
        read_cache(i);
    if (memory[HONE_MEMORY_L1] == 0)
        memory[HONE_MEMORY_L1] = (size_t)32 << 10;
    if (memory[HONE_MEMORY_L2] == 0)
        memory[HONE_MEMORY_L2] = (size_t)512 << 10;
    memory[HONE_MEMORY_MAIN] = memory_size();
}

/* ---- the CPU's name, from the CPU itself: the system may take long to tell it ---- */

#if defined(__x86_64__)

/* Intel SDM volume 2A, CPUID: the brand string, then family and model. A virtual machine's name alone may stand for
 * many CPUs. */
static void read_cpu(void)
{
    unsigned words[12] = {0}, a = 0, b, c, d;
    char name[sizeof words + 1] = "";
    for (unsigned i = 0; i < 3; i++)
        __get_cpuid(0x80000002 + i, &words[4 * i], &words[4 * i + 1], &words[4 * i + 2], &words[4 * i + 3]);
    memcpy(name, words, sizeof words);
    size_t start = strspn(name, " "), end = strlen(name);
    while (end > start && name[end - 1] == ' ')
        name[--end] = 0;
    __get_cpuid(1, &a, &b, &c, &d);
    unsigned family = a >> 8 & 15, model = a >> 4 & 15;
    if (family == 6 || family == 15)
        model |= a >> 12 & 0xf0;
    if (family == 15)
        family += a >> 20 & 0xff;
    snprintf(cpu_text, sizeof cpu_text, "%s, family %u, model %u", name + start, family, model);
}

#else

static void read_cpu(void)
{
    char id[32];
    if (read_line("/sys/devices/system/cpu/cpu0/regs/identification/midr_el1", id, sizeof id))
        snprintf(cpu_text, sizeof cpu_text, "Arm, MIDR %s", id);
    else
        snprintf(cpu_text, sizeof cpu_text, "unknown");
}

#endif

static const char no_tiles[] =
    "this CPU has AMX, but the system does not let this process use it (arch_prctl "
    "ARCH_REQ_XCOMP_PERM): computing without";

static void read_machine(void)
{
    read_cpu();
    static char levels[128];
    const char *cap = getenv("HONE_CPU");
    size_t n = 0;
    for (unsigned l = 0; l < CPU_N_LEVELS && n < sizeof levels; l++)
        n += (size_t)snprintf(levels + n, sizeof levels - n, "%s%s", l ? ", " : "",
                              cpu_level_name((enum cpu_level)l));
    machine = (struct hone_machine){.cpu = cpu_text,
                                    .level = cpu_level_name(cpu_level()),
                                    .n_threads = threads_available(),
                                    .bad_level = cap && cpu_level_by_name(cap) == CPU_N_LEVELS ? cap : NULL,
                                    .levels = levels,
                                    .memory = machine_memory(HONE_MEMORY_MAIN),
                                    .remark = cpu_tiles_refused() ? no_tiles : NULL};
}

const struct hone_machine *hone_machine(void)
{
    pthread_once(&machine_once, read_machine);
    return &machine;
}

size_t machine_memory(enum hone_memory level)
{
    pthread_once(&memory_once, read_memory);
    return memory[level];
}

size_t machine_last_cache(void)
{
    size_t l3 = machine_memory(HONE_MEMORY_L3);
    return l3 ? l3 : machine_memory(HONE_MEMORY_L2);
}
