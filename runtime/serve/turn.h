/* Whose turn it is to compute: of all schedulers in the process one at a time, in the order in which they ask, so that
 * two passes never fight for the cores and their caches. */
#ifndef RUNTIME_SERVE_TURN_H
#define RUNTIME_SERVE_TURN_H

#include <stdbool.h>

/* Waits for the calling thread's turn. */
void turn_take(void);
/* false: somebody has it, or waits for it. */
bool turn_try(void);
void turn_give(void);

#endif
