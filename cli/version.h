/* What `hone --version` says. */
#ifndef CLI_VERSION_H
#define CLI_VERSION_H

#include <hone.h>

/* with_libraries (--version -v): also what this build can do without, and whether it is there. */
enum hone_status version_show(bool with_libraries);

#endif
