#include "server/wire/loop.h"
#include "server/figures/log.h"
#include "server/http/front.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#define EVENTS  256 /* that one call of epoll_wait tells of; more are told by the next */
#define ACCEPTS 64  /* in one go, so that those who are connected are not kept waiting */
#define SECOND  1000000000u
#define PAUSE   (SECOND / 10) /* before new clients are tried again, where there was no descriptor for one */

struct http_loop {
    struct front *front;
    pthread_t thread;
    int epoll, wake;            /* wake: an eventfd: one of the following was set, or a client woken */
    int listener;               /* -1: closed */
    bool paused;                /* nobody is accepted for now */
    uint64_t paused_at, ticked; /* ns */
    atomic_bool quiescent, stopped;
    atomic_bool closed; /* `listener` is */
    pthread_mutex_t lock;
    struct client *woken; /* under the lock */
    struct client *again, *clients;
    size_t n_clients;
    char scratch[LOOP_SCRATCH];
};

char *loop_scratch(struct http_loop *loop)
{
    return loop->scratch;
}

/* ---- clients that have something to do ---- */

void loop_wake(struct http_loop *loop, struct client *c)
{
    pthread_mutex_lock(&loop->lock);
    bool first = !loop->woken;
    if (!c->is_woken) {
        c->is_woken = true;
        c->next_woken = loop->woken;
        loop->woken = c;
    }
    pthread_mutex_unlock(&loop->lock);
    if (first)
        eventfd_write(loop->wake, 1);
}

void loop_again(struct http_loop *loop, struct client *c)
{
    if (c->is_again)
        return;
    c->is_again = true;
    c->next_again = loop->again;
    loop->again = c;
}

void loop_forget(struct http_loop *loop, struct client *c)
{
    pthread_mutex_lock(&loop->lock);
    struct client **place = &loop->woken;
    while (c->is_woken && *place != c)
        place = &(*place)->next_woken;
    if (c->is_woken)
        *place = c->next_woken;
    pthread_mutex_unlock(&loop->lock);
    place = &loop->again;
    while (c->is_again && *place != c)
        place = &(*place)->next_again;
    if (c->is_again)
        *place = c->next_again;
    if (c->prev)
        c->prev->next = c->next;
    else
        loop->clients = c->next;
    if (c->next)
        c->next->prev = c->prev;
    loop->n_clients--;
}

static void run_woken(struct http_loop *loop)
{
    for (;;) {
        pthread_mutex_lock(&loop->lock);
        struct client *c = loop->woken;
        if (c) {
            loop->woken = c->next_woken;
            c->is_woken = false;
        }
        pthread_mutex_unlock(&loop->lock);
        if (!c)
            return;
        client_wake(c);
    }
}

/* Those that are there now: each may come again, after the others. */
static void run_again(struct http_loop *loop)
{
    struct client *list = loop->again;
    loop->again = NULL;
    for (struct client *c = list, *next; c; c = next) {
        next = c->next_again;
        c->is_again = false;
        client_run(c);
    }
}

static void tick(struct http_loop *loop)
{
    uint64_t now = clock_now(loop->front->connections.clock);
    if (now - loop->ticked < SECOND)
        return;
    loop->ticked = now;
    for (struct client *c = loop->clients, *next; c; c = next) {
        next = c->next;
        client_tick(c, now);
    }
}

/* ---- new clients ---- */

static bool watch_listener(struct http_loop *loop, int what)
{
    struct epoll_event event = {.events = EPOLLIN | EPOLLEXCLUSIVE, .data.ptr = loop};
    return epoll_ctl(loop->epoll, what, loop->listener, &event) == 0;
}

static void pause_accepting(struct http_loop *loop)
{
    if (!loop->paused)
        watch_listener(loop, EPOLL_CTL_DEL);
    loop->paused = true;
    loop->paused_at = clock_now(loop->front->connections.clock);
}

static bool is_full(const struct http_loop *loop)
{
    return loop->front->connections.n >= loop->front->max_connections;
}

static void resume_accepting(struct http_loop *loop)
{
    if (loop->paused && loop->listener >= 0 && !is_full(loop) &&
        clock_now(loop->front->connections.clock) - loop->paused_at >= PAUSE)
        loop->paused = !watch_listener(loop, EPOLL_CTL_ADD);
}

