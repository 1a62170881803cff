#include "server/http/loop.h"

#include <microhttpd.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

struct http_loop {
    struct MHD_Daemon *mhd;
    pthread_t thread;
    int wake; /* an eventfd: one of the following was set, or a connection resumed */
    atomic_bool quiescent, stopped;
    atomic_bool closed; /* the listening socket is not looked at any more */
};

static void quiesce(struct MHD_Daemon *mhd)
{
    MHD_socket fd = MHD_quiesce_daemon(mhd);
    if (fd != MHD_INVALID_SOCKET)
        close(fd);
}

/* Milliseconds, as poll takes them. */
static int longest_wait(struct MHD_Daemon *mhd)
{
    MHD_UNSIGNED_LONG_LONG ms;
    if (MHD_get_timeout(mhd, &ms) != MHD_YES)
        return -1;
    return ms < 60000 ? (int)ms : 60000;
}

static _Thread_local struct http_loop *current;

static void *run(void *arg)
{
    struct http_loop *loop = current = arg;
    const union MHD_DaemonInfo *info = MHD_get_daemon_info(loop->mhd, MHD_DAEMON_INFO_EPOLL_FD);
    struct pollfd fds[] = {{.fd = info->epoll_fd, .events = POLLIN}, {.fd = loop->wake, .events = POLLIN}};
    while (!loop->stopped) {
        eventfd_t n;
        fds[1].revents = 0;
        poll(fds, 2, longest_wait(loop->mhd));
        if (fds[1].revents)
            eventfd_read(loop->wake, &n);
        if (loop->quiescent && !loop->closed) {
            quiesce(loop->mhd);
            loop->closed = true;
        }
        MHD_run(loop->mhd);
    }
    return NULL;
}

struct http_loop *loop_start(struct MHD_Daemon *mhd)
{
    struct http_loop *loop = calloc(1, sizeof *loop);
    int wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (loop && wake >= 0) {
        loop->mhd = mhd;
        loop->wake = wake;
        if (pthread_create(&loop->thread, NULL, run, loop) == 0)
            return loop;
    }
    if (wake >= 0)
        close(wake);
    free(loop);
    MHD_stop_daemon(mhd);
    return NULL;
}

struct http_loop *loop_current(void)
{
    return current;
}

void loop_wake(struct http_loop *loop)
{
    eventfd_write(loop->wake, 1);
}

static void tell(struct http_loop *loop, atomic_bool *what)
{
    *what = true;
    loop_wake(loop);
}

void loop_quiesce(struct http_loop *loop)
{
    static const struct timespec moment = {0, 100000};
    tell(loop, &loop->quiescent);
    while (!loop->closed)
        nanosleep(&moment, NULL);
}

void loop_stop(struct http_loop *loop)
{
    tell(loop, &loop->stopped);
    pthread_join(loop->thread, NULL);
    MHD_stop_daemon(loop->mhd);
    close(loop->wake);
    free(loop);
}
