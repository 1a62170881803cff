#include "server/settings.h"
#include "cli/choice.h"
#include "server/file.h"
#include "server/http/fail.h"
#include "server/manager/words.h"
#include "server/profile.h"
#include "server/settings_check.h"

#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum setting_kind { TEXT, CHOICE, COUNT, NUMBER };

static const struct row {
    const char *name, *value, *fallback;
    enum setting_kind kind;
    size_t offset;
} rows[] = {
#define ROW(id, letter, name, value, kind, field, fallback, help)                                            \
    {name, value, fallback, kind, offsetof(struct settings, field)},
    SETTINGS(ROW)
#undef ROW
};

static enum hone_status read_count(size_t *out, const char *text, const char *where, struct hone_error *err)
{
    char *end;
    unsigned long n = strtoul(text, &end, 10);
    if (!isdigit((unsigned char)*text) || *end || n > INT32_MAX)
        return fail(err, HONE_USAGE, "%s must be a whole number up to %d, not '%s'", where, INT32_MAX, text);
    *out = n;
    return HONE_OK;
}

static enum hone_status read_number(double *out, const char *text, const char *where, struct hone_error *err)
{
    char *end;
    *out = strtod(text, &end);
    if (end == text || *end || !(*out >= 0 && *out <= 1e9))
        return fail(err, HONE_USAGE, "%s must be a number from 0 on, not '%s'", where, text);
    return HONE_OK;
}

/* "3G", "512M", "1.5G": as systemd's MemoryMax has it, so of 1024. */
static enum hone_status read_size(size_t *out, const char *text, const char *where, struct hone_error *err)
{
    static const char units[] = "KMGT";
    char *end;
    double n = strtod(text, &end);
    const char *unit = *end ? strchr(units, toupper((unsigned char)*end)) : NULL;
    if (end == text || !(n > 0) || (*end && (!unit || end[1])))
        return fail(err, HONE_USAGE, "%s must be a size such as 512M or 3G, not '%s'", where, text);
    for (long i = unit ? unit - units : -1; i >= 0; i--)
        n *= 1024;
    if (!(n < 0x1p60))
        return fail(err, HONE_USAGE, "%s: %s is more than any machine has", where, text);
    *out = (size_t)n;
    return HONE_OK;
}

/* where: who said it, "--port" or "HONE_PORT" */
static enum hone_status set(struct settings *s, const struct row *row, const char *text, const char *where,
                            struct hone_error *err)
{
    void *field = (char *)s + row->offset;
    if (row->kind == COUNT)
        return read_count(field, text, where, err);
    if (row->kind == NUMBER)
        return read_number(field, text, where, err);
    if (*text == '\0')
        return fail(err, HONE_USAGE, "%s must not be empty", where);
    if (row->kind == CHOICE && !choice_has(row->value, text))
        return fail(err, HONE_USAGE, "%s must be one of %s, not '%s'", where, row->value, text);
    *(const char **)field = text;
    return HONE_OK;
}

/* ---- the configuration file ---- */

/* "name = value" cut in two; false where there is nothing on the line. */
static bool split_line(char *line, char **name, char **value)
{
    *name = words_trim(line);
    *value = strchr(*name, '=');
    if (**name == '\0' || **name == '#')
        return false;
    if (*value) {
        *(*value)++ = '\0';
        *value = words_trim(*value);
        *name = words_trim(*name);
    }
    return true;
}

static enum hone_status take_line(struct settings *s, const char *values[SETTING_N], char *line, int number,
                                  struct hone_error *err)
{
    char *name, *value;
    if (!split_line(line, &name, &value))
        return HONE_OK;
    if (!value)
        return fail(err, HONE_USAGE, "%s:%d: expected 'name = value'", s->config, number);
    if (strcmp(name, "model") == 0) {
        if (s->n_models == SETTINGS_MAX_MODELS)
            return fail(err, HONE_USAGE, "%s:%d: more than %d models", s->config, number,
                        SETTINGS_MAX_MODELS);
        s->model_lines[s->n_models] = number;
        s->models[s->n_models++] = value;
        return HONE_OK;
    }
    if (strcmp(name, "route") == 0) {
        if (s->n_routes == SETTINGS_MAX_ROUTES)
            return fail(err, HONE_USAGE, "%s:%d: more than %d routes", s->config, number,
                        SETTINGS_MAX_ROUTES);
        s->route_lines[s->n_routes] = number;
        s->routes[s->n_routes++] = value;
        return HONE_OK;
    }
    for (size_t i = 0; i < SETTING_N; i++)
        if (strcmp(rows[i].name, name) == 0 && i != SETTING_CONFIG) {
            if (values[i])
                return fail(err, HONE_USAGE, "%s:%d: line %d says %s already", s->config, number, s->lines[i],
                            name);
            values[i] = value;
            s->lines[i] = number;
            return HONE_OK;
        }
    return fail(err, HONE_USAGE, "%s:%d: there is no setting '%s'", s->config, number, name);
}

