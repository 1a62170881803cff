#include "server/service.h"
#include "server/answers.h"
#include "server/daemon.h"
#include "server/fail.h"
#include "server/file.h"
#include "server/log.h"

#include <stdlib.h>
#include <unistd.h>

size_t service_max_body(const struct service *s)
{
    return s->settings.max_body << 20;
}

size_t service_max_uploads(const struct service *s)
{
    size_t least = (size_t)256 << 20, most = 4 * service_max_body(s);
    return most > least ? most : least;
}

static enum hone_status read_secrets(struct service *s, struct hone_error *err)
{
    enum hone_status status = keys_read(&s->keys, &s->settings, err);
    if (status == HONE_OK && s->settings.tls_cert)
        status = file_read(&s->certificate, s->settings.tls_cert, err);
    if (status == HONE_OK && s->settings.tls_key)
        status = file_read(&s->private_key, s->settings.tls_key, err);
    return status;
}

enum hone_status service_open(struct service **out, const struct setting_flags *flags,
                              const struct service *old, struct hone_error *err)
{
    struct service *s = calloc(1, sizeof *s);
    *out = NULL;
    if (!s)
        return fail(err, HONE_FAILED, "out of memory for a server");
    pthread_mutex_init(&s->connections.lock, NULL);
    enum hone_status status = settings_read(&s->settings, flags, err);
    if (status == HONE_OK)
        status = read_secrets(s, err);
    if (status == HONE_OK) {
        log_configure(&s->settings);
        status = models_open(&s->models, &s->settings, old ? &old->models : NULL, err);
        s->answers = answers_new(s->settings.cache_size << 20, s->settings.cache_ttl);
    }
    if (status == HONE_OK && !s->answers)
        status = fail(err, HONE_FAILED, "out of memory for a server");
    if (status == HONE_OK)
        *out = s;
    else
        service_close(&s);
    return status;
}

enum hone_status service_listen(struct service *s, const struct listeners *listeners, struct hone_error *err)
{
    s->loops = calloc(listeners->n * s->settings.http_threads, sizeof *s->loops);
    for (size_t i = 0; i < listeners->n && s->loops; i++) {
        for (size_t thread = 0; thread < s->settings.http_threads; thread++) {
            struct loop *loop = daemon_start(s, listeners->items[i].fd);
            if (loop)
                s->loops[s->n_loops++] = loop;
        }
        if (s->n_loops != (i + 1) * s->settings.http_threads)
            return fail(err, HONE_FAILED, "%s: libmicrohttpd cannot start%s", listeners->items[i].name,
                        s->certificate ? "; are certificate and key right?" : "");
    }
    return s->loops ? HONE_OK : fail(err, HONE_FAILED, "no memory for the threads that speak with clients");
}

void service_quiesce(struct service *s)
{
    s->draining = true;
    for (size_t i = 0; i < s->n_loops; i++)
        loop_quiesce(s->loops[i]);
}

bool service_is_busy(struct service *s)
{
    return s->n_requests > 0 || connections_are_fresh(&s->connections);
}

void service_sweep(struct service *s)
{
    connections_sweep(&s->connections, s->settings.read_timeout, s->settings.idle_timeout);
}

/* Cancels all work, waits until none is left, and a moment longer for its answers to be sent. */
static void end_requests(struct service *s)
{
    s->ending = true;
    do {
        connections_cancel(&s->connections);
        usleep(1000);
    } while (s->n_pending > 0);
    for (int i = 0; i < 1000 && s->n_requests > 0; i++)
        usleep(1000);
}

void service_close(struct service **service)
{
    struct service *s = *service;
    *service = NULL;
    if (!s)
        return;
    if (s->n_loops > 0) {
        service_quiesce(s);
        end_requests(s);
    }
    for (size_t i = 0; i < s->n_loops; i++)
        loop_stop(s->loops[i]);
    free(s->loops);
    answers_free(s->answers);
    models_close(&s->models);
    keys_release(&s->keys);
    free(s->certificate);
    free(s->private_key);
    pthread_mutex_destroy(&s->connections.lock);
    settings_release(&s->settings);
    free(s);
}
