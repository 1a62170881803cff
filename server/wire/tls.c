#include "server/wire/tls.h"
#include "server/http/fail.h"

#ifndef HONE_GNUTLS

enum hone_status tls_open(struct tls **out, const char *certificate, const char *key, struct hone_error *err)
{
    (void)certificate, (void)key;
    *out = NULL;
    return fail(err, HONE_USAGE, "this hone was built without TLS");
}

void tls_close(struct tls *t)
{
    (void)t;
}

struct tls_session *tls_begin(const struct tls *t, int fd)
{
    (void)t, (void)fd;
    return NULL;
}

void tls_end(struct tls_session *s)
{
    (void)s;
}

int tls_agree(struct tls_session *s)
{
    (void)s;
    return -1;
}

ssize_t tls_receive(struct tls_session *s, void *data, size_t n)
{
    (void)s, (void)data, (void)n;
    return -1;
}

ssize_t tls_send(struct tls_session *s, const void *data, size_t n)
{
    (void)s, (void)data, (void)n;
    return -1;
}

void tls_say_goodbye(struct tls_session *s)
{
    (void)s;
}

#else

#include <errno.h>
#include <gnutls/gnutls.h>
#include <stdlib.h>
#include <string.h>

/* -RSA: without it a stolen key opens what was recorded before. */
#define PRIORITIES "NORMAL:-VERS-ALL:+VERS-TLS1.3:+VERS-TLS1.2:-RSA:%SERVER_PRECEDENCE"

struct tls {
    gnutls_certificate_credentials_t credentials;
    gnutls_priority_t priorities;
};

struct tls_session {
    gnutls_session_t session;
    bool pending; /* GnuTLS has taken bytes that it could not send */
};

static int load(struct tls *t, const char *certificate, const char *key)
{
    gnutls_datum_t chain = {(unsigned char *)certificate, (unsigned)strlen(certificate)},
                   secret = {(unsigned char *)key, (unsigned)strlen(key)};
    int error = gnutls_certificate_allocate_credentials(&t->credentials);
    if (error >= 0)
        error = gnutls_certificate_set_x509_key_mem(t->credentials, &chain, &secret, GNUTLS_X509_FMT_PEM);
    if (error >= 0)
        error = gnutls_priority_init(&t->priorities, PRIORITIES, NULL);
    return error;
}

enum hone_status tls_open(struct tls **out, const char *certificate, const char *key, struct hone_error *err)
{
    struct tls *t = calloc(1, sizeof *t);
    *out = NULL;
    if (!t)
        return fail(err, HONE_FAILED, "out of memory for TLS");
    int error = load(t, certificate, key);
    if (error < 0) {
        tls_close(t);
        return fail(err, HONE_FAILED, "certificate and key for TLS: %s", gnutls_strerror(error));
    }
    *out = t;
    return HONE_OK;
}

void tls_close(struct tls *t)
{
    if (!t)
        return;
    if (t->priorities)
        gnutls_priority_deinit(t->priorities);
    if (t->credentials)
        gnutls_certificate_free_credentials(t->credentials);
    free(t);
}

struct tls_session *tls_begin(const struct tls *t, int fd)
{
    static const gnutls_datum_t http = {(unsigned char *)"http/1.1", 8};
    struct tls_session *s = calloc(1, sizeof *s);
    if (!s || gnutls_init(&s->session, GNUTLS_SERVER | GNUTLS_NONBLOCK | GNUTLS_NO_SIGNAL) < 0) {
        free(s);
        return NULL;
    }
    if (gnutls_priority_set(s->session, t->priorities) < 0 ||
        gnutls_credentials_set(s->session, GNUTLS_CRD_CERTIFICATE, t->credentials) < 0) {
        tls_end(s);
        return NULL;
    }
    gnutls_alpn_set_protocols(s->session, &http, 1, 0); /* clients that ask for none may come, too */
    gnutls_handshake_set_timeout(s->session, 0);        /* the sweep has its own */
    gnutls_transport_set_int(s->session, fd);
    return s;
}

void tls_end(struct tls_session *s)
{
    if (s)
        gnutls_deinit(s->session);
    free(s);
}

static bool is_later(int error)
{
    return error == GNUTLS_E_AGAIN || error == GNUTLS_E_INTERRUPTED;
}

int tls_agree(struct tls_session *s)
{
    int error;
    do
        error = gnutls_handshake(s->session);
    while (error == GNUTLS_E_WARNING_ALERT_RECEIVED || error == GNUTLS_E_INTERRUPTED);
    if (error < 0 && !is_later(error))
        gnutls_alert_send_appropriate(s->session, error);
    return error >= 0 ? 1 : is_later(error) ? 0 : -1;
}

/* A client that wants other keys in the middle of a talk (TLS 1.2) is one that we do not speak with. */
static ssize_t result(ssize_t n)
{
    if (n >= 0)
        return n;
    errno = is_later((int)n) ? EAGAIN : EIO;
    return -1;
}

ssize_t tls_receive(struct tls_session *s, void *data, size_t n)
{
    return result(gnutls_record_recv(s->session, data, n));
}

/* GnuTLS keeps what it could not send, wants to be asked for that without it, and says then how much it was. */
ssize_t tls_send(struct tls_session *s, const void *data, size_t n)
{
    ssize_t sent =
        s->pending ? gnutls_record_send(s->session, NULL, 0) : gnutls_record_send(s->session, data, n);
    s->pending = sent < 0 && is_later((int)sent);
    return result(sent);
}

void tls_say_goodbye(struct tls_session *s)
{
    gnutls_bye(s->session, GNUTLS_SHUT_WR);
}

#endif
