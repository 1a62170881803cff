#include "cli/environment.h"

#include "cli/io/report.h"
#include "server/settings.h"

void environment_check(void)
{
    char name[64];
    for (size_t i = 0; settings_unknown_variable(&i, name); i++)
        report_note("the environment has %s, which nothing reads", name);
}
