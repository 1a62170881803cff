#include "server/signals.h"
#include "server/http/fail.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/eventfd.h>

static volatile atomic_bool ending, reloading;
static int wake = -1; /* an eventfd: one of them was set */

static void on_signal(int number)
{
    int error = errno;
    if (number == SIGHUP)
        reloading = true;
    else
        ending = true;
    eventfd_write(wake, 1);
    errno = error;
}

enum hone_status signals_open(struct hone_error *err)
{
    static const int numbers[] = {SIGTERM, SIGINT, SIGHUP};
    struct sigaction action = {.sa_handler = on_signal, .sa_flags = SA_RESTART};
    sigset_t set;
    sigemptyset(&action.sa_mask);
    sigemptyset(&set);
    ending = reloading = false;
    if (wake < 0)
        wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (wake < 0)
        return fail_errno(err, HONE_FAILED, "no descriptor for signals");
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
        sigaction(numbers[i], &action, NULL);
        sigaddset(&set, numbers[i]);
    }
    signal(SIGPIPE, SIG_IGN);
    pthread_sigmask(SIG_BLOCK, &set, NULL);
    return HONE_OK;
}

static int take(bool reload)
{
    if (atomic_exchange(&ending, false))
        return SIGTERM;
    return reload && atomic_exchange(&reloading, false) ? SIGHUP : 0;
}

/* Unblocked only while it waits, so that no other call of this thread is interrupted either. */
int signals_wait(int ms, bool reload)
{
    struct timespec time = {ms / 1000, ms % 1000 * 1000000L};
    struct pollfd fd = {.fd = wake, .events = POLLIN};
    sigset_t none;
    eventfd_t n;
    int number = take(reload);
    if (number)
        return number;
    sigemptyset(&none);
    ppoll(&fd, 1, &time, &none);
    eventfd_read(wake, &n);
    return take(reload);
}
