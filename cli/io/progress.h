/* How far the work is, its rate and the time left: a line that is drawn anew where standard error is a terminal; elsewhere,
 * in logs, a line a minute. */
#ifndef CLI_IO_PROGRESS_H
#define CLI_IO_PROGRESS_H

#include <stdbool.h>
#include <stddef.h>

/* Seconds since some moment. */
double progress_clock(void);

/* For tests: the clock to go by. */
struct clock;
void progress_go_by(const struct clock *clock);

/* Starts the clock. `noun` is what is counted: "texts". Nothing is ever drawn where `quiet` or off a terminal. */
void progress_start(const char *noun, bool quiet);
/* n_done things are done; `part` of the whole, from 0 to 1, or below 0 where the whole is not known. Draws at most ten
 * times a second, or tells once a minute. */
void progress_show(size_t n_done, double part);
/* Takes the line away, if there is one, so that other words can be written to the terminal. */
void progress_hide(void);

#endif
