#include "server/server.h"
#include "server/figures/log.h"
#include "server/figures/traffic.h"
#include "server/http/workers.h"
#include "server/json_memory.h"
#include "server/profile.h"
#include "server/sandbox.h"
#include "server/service.h"
#include "server/signals.h"
#include "server/systemd.h"
#include "server/wire/tls.h"

#include <signal.h>
#include <sys/resource.h>
#include <time.h>

/* A connection is a descriptor. */
static void raise_limit(void)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
        limit.rlim_cur = limit.rlim_max;
        setrlimit(RLIMIT_NOFILE, &limit);
    }
}

/* For so long, in which clients are looked after, or until a signal says to end, which is returned; SIGHUP waits. */
static int wait_for(struct service *s, double seconds, bool (*goes_on)(struct service *s))
{
    uint64_t swept = clock_now(s->clock), end = swept + (uint64_t)(seconds * 1e9);
    while (clock_now(s->clock) < end && (!goes_on || goes_on(s))) {
        int number = signals_wait(20, false);
        if (number)
            return number;
        if (clock_now(s->clock) - swept > 1000000000) {
            service_sweep(s);
            swept = clock_now(s->clock);
        }
    }
    return 0;
}

/* Until there is no request, or the time is over. */
static int drain(struct service *s)
{
    service_quiesce(s);
    return wait_for(s, s->settings.drain_timeout, service_is_busy);
}

#define HANDSHAKE 0.1 /* s: connections that are being made are made then */

/* New clients are sent elsewhere before the old ones are left alone: by what the server says of itself, then by a port
 * that is closed. A further signal ends what is waited for. */
static void end(struct service *s, struct listeners *listeners)
{
    s->leaving = true;
    int number = wait_for(s, s->settings.lame_duck, NULL);
    s->draining = true;
    listen_refuse(listeners);
    if (!number)
        wait_for(s, HANDSHAKE, NULL);
    service_quiesce(s);
    listen_close(listeners);
    if (!number)
        drain(s);
}

static void tell_profile(const struct settings *s)
{
    char text[512];
    profile_describe(s, text, sizeof text);
    if (s->profile)
        log_info("profile %s: %s", s->profile, *text ? text : "all of it is set otherwise");
}

/* The new service takes requests before the old one stops to. flags NULL: the settings are the same, and only models' files
 * have changed. Returns a signal that said to end meanwhile, or 0. */
static int reload(struct service **s, const struct setting_flags *flags, const struct listeners *listeners)
{
    struct service *next;
    struct hone_error err;
    int number = 0;
    systemd_notify("RELOADING=1");
    enum hone_status status = service_open(&next, flags, *s, &err);
    if (status == HONE_OK)
        status = service_listen(next, listeners, *s, &err);
    if (status == HONE_OK) {
        number = drain(*s);
        service_close(s);
        *s = next;
        traffic.reloads++;
        log_info(flags ? "settings were read anew" : "models whose file had changed were read anew");
        if (flags)
            tell_profile(&(*s)->settings);
    } else {
        service_close(&next);
        log_configure(&(*s)->settings);
        traffic.failed_reloads++;
        if (!flags)
            models_stay(&(*s)->models);
        log_error(flags ? "settings stay as they were: %s" : "models stay as they were: %s", err.message);
    }
    systemd_notify("READY=1");
    return number;
}

/* The port answers meanwhile. Where no model at all can be loaded, there is nothing to serve: that is an end, and *err says
 * why. Returns a signal that said to end, or -1, or 0. */
static int wait_for_models(struct service *s, struct hone_error *err)
{
    int number = 0;
    while (number == 0 && !service_is_ready(s)) {
        if (models_have_failed(&s->models, err))
            return -1;
        number = wait_for(s, 0.02, NULL);
    }
    return number;
}

/* HONE_OK: it ended as it was told. */
static enum hone_status serve(struct service **s, const struct setting_flags *flags,
                              struct listeners *listeners, struct hone_error *err)
{
    for (size_t i = 0; i < listeners->n; i++)
        log_info("listening on %s", listeners->items[i].name);
    int number = wait_for_models(*s, err);
    if (number == 0)
        systemd_notify("READY=1");
    while (number == 0) {
        number = signals_wait(500, true); /* what has changed is looked for as often */
        if (number == SIGHUP)
            number = reload(s, flags, listeners);
        else if (number == 0 && models_have_changed(&(*s)->models))
            number = reload(s, NULL, listeners);
        service_sweep(*s);
    }
    log_info("ending");
    systemd_notify("STOPPING=1");
    end(*s, listeners);
    return number < 0 ? err->status : HONE_OK;
}

enum hone_status server_run(const struct setting_flags *flags, struct hone_error *err)
{
    struct service *s = NULL;
    struct listeners listeners = {.n = 0};
    struct settings settings = {0};
    struct timespec now;
    raise_limit();
    json_memory_init();
    clock_gettime(CLOCK_REALTIME, &now);
    traffic.started = (double)now.tv_sec + (double)now.tv_nsec / 1e9;
    enum hone_status status = signals_open(err);
    if (status == HONE_OK)
        status = settings_read(&settings, flags, err);
    if (status == HONE_OK) {
        log_configure(&settings);
        tell_profile(&settings);
        if ((status = sandbox_files(&settings, err)) != HONE_OK)
            settings_blame(&settings, SETTING_SANDBOX, err);
    }
    if (status == HONE_OK)
        status = workers_start(err);
    if (status == HONE_OK)
        status = service_open(&s, flags, NULL, err);
    if (status == HONE_OK)
        status = listen_open(&listeners, &s->settings, err);
    if (status == HONE_OK)
        status = service_listen(s, &listeners, NULL, err);
    if (status == HONE_OK && (status = sandbox_calls(&settings, err)) != HONE_OK)
        settings_blame(&settings, SETTING_SANDBOX, err);
    if (status == HONE_OK)
        status = serve(&s, flags, &listeners, err);
    service_close(&s);
    workers_stop();
    listen_close(&listeners);
    settings_release(&settings);
    return status;
}

bool server_has_tls(void)
{
    return TLS_IS_THERE;
}
