#include "cli/environment.h"
#include "cli/io/report.h"
#include "server/settings.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* Read by the library, the commands, and what starts hone: tests, benches, the demo. */
static const char *const others[] = {"HONE_CPU",    "HONE_OPENBLAS", "HONE_CACHE", "HONE_PYTHON",
                                     "HONE_SHARED", "HONE_SEED",     "HONE_CI",    NULL};

#define SETTING_NAME(id, letter, name, ...) name,
static const char *const settings[] = {SETTINGS(SETTING_NAME)};

/* Whether HONE_MAX_QUEUE [n bytes] is that of "max-queue". */
static bool is_setting(const char *variable, size_t n, const char *name)
{
    const char *rest = variable + strlen("HONE_");
    if (n != strlen("HONE_") + strlen(name))
        return false;
    for (size_t i = 0; name[i]; i++)
        if (rest[i] != (name[i] == '-' ? '_' : name[i] - ('a' <= name[i] && name[i] <= 'z' ? 'a' - 'A' : 0)))
            return false;
    return true;
}

static bool is_known(const char *variable, size_t n)
{
    for (const char *const *other = others; *other; other++)
        if (strlen(*other) == n && memcmp(variable, *other, n) == 0)
            return true;
    for (size_t i = 0; i < sizeof settings / sizeof *settings; i++)
        if (is_setting(variable, n, settings[i]))
            return true;
    return false;
}

void environment_check(void)
{
    for (char **entry = environ; *entry; entry++) {
        size_t n = strcspn(*entry, "=");
        if (strncmp(*entry, "HONE_", 5) == 0 && !is_known(*entry, n))
            report_note("the environment has %.*s, which nothing reads", (int)(n < 100 ? n : 100), *entry);
    }
}
