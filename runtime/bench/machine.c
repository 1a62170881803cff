#include "runtime/bench/machine.h"

#include "kernels/cpu.h"
#include "runtime/threads.h"

#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static struct hone_machine machine;
static char cpu_text[128];
static size_t memory[HONE_N_MEMORIES];
static pthread_once_t once = PTHREAD_ONCE_INIT;

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

static void read_memory(void)
{
    long pages = sysconf(_SC_PHYS_PAGES), page = sysconf(_SC_PAGESIZE);
    for (int i = 0; i < 8; i++)
        read_cache(i);
    if (memory[HONE_L1] == 0)
        memory[HONE_L1] = (size_t)32 << 10;
    if (memory[HONE_L2] == 0)
        memory[HONE_L2] = (size_t)512 << 10;
    memory[HONE_MEMORY] = pages > 0 && page > 0 ? (size_t)pages * (size_t)page : (size_t)1 << 30;
}

/* ---- the CPU's name ---- */

struct field {
    const char *key; /* in /proc/cpuinfo */
    char value[64];
};

static void take_field(char *line, struct field *fields, size_t n)
{
    char *colon = strchr(line, ':');
    if (!colon)
        return;
    size_t key = strcspn(line, "\t:");
    for (size_t i = 0; i < n; i++)
        if (strlen(fields[i].key) == key && memcmp(line, fields[i].key, key) == 0)
            snprintf(fields[i].value, sizeof fields[i].value, "%s", colon[1] == ' ' ? colon + 2 : colon + 1);
}

/* Name, family and model; a virtual machine's name alone may stand for many CPUs. */
static void read_cpu(void)
{
    enum { NAME, FAMILY, MODEL, IMPLEMENTER, PART, N_FIELDS };
    struct field f[N_FIELDS] = {[NAME] = {"model name", ""},
                                [FAMILY] = {"cpu family", ""},
                                [MODEL] = {"model", ""},
                                [IMPLEMENTER] = {"CPU implementer", ""},
                                [PART] = {"CPU part", ""}};
    char line[256];
    FILE *file = fopen("/proc/cpuinfo", "re");
    while (file && fgets(line, sizeof line, file) && *line != '\n') {
        line[strcspn(line, "\n")] = 0;
        take_field(line, f, N_FIELDS);
    }
    if (file)
        fclose(file);
    if (*f[FAMILY].value)
        snprintf(cpu_text, sizeof cpu_text, "%.63s, family %.15s, model %.15s", f[NAME].value,
                 f[FAMILY].value, f[MODEL].value);
    else if (*f[PART].value)
        snprintf(cpu_text, sizeof cpu_text, "implementer %.15s, part %.15s", f[IMPLEMENTER].value,
                 f[PART].value);
    else
        snprintf(cpu_text, sizeof cpu_text, "unknown");
}

static void read_machine(void)
{
    read_memory();
    read_cpu();
    machine = (struct hone_machine){
        .cpu = cpu_text, .level = cpu_level_name(cpu_level()), .n_threads = threads_available()};
}

const struct hone_machine *hone_machine(void)
{
    pthread_once(&once, read_machine);
    return &machine;
}

size_t machine_memory(enum hone_memory level)
{
    pthread_once(&once, read_machine);
    return memory[level];
}

size_t machine_last_cache(void)
{
    size_t l3 = machine_memory(HONE_L3);
    return l3 ? l3 : machine_memory(HONE_L2);
}
