/* A configuration file of hone serve: refused with a sentence that names its line, or settings, options of models and routes
 * that say what the file said. Behind a NUL, a file of API keys: refused with a sentence, or keys. */
#include "server/http/keys.h"
#include "server/manager/model_options.h"
#include "server/manager/router.h"
#include "server/settings.h"
#include "tests/fuzz/harness.h"

#include <math.h>
#include <string.h>

static const struct hone_model_info embeds = {.task = HONE_TASK_EMBED},
                                    generates = {.task = HONE_TASK_GENERATE};
static struct served_model one = {.name = "a", .info = &embeds}, two = {.name = "b", .info = &generates};
static const struct models models = {.items = {&one, &two}, .n = 2};

static void read_options(const struct settings *s)
{
    for (size_t i = 0; i < s->n_models; i++) {
        struct model_options o = {.load = LOAD_AS_FITS};
        struct hone_error err = {0};
        enum hone_status status = model_options_read(&o, s->models[i], "file", s, &err);
        FUZZ_CHECK(status == HONE_OK ? o.spec != NULL : *err.message);
        model_options_release(&o);
    }
}

static void read_routes(const struct settings *s)
{
    struct router router;
    struct hone_error err = {0};
    if (router_open(&router, s, &models, &err) == HONE_OK) {
        FUZZ_CHECK(router.n == s->n_routes);
        for (size_t i = 0; i < router.n; i++) {
            const struct router_rule *r = &router.rules[i];
            FUZZ_CHECK(*r->route && (r->model == &one || r->model == &two));
            FUZZ_CHECK(r->least_bytes <= r->most_bytes && r->least_score <= r->most_score &&
                       r->least_score >= 0);
            FUZZ_CHECK(router_has(&router, &models, (struct hone_text){r->route, strlen(r->route)}));
        }
    } else {
        FUZZ_CHECK(*err.message);
    }
    router_close(&router);
}

/* No key is taken for none at all, which would let anybody in. */
static void read_keys(struct settings *s, const char *path)
{
    struct api_keys keys;
    struct hone_error err = {0};
    uint64_t partition;
    s->api_keys_file = path;
    if (api_keys_read(&keys, s, &err) == HONE_OK) {
        FUZZ_CHECK(keys.n > 0 && !api_keys_allow(&keys, NULL, "nobody's key", &partition));
        FUZZ_CHECK(!api_keys_allow(&keys, "Bearer nobody's key", NULL, &partition));
    } else {
        FUZZ_CHECK(*err.message);
    }
    api_keys_release(&keys);
}

/* Variables of the harness are no settings, which would be refused. */
static void clear_environment(void)
{
    char name[64];
    for (size_t i = 0; settings_unknown_variable(&i, name);)
        unsetenv(name);
}

void fuzz_input(const uint8_t *data, size_t size)
{
    char keys[FUZZ_PATH];
    struct hone_text rest = {(const char *)data, size}, config = fuzz_part(&rest, 0);
    struct setting_flags flags = {.values[SETTING_CONFIG] =
                                      fuzz_file((const uint8_t *)config.data, config.size)};
    struct settings s;
    struct hone_error err = {0};
    clear_environment();
    if (settings_read(&s, &flags, &err) == HONE_OK) {
        FUZZ_CHECK(s.n_models > 0 && s.port <= 65535 && s.host && isfinite(s.queue_timeout));
        read_options(&s);
        read_routes(&s);
        fuzz_write(fuzz_place(keys, "keys"), rest.data, rest.size);
        read_keys(&s, keys);
    } else {
        FUZZ_CHECK(*err.message);
    }
    settings_release(&s);
}

FUZZ_SEEDS(
    FUZZ_TEXT("# all\nport = 0\nmodel = a=x.gguf, load = demand, priority = bulk, max-queue = 20\nmodel = "
              "y\nmemory = 1.5G\n"
              "route = r, model = b, task = generate, kind = code, length = 0..2000, complexity = 30..\n"),
    FUZZ_TEXT("model = m\nroute = auto, model = a\ncomplexity = nesting 2, lines 0.5, threshold 40\nprofile "
              "= latency\n"),
    FUZZ_TEXT("model = a=m, fallback = b, priority = bulk, compute = int8\r\nmodel = b=n, cache-size = 0, "
              "kv-tokens = 9\n"
              "batching = adaptive\nwindow-low = 1\ntls-cert = c\ntls-key = k"),
    FUZZ_TEXT(
        "model = m\0sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef\nb\r\n\tc d"))

FUZZ_NO_SHAPE
