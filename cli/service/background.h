/* A service that runs without a terminal, on machines without systemd. Its folder has hone.pid, which the service keeps
 * locked as long as it lives (so that a number that is left over, or another program's by now, is never taken for it),
 * hone.log, and hone.command. */
#ifndef CLI_SERVICE_BACKGROUND_H
#define CLI_SERVICE_BACKGROUND_H

#include "cli/service/log_files.h"

#include <sys/types.h>

struct background {
    char folder[1024], pid_path[1100], log_path[1100];
    char words_path[1100]; /* what it was started with */
};

/* folder NULL: hone below XDG_STATE_HOME (~/.local/state). It is made where there is none. Failures are reported. */
enum hone_status background_find(struct background *d, const char *folder);

/* The process that holds the lock, 0: there is none. */
pid_t background_pid(const struct background *d);

/* Starts run(arg) in a process of its own, without a terminal, and waits until it says READY=1 (sd_notify) or has
 * ended. *pid: the process. What it says goes into the log's files, of `size` bytes, and `n_old` beside the last one. The
 * log's new lines are shown where it has failed. */
enum hone_status background_start(const struct background *d, enum hone_status (*run)(const void *arg),
                                  const void *arg, uint64_t size, size_t n_old, pid_t *pid);

/* The same of one that serves this program alone, at `socket` in the folder: it ends with this program, however that
 * ends, and its folder goes when it has ended. Of its log the last megabyte is kept. */
enum hone_status background_start_own(const struct background *d, enum hone_status (*run)(const void *arg),
                                      const void *arg, pid_t *pid);
/* Takes such a folder away. */
void background_remove(const struct background *d);

/* Keeps words, and the folder that they were said in, for the next start. Only the owner may read them: a key may be among
 * them. */
enum hone_status background_remember(const struct background *d, char *const *words, size_t n);
/* Goes to that folder, and gives the words back, NULL behind the last, in one piece of memory to be freed. Failures are
 * reported. */
enum hone_status background_recall(const struct background *d, char ***words, size_t *n);

/* Sends SIGTERM to pid and waits until it has ended, `seconds` at most. false: it has not. */
bool background_stop(const struct background *d, pid_t pid, double seconds);

#endif
