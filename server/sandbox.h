/* What a server needs none of, it cannot do any more, so that who takes it over by a hole has little: no program is
 * started, nothing is written but in the folder of packed weights, nobody is spoken with but clients and Redis. Files can
 * still be read, since settings, keys, certificates and models are read anew on SIGHUP, wherever they are then. */
#ifndef SERVER_SANDBOX_H
#define SERVER_SANDBOX_H

#include "server/settings.h"

/* Of files and TCP ports (Landlock). It holds for threads that are made afterwards: to be called before there are any. */
enum hone_status sandbox_files(const struct settings *s, struct hone_error *err);

/* Of system calls (seccomp), for all threads; to be called when the server listens. */
enum hone_status sandbox_calls(const struct settings *s, struct hone_error *err);

#endif
