#include "cli/commands.h"
#include "cli/io/report.h"
#include "server/server.h"

enum hone_status serve_run(const struct options *options)
{
    struct hone_error err;
    enum hone_status status = server_run(&options->serving, &err);
    return status == HONE_OK ? HONE_OK : report_failure(&err);
}
