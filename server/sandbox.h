/* Takes from the server's process what a server never does, so that an attacker who makes it run code of his own gains
 * little by that: it can start no program, write nowhere but in the folder of packed weights, and connect to nobody but Redis.
 * Files can still be read, since settings, keys, certificates and models are read anew on SIGHUP, and may be anywhere. */
#ifndef SERVER_SANDBOX_H
#define SERVER_SANDBOX_H

#include "server/settings.h"

/* Of files and TCP ports (Landlock). It holds for threads that are made afterwards: to be called before there are any. */
enum hone_status sandbox_files(const struct settings *s, struct hone_error *err);

/* Of system calls (seccomp), for all threads; to be called when the server listens. */
enum hone_status sandbox_calls(const struct settings *s, struct hone_error *err);

#endif
