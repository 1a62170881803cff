/* TLS by GnuTLS: 1.2 and 1.3, and key exchanges that keep earlier talks secret when the key is stolen. */
#ifndef SERVER_WIRE_TLS_H
#define SERVER_WIRE_TLS_H

#include <hone.h>

#include <sys/types.h>

#ifdef HONE_GNUTLS
#define TLS_IS_THERE true
#else
#define TLS_IS_THERE false /* tls_open fails, and nothing else is called */
#endif

struct tls;         /* certificate and key, for all connections */
struct tls_session; /* one connection's */

/* From PEM texts. */
enum hone_status tls_open(struct tls **out, const char *certificate, const char *key, struct hone_error *err);
void tls_close(struct tls *t);

/* On a socket that does not block and stays the caller's. NULL: out of memory. */
struct tls_session *tls_begin(const struct tls *t, int fd);
void tls_end(struct tls_session *s); /* NULL is allowed */

/* 1: both sides have agreed; 0: not yet, wait for the socket; -1: they never will. */
int tls_agree(struct tls_session *s);

/* As recv and send: bytes; 0: the client has ended; -1 with errno, EAGAIN among them. A send that could not be done
 * must be tried again with the same bytes. */
ssize_t tls_receive(struct tls_session *s, void *data, size_t n);
ssize_t tls_send(struct tls_session *s, const void *data, size_t n);

/* Tells the client that no more is sent. */
void tls_say_goodbye(struct tls_session *s);

#endif
