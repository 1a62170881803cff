/* One of two that are compared: a server that is there, or one that is started for it, on a socket of its own. */
#ifndef CLI_LOAD_SIDE_H
#define CLI_LOAD_SIDE_H

#include "cli/load/address.h"

#include <sys/types.h>

struct load_side {
    const char *given; /* "http://...", or "MODEL [OPTION OF hone serve]..." */
    struct load_address address;
    pid_t pid; /* 0: it was there already */
};

/* Starts it, if need be. It ends with this program, also where a signal ends that. Failures are reported; of a side that
 * was opened before, too, load_sides_end is to be called. */
enum hone_status load_side_start(struct load_side *side, const char *given);
/* Ends all that were started, and takes their folder away. */
void load_sides_end(void);

#endif
