#include "server/service.h"
#include "server/figures/log.h"
#include "server/file.h"
#include "server/http/answers.h"
#include "server/http/fail.h"
#include "server/wire/tls.h"

#include <stdlib.h>
#include <unistd.h>

size_t service_max_body(const struct service *s)
{
    return s->settings.max_body << 20;
}

/* Where memory is short, an eighth of it, but two bodies: one that comes in, and one that is read. */
size_t service_max_uploads(const struct service *s)
{
    size_t usual = (size_t)256 << 20, most = 4 * service_max_body(s), least = 2 * service_max_body(s);
    size_t share = models_budget(&s->settings) / 8;
    most = most > usual ? most : usual;
    share = share > least ? share : least;
    return share < most ? share : most;
}

/* What the server takes beside its models: program, threads and buffers, measured with 4,000 clients; answers that are
 * kept; bodies that come in. */
#define OWN_BYTES ((size_t)24 << 20)

static size_t answers_bytes(const struct settings *s)
{
    size_t wanted = s->cache_size << 20, share = models_budget(s) / 64;
    return s->has_cache_size || wanted < share ? wanted : share;
}

static size_t base_bytes(const struct service *s)
{
    return OWN_BYTES + answers_bytes(&s->settings) + (s->settings.completion_cache << 20) +
           service_max_uploads(s);
}

static enum hone_status read_secrets(struct service *s, struct hone_error *err)
{
    enum hone_status status = api_keys_read(&s->keys, &s->settings, err);
    if (status == HONE_OK)
        status = admin_key_read(&s->admin, &s->settings, err);
    if (status == HONE_OK && api_keys_meet(&s->keys, &s->admin)) {
        fail(err, HONE_USAGE, "the admin-key is one of the clients' keys: whoever asks could unload models");
        return settings_blame(&s->settings, SETTING_ADMIN_KEY, err);
    }
    if (status == HONE_OK && s->settings.tls_cert && !TLS_IS_THERE)
        return fail(err, HONE_USAGE, "--tls-cert: this hone was built without TLS; let a proxy speak https");
    if (status == HONE_OK && s->settings.tls_cert &&
        (status = file_read(&s->certificate, s->settings.tls_cert, err)) != HONE_OK)
        settings_blame(&s->settings, SETTING_TLS_CERT, err);
    if (status == HONE_OK && s->settings.tls_key &&
        (status = file_read(&s->private_key, s->settings.tls_key, err)) != HONE_OK)
        settings_blame(&s->settings, SETTING_TLS_KEY, err);
    return status;
}

enum hone_status service_open(struct service **out, const struct setting_flags *flags,
                              const struct service *old, struct hone_error *err)
{
    struct service *s = calloc(1, sizeof *s);
    *out = NULL;
    if (!s)
        return fail(err, HONE_FAILED, "out of memory for a server");
    s->clock = &clock_monotonic;
    pthread_mutex_init(&s->flights.lock, NULL);
    enum hone_status status = HONE_OK;
    if (flags)
        status = settings_read(&s->settings, flags, err);
    else
        settings_share(&s->settings, &old->settings);
    if (status == HONE_OK)
        status = read_secrets(s, err);
    if (status == HONE_OK) {
        log_configure(&s->settings);
        status = models_open(&s->models, &s->settings, old ? &old->models : NULL, base_bytes(s), err);
        if (status == HONE_OK)
            status = router_open(&s->router, &s->settings, &s->models, err);
        s->completions =
            answers_new(s->settings.completion_cache << 20, s->settings.completion_ttl, 0, s->clock);
        s->answers = answers_new(answers_bytes(&s->settings), s->settings.cache_ttl, s->settings.fallback_age,
                                 s->clock);
    }
    if (status == HONE_OK && (!s->answers || !s->completions))
        status = fail(err, HONE_FAILED, "out of memory for a server");
    if (status == HONE_OK)
        *out = s;
    else
        service_close(&s);
    return status;
}

enum hone_status service_listen(struct service *s, const struct listeners *listeners, struct service *old,
                                struct hone_error *err)
{
    if (!old || !front_fits(old->front, s))
        return front_open(&s->front, s, listeners, err);
    s->front = old->front;
    old->replaced = true;
    front_serve(s->front, s);
    return HONE_OK;
}

void service_quiesce(struct service *s)
{
    if (s->replaced)
        return;
    s->draining = true;
    front_quiesce(s->front);
}

bool service_is_ready(const struct service *s)
{
    return !s->leaving && !s->draining && models_are_ready(&s->models);
}

bool service_is_busy(struct service *s)
{
    return s->n_requests > 0 || (!s->replaced && connections_are_fresh(&s->front->connections));
}

void service_sweep(struct service *s)
{
    connections_sweep(&s->front->connections, s->settings.read_timeout, s->settings.idle_timeout);
}

/* Cancels all work, waits until none is left, and a moment longer for its answers to be sent. Where the front goes on,
 * clients that do not read theirs are left. */
static void end_requests(struct service *s)
{
    s->ending = true;
    do {
        connections_cancel(&s->front->connections, s);
        usleep(1000);
    } while (s->n_pending > 0);
    for (int i = 0; i < 1000 && s->n_requests > 0; i++)
        usleep(1000);
    if (!s->replaced)
        return;
    connections_shut(&s->front->connections, s);
    while (s->n_requests > 0)
        usleep(1000);
}

void service_close(struct service **service)
{
    struct service *s = *service;
    *service = NULL;
    if (!s)
        return;
    if (s->front) {
        service_quiesce(s);
        end_requests(s);
    }
    if (!s->replaced)
        front_close(s->front);
    answers_free(s->answers);
    answers_free(s->completions);
    pthread_mutex_destroy(&s->flights.lock);
    router_close(&s->router);
    models_close(&s->models);
    api_keys_release(&s->keys);
    api_keys_release(&s->admin);
    free(s->certificate);
    free(s->private_key);
    settings_release(&s->settings);
    free(s);
}