static void take(struct http_loop *loop, int fd, const struct sockaddr_storage *address)
{
    struct client *c = client_new(loop->front, loop, fd, address);
    if (!c)
        return;
    struct epoll_event event = {.events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET, .data.ptr = c};
    c->next = loop->clients;
    if (c->next)
        c->next->prev = c;
    loop->clients = c;
    loop->n_clients++;
    if (epoll_ctl(loop->epoll, EPOLL_CTL_ADD, fd, &event) != 0)
        client_close(c);
    else
        client_run(c);
}

/* Whether it is worth trying again at once. */
static bool accept_one(struct http_loop *loop)
{
    struct sockaddr_storage address = {.ss_family = AF_UNSPEC};
    socklen_t size = sizeof address;
    int fd = accept4(loop->listener, (struct sockaddr *)&address, &size, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd >= 0) {
        take(loop, fd, &address);
        return true;
    }
    if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM) {
        log_seldom("a client has to wait: the system has no descriptor or memory for it");
        pause_accepting(loop);
        return false;
    }
    return errno == ECONNABORTED || errno == EINTR || errno == EPROTO;
}

static void accept_some(struct http_loop *loop)
{
    for (int i = 0; i < ACCEPTS; i++) {
        if (is_full(loop)) {
            pause_accepting(loop);
            return;
        }
        if (!accept_one(loop))
            return;
    }
}

/* Who is connected is served, however many they are. */
static void close_listener(struct http_loop *loop)
{
    while (accept_one(loop))
        ;
    close(loop->listener);
    loop->listener = -1;
    loop->closed = true;
}

/* ---- the thread ---- */

static int longest_wait(const struct http_loop *loop)
{
    if (loop->again)
        return 0;
    if (loop->paused)
        return PAUSE / 1000000;
    return loop->n_clients ? 1000 : -1;
}

static void handle(struct http_loop *loop, const struct epoll_event *event)
{
    eventfd_t n;
    if (event->data.ptr == loop)
        accept_some(loop);
    else if (event->data.ptr == &loop->wake)
        eventfd_read(loop->wake, &n);
    else
        client_event(event->data.ptr, event->events);
}

static void *run(void *arg)
{
    struct http_loop *loop = arg;
    struct epoll_event events[EVENTS];
    while (!loop->stopped) {
        int n = epoll_wait(loop->epoll, events, EVENTS, longest_wait(loop));
        for (int i = 0; i < n; i++)
            handle(loop, &events[i]);
        run_woken(loop);
        run_again(loop);
        resume_accepting(loop);
        if (loop->quiescent && !loop->closed)
            close_listener(loop);
        tick(loop);
    }
    while (loop->clients)
        client_close(loop->clients);
    return NULL;
}

static void free_loop(struct http_loop *loop)
{
    if (loop->epoll >= 0)
        close(loop->epoll);
    if (loop->wake >= 0)
        close(loop->wake);
    if (loop->listener >= 0)
        close(loop->listener);
    pthread_mutex_destroy(&loop->lock);
    free(loop);
}

struct http_loop *loop_start(struct front *front, int fd)
{
    struct http_loop *loop = calloc(1, sizeof *loop);
    if (!loop)
        return NULL;
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = &loop->wake};
    pthread_mutex_init(&loop->lock, NULL);
    loop->front = front;
    loop->ticked = clock_now(loop->front->connections.clock);
    loop->epoll = epoll_create1(EPOLL_CLOEXEC);
    loop->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    loop->listener = fcntl(fd, F_DUPFD_CLOEXEC, 0);
    bool ready = loop->epoll >= 0 && loop->wake >= 0 && loop->listener >= 0 &&
                 epoll_ctl(loop->epoll, EPOLL_CTL_ADD, loop->wake, &event) == 0 &&
                 watch_listener(loop, EPOLL_CTL_ADD);
    if (ready && pthread_create(&loop->thread, NULL, run, loop) == 0)
        return loop;
    free_loop(loop);
    return NULL;
}

static void tell(struct http_loop *loop, atomic_bool *what)
{
    *what = true;
    eventfd_write(loop->wake, 1);
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
    if (!loop)
        return;
    tell(loop, &loop->stopped);
    pthread_join(loop->thread, NULL);
    free_loop(loop);
}
