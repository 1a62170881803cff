#ifdef HONE_HIREDIS

#include "runtime/serve/cache/redis_tls.h"

#include "runtime/base/error.h"

#include <stdlib.h>

#if defined(HONE_GNUTLS) && !defined(HONE_STATIC)

#include <arpa/inet.h>
#include <dlfcn.h>
#include <gnutls/gnutls.h>
#include <pthread.h>
#include <string.h>

/* TLS 1.2 and 1.3, and key exchanges that keep earlier talks secret when a key is stolen. */
#define PRIORITIES "NORMAL:-VERS-ALL:+VERS-TLS1.3:+VERS-TLS1.2:-RSA"

#define FUNCTIONS(X)                                                                                         \
    X(gnutls_certificate_allocate_credentials)                                                               \
    X(gnutls_certificate_free_credentials)                                                                   \
    X(gnutls_certificate_set_x509_system_trust)                                                              \
    X(gnutls_certificate_set_x509_trust_file)                                                                \
    X(gnutls_certificate_set_x509_key_file)                                                                  \
    X(gnutls_init)                                                                                           \
    X(gnutls_deinit)                                                                                         \
    X(gnutls_priority_set_direct)                                                                            \
    X(gnutls_credentials_set)                                                                                \
    X(gnutls_server_name_set)                                                                                \
    X(gnutls_session_set_verify_cert)                                                                        \
    X(gnutls_transport_set_int2)                                                                             \
    X(gnutls_handshake)                                                                                      \
    X(gnutls_handshake_set_timeout)                                                                          \
    X(gnutls_record_send)                                                                                    \
    X(gnutls_record_recv)                                                                                    \
    X(gnutls_record_get_direction)                                                                           \
    X(gnutls_error_is_fatal)                                                                                 \
    X(gnutls_strerror)

/* The library's functions, by their own types and without their prefix's meaning here: lib.gnutls_init(...). */
#define MEMBER(name) __typeof__(name) *name;
static struct {
    FUNCTIONS(MEMBER)
} lib;
static bool is_loaded;

static bool load_all(void *library)
{
    bool all = true;
#define FIND(name) all = (lib.name = (__typeof__(lib.name))dlsym(library, #name)) && all;
    FUNCTIONS(FIND)
    return all;
}

/* Once for the process; a later call tries again. */
static enum hone_status load(struct hone_error *err)
{
    static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
    pthread_mutex_lock(&lock);
    void *library = is_loaded ? NULL : dlopen("libgnutls.so.30", RTLD_NOW | RTLD_LOCAL);
    is_loaded = is_loaded || (library && load_all(library));
    bool loaded = is_loaded;
    pthread_mutex_unlock(&lock);
    return loaded ? HONE_OK
                  : hone_fail(err, HONE_FAILED, "TLS to Redis: libgnutls.so.30 (GnuTLS 3) is not installed");
}

struct redis_tls {
    gnutls_certificate_credentials_t credentials;
    bool unverified;
};

struct redis_tls_session {
    gnutls_session_t session;
    char host[]; /* which the session points to */
};

static enum hone_status fail_file(const char *file, int error, struct hone_error *err)
{
    return hone_fail(err, HONE_FAILED, "TLS to Redis: %s: %s", file,
                     error < 0 ? lib.gnutls_strerror(error) : "there is no certificate");
}

/* Whom to believe, and who we are. */
static enum hone_status read_files(const struct redis_tls *t, const struct redis_address *a,
                                   struct hone_error *err)
{
    int error = a->ca ? lib.gnutls_certificate_set_x509_trust_file(t->credentials, a->ca, GNUTLS_X509_FMT_PEM)
                : t->unverified ? 1
                                : lib.gnutls_certificate_set_x509_system_trust(t->credentials);
    if (error <= 0)
        return fail_file(a->ca ? a->ca : "what this system trusts", error, err);
    error = a->certificate ? lib.gnutls_certificate_set_x509_key_file(t->credentials, a->certificate, a->key,
                                                                      GNUTLS_X509_FMT_PEM)
                           : 0;
    return error < 0 ? fail_file(a->certificate, error, err) : HONE_OK;
}

