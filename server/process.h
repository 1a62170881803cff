/* What the system knows of this process. */
#ifndef SERVER_PROCESS_H
#define SERVER_PROCESS_H

#include <stddef.h>

struct process {
    double cpu_seconds;
    double resident, virtual; /* bytes */
    double memory_limit;      /* bytes: of its control group, or the machine's */
    double n_fds, max_fds, n_threads;
};

void process_read(struct process *out);

#endif
