#include "cli/environment.h"

#include "cli/io/report.h"
#include "server/settings.h"

#include <hone/bench.h>

enum hone_status environment_check(void)
{
    char name[64];
    const struct hone_machine *machine = hone_machine();
    for (size_t i = 0; settings_unknown_variable(&i, name); i++)
        report_note("the environment has %s, which nothing reads", name);
    if (machine->bad_level)
        return report_error(HONE_USAGE, "HONE_CPU is '%s', expected one of %s", machine->bad_level,
                            machine->levels);
    if (machine->remark)
        report_note("%s", machine->remark);
    return HONE_OK;
}
