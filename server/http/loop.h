/* The thread that runs a daemon of libmicrohttpd. The one that the library would run reads at most 128 events at a time,
 * and after 128 it waits for another before it looks at these: where so many clients wait for their answers, that is for
 * ever. So the library only ever looks, and this thread waits. */
#ifndef SERVER_HTTP_LOOP_H
#define SERVER_HTTP_LOOP_H

struct MHD_Daemon;
struct http_loop;

/* Runs mhd, which was made with MHD_USE_EPOLL and without a thread, and takes it over; after a failure (NULL) too. */
struct http_loop *loop_start(struct MHD_Daemon *mhd);

/* That of this thread; NULL on others. */
struct http_loop *loop_current(void);

/* To be called after MHD_resume_connection, from any thread. */
void loop_wake(struct http_loop *loop);

/* Takes no new connections; those that came before have been seen when it returns. Not from the loop's thread. */
void loop_quiesce(struct http_loop *loop);

/* Closes all connections; none may be suspended. */
void loop_stop(struct http_loop *loop);

#endif
