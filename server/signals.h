/* SIGTERM, SIGINT and SIGHUP, as they come. They have handlers, and are not only blocked and waited for: a library may
 * have made threads before main (OpenBLAS does, in its constructor), whose masks nobody can change, and such a thread
 * would take a signal that all others block, and end the process. A handler may run on any thread. */
#ifndef SERVER_SIGNALS_H
#define SERVER_SIGNALS_H

#include <hone.h>

/* From here on signals are kept for signals_wait. Threads that are made from here on are not interrupted by them. */
enum hone_status signals_open(struct hone_error *err);

/* The number of one that came, or 0 after `ms`. On one thread. reload: whether SIGHUP is wanted, too; else it is kept. */
int signals_wait(int ms, bool reload);

#endif
