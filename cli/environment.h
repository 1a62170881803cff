/* What the environment says to hone. */
#ifndef CLI_ENVIRONMENT_H
#define CLI_ENVIRONMENT_H

#include <hone/hone.h>

/* Tells of each HONE_... that nobody reads: a name that was misspelt would have no effect, and say nothing. A HONE_CPU that
 * is no instruction set is wrong usage, since whoever sets it compares numbers. */
enum hone_status environment_check(void);

#endif
