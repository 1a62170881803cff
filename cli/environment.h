/* What the environment says to hone. */
#ifndef CLI_ENVIRONMENT_H
#define CLI_ENVIRONMENT_H

/* Tells of each HONE_... that nobody reads: a name that was misspelt would have no effect, and say nothing. */
void environment_check(void);

#endif
