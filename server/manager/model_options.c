#include "server/manager/model_options.h"
#include "cli/choice.h"
#include "server/http/fail.h"
#include "server/manager/words.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

/* ---- one of them ---- */

struct options_reader {
    struct model_options *out;
    const char *where;
    struct hone_error *err;
};

static enum hone_status read_count(const struct options_reader *r, const char *name, const char *value,
                                   size_t *out)
{
    char *end;
    unsigned long n = strtoul(value, &end, 10);
    if (!isdigit((unsigned char)*value) || *end || n > INT32_MAX)
        return fail(r->err, HONE_USAGE, "%s: %s must be a whole number up to %d, not '%s'", r->where, name,
                    INT32_MAX, value);
    *out = n;
    return HONE_OK;
}

static enum hone_status read_choice(const struct options_reader *r, const char *name, const char *value,
                                    const char *choices, int *out)
{
    *out = 0;
    if (!choice_has(choices, value))
        return fail(r->err, HONE_USAGE, "%s: %s must be one of %s, not '%s'", r->where, name, choices, value);
    for (const char *c = choices; strncmp(c, value, strlen(value)) != 0 || !strchr("|", c[strlen(value)]);
         c = strchr(c, '|') + 1)
        ++*out;
    return HONE_OK;
}

static enum hone_status read_load(const struct options_reader *r, const char *name, const char *value)
{
    static const enum load_when whens[] = {LOAD_START, LOAD_BACKGROUND, LOAD_DEMAND};
    int i = 0;
    enum hone_status status = read_choice(r, name, value, "start|background|demand", &i);
    if (status == HONE_OK && i < 3)
        r->out->load = whens[i];
    return status;
}

static enum hone_status read_one(const struct options_reader *r, const char *name, const char *value)
{
    struct model_options *o = r->out;
    const struct {
        const char *name;
        size_t *out;
    } counts[] = {{"max-length", &o->max_length},
                  {"max-queue", &o->max_queue},
                  {"kv-tokens", &o->kv_tokens},
                  {"cache-size", &o->cache_size},
                  {"draft", &o->draft}};
    int i = 0;
    enum hone_status status;
    for (size_t k = 0; k < sizeof counts / sizeof *counts; k++)
        if (strcmp(name, counts[k].name) == 0) {
            o->has_cache_size |= counts[k].out == &o->cache_size;
            o->has_kv_tokens |= counts[k].out == &o->kv_tokens;
            o->has_max_length |= counts[k].out == &o->max_length;
            o->has_draft |= counts[k].out == &o->draft;
            return read_count(r, name, value, counts[k].out);
        }
    if (strcmp(name, "load") == 0)
        return read_load(r, name, value);
    if (strcmp(name, "keep") == 0) {
        status = read_choice(r, name, value, "false|true", &i);
        o->keep = i == 1;
        return status;
    }
    if (strcmp(name, "priority") == 0) {
        status = read_choice(r, name, value, "interactive|bulk", &i);
        o->bulk = i == 1;
        return status;
    }
    if (strcmp(name, "compute") == 0) {
        o->compute = value;
        return read_choice(r, name, value, "auto|f32|bf16|int8|blas", &i);
    }
    if (strcmp(name, "draft-model") == 0) {
        o->draft_model = *value ? value : NULL;
        o->has_draft_model = true;
        return *value ? HONE_OK : fail(r->err, HONE_USAGE, "%s: draft-model must not be empty", r->where);
    }
    if (strcmp(name, "fallback") == 0) {
        o->fallback = value;
        return HONE_OK;
    }
    return fail(r->err, HONE_USAGE, "%s: there is no setting '%s' of a model", r->where, name);
}

/* ---- all ---- */

const char *model_spec_options(const char *spec)
{
    for (const char *comma = strchr(spec, ','); comma; comma = strchr(comma + 1, ',')) {
        const char *p = comma + 1 + strspn(comma + 1, " \t");
        size_t n = strspn(p, "abcdefghijklmnopqrstuvwxyz-");
        if (n > 0 && p[n + strspn(p + n, " \t")] == '=')
            return comma;
    }
    return NULL;
}

static enum hone_status check(const struct options_reader *r)
{
    const struct model_options *o = r->out;
    if (o->keep && o->load == LOAD_DEMAND)
        return fail(r->err, HONE_USAGE, "%s: 'keep = true' and 'load = demand' contradict each other",
                    r->where);
    if (o->max_queue == 0)
        return fail(r->err, HONE_USAGE, "%s: max-queue must be 1 or more", r->where);
    return HONE_OK;
}

enum hone_status model_options_read(struct model_options *out, const char *spec, const char *where,
                                    const struct settings *s, struct hone_error *err)
{
    const struct options_reader r = {out, where, err};
    const char *options = model_spec_options(spec);
    *out = (struct model_options){.compute = s->compute,
                                  .max_length = s->max_length,
                                  .max_queue = s->max_queue,
                                  .kv_tokens = s->kv_tokens,
                                  .cache_size = s->cache_size,
                                  .has_cache_size = s->has_cache_size,
                                  .draft = s->draft,
                                  .has_draft = s->is_said[SETTING_DRAFT],
                                  .draft_model = s->draft_model};
    out->spec = strndup(spec, options ? (size_t)(options - spec) : strlen(spec));
    out->words = strdup(options ? options + 1 : "");
    if (!out->spec || !out->words)
        return fail(err, HONE_FAILED, "out of memory for model %s", spec);
    words_trim(out->spec);
    enum hone_status status = HONE_OK;
    struct words_said said = {.n = 0};
    char *rest;
    for (char *word = strtok_r(out->words, ",", &rest); word && status == HONE_OK;
         word = strtok_r(NULL, ",", &rest)) {
        char *value = strchr(word, '=');
        if (!value)
            return fail(err, HONE_USAGE, "%s: expected 'name = value', not '%s'", where, words_trim(word));
        *value++ = '\0';
        word = words_trim(word);
        status = read_one(&r, word, words_trim(value));
        if (status == HONE_OK && words_again(&said, word))
            return fail(err, HONE_USAGE, "%s: %s is said twice", where, word);
    }
    return status == HONE_OK ? check(&r) : status;
}

void model_options_release(struct model_options *o)
{
    free(o->spec);
    free(o->words);
    *o = (struct model_options){0};
}