static enum hone_status read_file(struct settings *s, const char *values[SETTING_N], struct hone_error *err)
{
    enum hone_status status = file_read(&s->file, s->config, err);
    int number = 1;
    s->n_file_users = status == HONE_OK ? calloc(1, sizeof *s->n_file_users) : NULL;
    if (status == HONE_OK && !s->n_file_users)
        status = fail(err, HONE_FAILED, "out of memory for settings");
    if (s->n_file_users)
        *s->n_file_users = 1;
    for (char *line = s->file, *next; status == HONE_OK && line; line = next, number++) {
        next = strchr(line, '\n');
        if (next)
            *next++ = '\0';
        status = take_line(s, values, line, number, err);
    }
    return status;
}

/* ---- all together ---- */

/* HONE_MAX_QUEUE of "max-queue" */
static void environment_name(char out[64], const char *name)
{
    int n = snprintf(out, 64, "HONE_%s", name);
    for (int i = 0; i < n; i++)
        out[i] = out[i] == '-' ? '_' : (char)toupper((unsigned char)out[i]);
}

/* Variables that are no settings: what other parts of the program read, tests among them, and what Kubernetes puts in where
 * a service has the name hone. */
static bool is_other_variable(const char *name)
{
    static const char *const others[] = {"HONE_CACHE",  "HONE_CPU",  "HONE_OPENBLAS", "HONE_PYTHON",
                                         "HONE_SHARED", "HONE_SEED", "HONE_CI",       "HONE_SCHEMAS"};
    for (size_t i = 0; i < sizeof others / sizeof *others; i++)
        if (strcmp(name, others[i]) == 0)
            return true;
    return strncmp(name, "HONE_SERVICE_", 13) == 0 ||
           (strncmp(name, "HONE_PORT_", 10) == 0 && isdigit((unsigned char)name[10]));
}

static bool is_setting(const char *name)
{
    char known[64];
    for (size_t i = 0; i < SETTING_N; i++) {
        environment_name(known, rows[i].name);
        if (strcmp(name, known) == 0)
            return true;
    }
    return false;
}

bool settings_unknown_variable(size_t *i, char name[64])
{
    for (; environ[*i]; (*i)++) {
        size_t n = strcspn(environ[*i], "=");
        snprintf(name, 64, "%.*s", (int)(n < 64 ? n : 63), environ[*i]);
        if (strncmp(name, "HONE_", 5) == 0 && !is_setting(name) && !is_other_variable(name))
            return true;
    }
    return false;
}

/* A name that is misspelt would set nothing, and nobody would know. */
static enum hone_status check_environment(struct hone_error *err)
{
    char name[64];
    size_t i = 0;
    if (!settings_unknown_variable(&i, name))
        return HONE_OK;
    return fail(err, HONE_USAGE, "the environment has %s, but there is no such setting", name);
}

static enum hone_status set_first(struct settings *s, size_t i, const struct setting_flags *flags,
                                  const char *in_file, struct hone_error *err)
{
    char where[256], environment[64];
    environment_name(environment, rows[i].name);
    const char *in_environment = getenv(environment);
    const char *text = rows[i].fallback;
    snprintf(where, sizeof where, "--%s", rows[i].name);
    if (flags->values[i]) {
        text = flags->values[i];
    } else if (in_environment) {
        text = in_environment;
        snprintf(where, sizeof where, "%s", environment);
    } else if (in_file) {
        text = in_file;
        snprintf(where, sizeof where, "%.128s:%d: %s", s->config, s->lines[i], rows[i].name);
    } else if (profile_value(s->profile, (enum setting)i)) {
        text = profile_value(s->profile, (enum setting)i);
        s->is_of_profile[i] = true;
    }
    if (!in_file || text != in_file)
        s->lines[i] = 0;
    s->is_said[i] = text != rows[i].fallback && !s->is_of_profile[i];
    if (i == SETTING_CACHE_SIZE)
        s->has_cache_size = text != rows[i].fallback;
    if (i == SETTING_MEMORY && text)
        return read_size(&s->memory_bytes, text, where, err);
    return text ? set(s, &rows[i], text, where, err) : HONE_OK;
}

enum hone_status settings_read(struct settings *out, const struct setting_flags *flags,
                               struct hone_error *err)
{
    const char *in_file[SETTING_N] = {0};
    *out = (struct settings){0};
    enum hone_status status = check_environment(err);
    if (status == HONE_OK)
        status = set_first(out, SETTING_CONFIG, flags, NULL, err);
    if (status == HONE_OK && out->config)
        status = read_file(out, in_file, err);
    if (status == HONE_OK)
        status = set_first(out, SETTING_PROFILE, flags, in_file[SETTING_PROFILE], err);
    for (size_t i = 0; i < SETTING_N && status == HONE_OK; i++)
        if (i != SETTING_CONFIG && i != SETTING_PROFILE)
            status = set_first(out, i, flags, in_file[i], err);
    if (flags->n_models > 0) {
        memcpy(out->models, flags->models, sizeof out->models);
        memset(out->model_lines, 0, sizeof out->model_lines);
        out->n_models = flags->n_models;
    }
    out->strict = status == HONE_OK && strcmp(out->too_long, "refuse") == 0;
    return status == HONE_OK ? settings_check(out, err) : status;
}

void settings_share(struct settings *out, const struct settings *s)
{
    *out = *s;
    if (s->n_file_users)
        ++*s->n_file_users;
}

void settings_release(struct settings *s)
{
    if (!s->n_file_users ||
        --*s->n_file_users == 0) { /* without users a file that was read when memory ran out */
        free(s->file);
        free(s->n_file_users);
    }
    *s = (struct settings){0};
}
