#include "cli/commands.h"
#include "cli/hub/hub.h"
#include "cli/io/report.h"
#include "server/server.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A model by name becomes NAME=PATH, where clients call it USER/REPO if nobody gives it another name. *out is to be
 * freed. */
static enum hone_status find_model(const char *given, char **out, struct hone_error *err)
{
    const char *comma = model_spec_options(given), *options = comma ? comma : "";
    char *spec = strndup(given, comma ? (size_t)(comma - given) : strlen(given));
    if (!spec)
        return hub_no_memory(err);
    const char *equals = strchr(spec, '='), *model = equals ? equals + 1 : spec;
    bool by_name = hub_name_is(model);
    struct hub_name name;
    char *path;
    enum hone_status status = hub_find(model, &path, err);
    int n = 0;
    *out = NULL;
    if (status == HONE_OK && equals)
        n = asprintf(out, "%.*s=%s%s", (int)(equals - spec), spec, path, options);
    else if (status == HONE_OK && by_name && hub_name_read(&name, model, err) == HONE_OK)
        n = asprintf(out, "%s=%s%s", name.repo, path, options);
    else if (status == HONE_OK)
        n = asprintf(out, "%s%s", path, options);
    free(path);
    free(spec);
    return n < 0 ? hub_no_memory(err) : status;
}

/* What the command line or the environment says of a setting. */
static const char *said(const struct setting_flags *flags, enum setting setting, const char *variable)
{
    const char *value = flags->values[setting] ? flags->values[setting] : getenv(variable);
    return value && *value ? value : NULL;
}

/* A server that others reach and everybody may use is told of: it may be meant, but not by accident. */
static void warn_if_open(const struct setting_flags *flags)
{
    const char *host = said(flags, SETTING_HOST, "HONE_HOST");
    bool here =
        !host || strncmp(host, "127.", 4) == 0 || strcmp(host, "::1") == 0 || strcmp(host, "localhost") == 0;
    bool asks = said(flags, SETTING_API_KEY, "HONE_API_KEY") ||
                said(flags, SETTING_API_KEYS_FILE, "HONE_API_KEYS_FILE");
    if (!here && !asks && !said(flags, SETTING_CONFIG, "HONE_CONFIG"))
        report_note("whoever reaches %s may use the models: there is neither --api-key nor --api-keys-file",
                    host);
}

enum hone_status serve_run(const struct options *options)
{
    struct hone_error err = {0};
    struct setting_flags flags = options->serving;
    if (options->no_cache)
        flags.values[SETTING_WEIGHTS_CACHE] = "off";
    enum hone_status status = HONE_OK;
    char *models[SETTINGS_MAX_MODELS] = {NULL};
    for (size_t i = 0; i < flags.n_models && status == HONE_OK; i++) {
        status = find_model(flags.models[i], &models[i], &err);
        flags.models[i] = models[i];
    }
    char *draft = NULL;
    if (status == HONE_OK && flags.values[SETTING_DRAFT_MODEL]) {
        status = hub_find(flags.values[SETTING_DRAFT_MODEL], &draft, &err);
        flags.values[SETTING_DRAFT_MODEL] = draft;
    }
    if (status == HONE_OK)
        warn_if_open(&flags);
    if (status == HONE_OK)
        status = server_run(&flags, &err);
    for (size_t i = 0; i < flags.n_models; i++)
        free(models[i]);
    free(draft);
    return status == HONE_OK ? HONE_OK : report_failure(&err);
}