enum hone_status redis_tls_new(struct redis_tls **out, const struct redis_address *a, struct hone_error *err)
{
    *out = NULL;
    enum hone_status status = load(err);
    if (status != HONE_OK)
        return status;
    struct redis_tls *t = calloc(1, sizeof *t);
    if (!t || lib.gnutls_certificate_allocate_credentials(&t->credentials) < 0) {
        free(t);
        return hone_no_memory(err, "TLS to Redis", sizeof *t);
    }
    t->unverified = a->unverified;
    status = read_files(t, a, err);
    if (status != HONE_OK) {
        redis_tls_free(t);
        return status;
    }
    *out = t;
    return HONE_OK;
}

void redis_tls_free(struct redis_tls *t)
{
    if (!t)
        return;
    lib.gnutls_certificate_free_credentials(t->credentials);
    free(t);
}

/* An address of numbers is no name that a server can be asked for. */
static bool is_name(const char *host)
{
    unsigned char address[16];
    return inet_pton(AF_INET, host, address) != 1 && inet_pton(AF_INET6, host, address) != 1;
}

struct redis_tls_session *redis_tls_begin(struct redis_tls *t, int fd, const char *host)
{
    size_t size = strlen(host);
    struct redis_tls_session *s = calloc(1, sizeof *s + size + 1);
    if (!s || lib.gnutls_init(&s->session, GNUTLS_CLIENT | GNUTLS_NONBLOCK | GNUTLS_NO_SIGNAL) < 0) {
        free(s);
        return NULL;
    }
    memcpy(s->host, host, size);
    bool ok = lib.gnutls_priority_set_direct(s->session, PRIORITIES, NULL) >= 0 &&
              lib.gnutls_credentials_set(s->session, GNUTLS_CRD_CERTIFICATE, t->credentials) >= 0 &&
              (!is_name(host) || lib.gnutls_server_name_set(s->session, GNUTLS_NAME_DNS, host, size) >= 0);
    if (!ok) {
        redis_tls_end(s);
        return NULL;
    }
    if (!t->unverified)
        lib.gnutls_session_set_verify_cert(s->session, s->host, 0);
    lib.gnutls_handshake_set_timeout(s->session, 0); /* the caller has its own */
    lib.gnutls_transport_set_int2(s->session, fd, fd);
    return s;
}

static int result_of(const struct redis_tls_session *s, ssize_t error, bool *writes)
{
    *writes = lib.gnutls_record_get_direction(s->session) == 1;
    return error < 0 && !lib.gnutls_error_is_fatal((int)error) ? REDIS_TLS_AGAIN : REDIS_TLS_ENDED;
}

int redis_tls_handshake(struct redis_tls_session *s, bool *writes)
{
    int error = lib.gnutls_handshake(s->session);
    return error >= 0 ? 0 : result_of(s, error, writes);
}

ssize_t redis_tls_send(struct redis_tls_session *s, const void *data, size_t n, bool *writes)
{
    ssize_t sent = lib.gnutls_record_send(s->session, data, n);
    return sent > 0 ? sent : result_of(s, sent, writes);
}

ssize_t redis_tls_receive(struct redis_tls_session *s, void *data, size_t n, bool *writes)
{
    ssize_t received = lib.gnutls_record_recv(s->session, data, n);
    return received > 0 ? received : result_of(s, received, writes);
}

void redis_tls_end(struct redis_tls_session *s)
{
    if (!s)
        return;
    lib.gnutls_deinit(s->session);
    free(s);
}

#else

enum hone_status redis_tls_new(struct redis_tls **out, const struct redis_address *a, struct hone_error *err)
{
    *out = NULL;
    (void)a;
    return hone_fail(err, HONE_USAGE, "TLS to Redis: this program was built without GnuTLS");
}

void redis_tls_free(struct redis_tls *t)
{
    (void)t;
}

struct redis_tls_session *redis_tls_begin(struct redis_tls *t, int fd, const char *host)
{
    (void)t;
    (void)fd;
    (void)host;
    return NULL;
}

int redis_tls_handshake(struct redis_tls_session *s, bool *writes)
{
    (void)s;
    (void)writes;
    return REDIS_TLS_ENDED;
}

ssize_t redis_tls_send(struct redis_tls_session *s, const void *data, size_t n, bool *writes)
{
    (void)s;
    (void)data;
    (void)n;
    (void)writes;
    return REDIS_TLS_ENDED;
}

ssize_t redis_tls_receive(struct redis_tls_session *s, void *data, size_t n, bool *writes)
{
    (void)s;
    (void)data;
    (void)n;
    (void)writes;
    return REDIS_TLS_ENDED;
}

void redis_tls_end(struct redis_tls_session *s)
{
    (void)s;
}

#endif
#endif
