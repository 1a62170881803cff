#include "server/models.h"
#include "runtime/base/text.h"
#include "server/http/fail.h"
#include "server/model_draft.h"
#include "server/model_least.h"
#include "server/model_settings.h"
#include "server/model_weights.h"
#include "server/settings_check.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* ---- naming ---- */

static void free_one(struct served_model *m)
{
    if (!m)
        return;
    hone_model_close(&m->light);
    breaker_release(&m->breaker);
    model_draft_release(m);
    free(m->name);
    free(m->path);
    free(m->redis);
    free(m);
}

static void close_one(struct manager *manager, struct served_model *m)
{
    if (--m->n_users > 0)
        return;
    manager_remove(manager, &m->managed);
    free_one(m);
}

static struct served_model *find_same(const struct models *old, const struct served_model *m)
{
    for (size_t i = 0; old && i < old->n; i++) {
        struct served_model *o = old->items[i];
        if (strcmp(o->name, m->name) == 0 && strcmp(o->path, m->path) == 0 &&
            o->files.print == m->files.print && model_settings_same(&o->options, &m->options) &&
            model_settings_same_schedule(&o->schedule, &m->schedule) && o->managed.when == m->managed.when &&
            o->managed.keep == m->managed.keep && o->managed.bulk == m->managed.bulk &&
            model_draft_same(o, m))
            return o;
    }
    return NULL;
}

static double megabytes(size_t n)
{
    return (double)n / 1e6;
}

/* The light handle, and what the model will need. */
static enum hone_status read_header(struct served_model *m, const struct model_options *o,
                                    struct hone_error *err)
{
    struct hone_options options = m->options;
    options.no_weights = true;
    enum hone_status status = hone_model_open(&m->light, m->path, &options, err);
    if (status == HONE_OK)
        status = hone_model_need(m->light, &m->need, err);
    if (status != HONE_OK)
        return status;
    m->info = hone_model_info(m->light);
    status = model_draft_read(m, o, err);
    if (status != HONE_OK)
        return status;
    const struct hone_need *n = &m->need;
    if (m->info->task == HONE_TASK_GENERATE)
        chat_form_find(m->light, m->light, &m->chat);
    size_t caches = 0;
    for (size_t i = 0; i < HONE_N_CACHES; i++)
        caches += m->schedule.cache_bytes[i];
    m->managed.light = n->vocabulary;
    m->managed.need = n->weights + n->tables + n->activations + caches + model_weights_kv_least(m);
    snprintf(m->sum, sizeof m->sum,
             "weights %.1f, tables %.1f, activations %.1f, keys and values %.1f, caches %.1f, beside a "
             "tokenizer of "
             "%.1f, which stays",
             megabytes(n->weights), megabytes(n->tables), megabytes(n->activations),
             megabytes(model_weights_kv_least(m)), megabytes(caches), megabytes(n->vocabulary));
    return HONE_OK;
}

static enum hone_status fill(struct served_model *m, const struct model_options *o, const char *where,
                             const struct settings *s, struct hone_error *err)
{
    m->options = model_settings_options(s, o);
    m->schedule = model_settings_schedule(s, o);
    m->schedule.redis_ms = s->redis_timeout;
    m->schedule.redis = m->redis = s->redis ? strdup(s->redis) : NULL;
    m->opened = time(NULL);
    if (!model_settings_split(o->spec, &m->name, &m->path) || (s->redis && !m->redis))
        return fail(err, HONE_FAILED, "out of memory for model %s", o->spec);
    if (!*m->name || !*m->path)
        return fail(err, HONE_USAGE, "%s: a model needs a path: '[NAME=]PATH', not '%s'", where, o->spec);
    m->managed.name = m->name;
    m->managed.sum = m->sum;
    m->managed.when = o->load;
    m->managed.keep = o->keep;
    m->managed.bulk = o->bulk;
    m->managed.most_waiting = o->max_queue;
    enum hone_status status = model_draft_name(m, o, where, err);
    if (status != HONE_OK)
        return status;
    return model_draft_look(&m->files, m) ? HONE_OK : fail_errno(err, HONE_BAD_MODEL, "%s", m->path);
}

static enum hone_status add_new(struct models *out, struct served_model *m, const struct model_options *o,
                                const char *where, const struct settings *s, struct hone_error *err)
{
    struct hone_error why;
    enum hone_status status = read_header(m, o, &why);
    if (status == HONE_OK && o->has_max_length && m->info->max_length > 0 &&
        o->max_length > m->info->max_length)
        return fail(err, HONE_USAGE, "%s: max-length is %zu, but '%s' takes %zu tokens at most", where,
                    o->max_length, m->name, m->info->max_length);
    if (status == HONE_OK && o->has_kv_tokens && m->need.kv_token == 0)
        return fail(err, HONE_USAGE, "%s: kv-tokens is of models that generate, and '%s' does not", where,
                    m->name);
    if (status == HONE_OK && model_least_check(m, o, where, s, err) != HONE_OK)
        return err->status;
    if (status == HONE_OK && manager_add(out->manager, &m->managed, &why) != HONE_OK)
        status = why.status = HONE_USAGE;
    if (status == HONE_USAGE)
        return fail(err, status, "%.256s: %.700s", where, why.message);
    *err = status == HONE_OK ? *err : why;
    return status;
}

static enum hone_status open_one(struct models *out, const struct model_options *o, const char *where,
                                 const struct settings *s, const struct models *old, struct hone_error *err)
{
    struct served_model *m = calloc(1, sizeof *m), *same = NULL;
    if (!m)
        return fail(err, HONE_FAILED, "out of memory for model %s", o->spec);
    breaker_init(&m->breaker);
    enum hone_status status = fill(m, o, where, s, err);
    if (status == HONE_OK && models_find(out, (struct hone_text){m->name, strlen(m->name)}, HONE_TASK_NONE))
        status = fail(err, HONE_USAGE, "%s: two models have the name '%s'", where, m->name);
    if (status == HONE_OK && !(same = find_same(old, m)))
        status = add_new(out, m, o, where, s, err);
    if (status != HONE_OK || same)
        free_one(m);
    if (status != HONE_OK)
        return status;
    m = same ? same : m;
    m->n_users++;
    breaker_configure(&m->breaker, &(struct breaker_options){s->breaker_failures, s->breaker_window,
                                                             s->breaker_pause, s->breaker_probes});
    out->items[out->n++] = m;
    return HONE_OK;
}

/* Who named model i: "hone.conf:3", or the command line. */
static void where_of(const struct settings *s, size_t i, char where[256])
{
    if (s->model_lines[i] > 0)
        snprintf(where, 256, "%.200s:%d", s->config, s->model_lines[i]);
    else
        snprintf(where, 256, "--model");
}

static enum hone_status open_next(struct models *out, size_t i, const struct settings *s,
                                  const struct models *old, struct hone_error *err)
{
    struct model_options o = {.load = LOAD_AS_FITS};
    char where[256];
    where_of(s, i, where);
    enum hone_status status = model_options_read(&o, s->models[i], where, s, err);
    if (status == HONE_OK)
        status = open_one(out, &o, where, s, old, err);
    model_options_release(&o);
    if (status != HONE_BAD_MODEL || s->model_lines[i] == 0)
        return status;
    struct hone_error why = *err;
    return fail(err, status, "%.256s: %.700s", where, why.message);
}

/* ---- who stands in for whom ---- */

static size_t index_of(const struct models *m, const struct served_model *model)
{
    size_t i = 0;
    while (i < m->n && m->items[i] != model)
        i++;
    return i;
}

struct served_model *models_fallback(const struct models *m, const struct served_model *model)
{
    size_t i = index_of(m, model);
    return i < m->n ? m->fallbacks[i] : NULL;
}

static enum hone_status set_fallback(struct models *m, size_t i, const char *name, const char *where,
                                     struct hone_error *err)
{
    struct served_model *model = m->items[i];
    struct served_model *other = models_find(m, (struct hone_text){name, strlen(name)}, HONE_TASK_NONE);
    if (!other || *name == '\0')
        return fail(err, HONE_USAGE, "%s: the fallback '%s' is no model here", where, name);
    if (other == model)
        return fail(err, HONE_USAGE, "%s: the model '%s' is its own fallback", where, name);
    if (!models_can(other, model->info->task) && !(models_only_rank(model) && models_can_rank(other)))
        return fail(err, HONE_USAGE, "%s: the fallback '%s' cannot do what the model '%s' does", where, name,
                    model->name);
    m->fallbacks[i] = other;
    for (const struct served_model *p = other; p; p = models_fallback(m, p))
        if (p == model)
            return fail(err, HONE_USAGE,
                        "%s: the fallback '%s' of the model '%s' leads back to it, in a circle", where, name,
                        model->name);
    return HONE_OK;
}

/* Once all models are known. */
static enum hone_status set_fallbacks(struct models *m, const struct settings *s, struct hone_error *err)
{
    enum hone_status status = HONE_OK;
    for (size_t i = 0; i < m->n && status == HONE_OK; i++) {
        struct model_options o = {.load = LOAD_AS_FITS};
        char where[256];
        where_of(s, i, where);
        status = model_options_read(&o, s->models[i], where, s, err);
        if (status == HONE_OK && o.fallback)
            status = set_fallback(m, i, o.fallback, where, err);
        model_options_release(&o);
    }
    return status;
}

/* What must be there together. To blame is the last one that must. */
static enum hone_status check_start(const struct models *m, const struct settings *s, size_t base,
                                    struct hone_error *err)
{
    size_t sum = base, budget = manager_budget(m->manager), n = 0;
    char where[256] = "";
    for (size_t i = 0; i < m->n; i++) {
        const struct managed *g = &m->items[i]->managed;
        bool must = g->when == LOAD_START || g->keep;
        n += must;
        sum += g->light + (must ? g->need : 0);
        if (must)
            where_of(s, i, where);
    }
    if (n == 0 || sum <= budget)
        return HONE_OK;
    return fail(
        err, HONE_USAGE,
        "%s: the %zu models that are to be loaded at the start, or kept, do not fit together: with all else "
        "they need %.1f MB, and there are %.1f MB of memory",
        where, n, megabytes(sum), megabytes(budget));
}

static enum hone_status take_manager(struct models *out, const struct models *old, size_t budget,
                                     struct hone_error *err)
{
    if (old) {
        out->manager = old->manager;
        out->n_sharing = old->n_sharing;
        ++*out->n_sharing;
        return HONE_OK;
    }
    out->n_sharing = calloc(1, sizeof *out->n_sharing);
    out->manager = manager_new(&model_weights_ops, &clock_monotonic, budget);
    if (!out->manager || !out->n_sharing) {
        manager_free(out->manager);
        free(out->n_sharing);
        out->manager = NULL;
        return fail(err, HONE_FAILED, "out of memory for models");
    }
    *out->n_sharing = 1;
    return manager_start(out->manager, err);
}

/* Those of the new settings are loaded before the old ones are let go. */
static enum hone_status settle(const struct models *m, struct hone_error *err)
{
    for (size_t i = 0; i < m->n; i++) {
        struct served_model *model = m->items[i];
        struct model_status status;
        if (model->managed.when >= LOAD_BACKGROUND || model->n_users > 1)
            continue;
        manager_settle(m->manager, &model->managed);
        manager_status(m->manager, &model->managed, &status);
        if (status.state == MODEL_FAILED) {
            *err = status.failure;
            return err->status;
        }
    }
    return HONE_OK;
}

/* What is left to the system, to other programs, and to what nobody counts. */
#define MACHINE_SHARE 0.9

size_t models_budget(const struct settings *s)
{
    return s->memory_bytes ? s->memory_bytes : (size_t)(MACHINE_SHARE * (double)hone_machine()->memory);
}

enum hone_status models_open(struct models *out, const struct settings *s, const struct models *old,
                             size_t base, struct hone_error *err)
{
    size_t budget = models_budget(s);
    *out = (struct models){.n = 0};
    enum hone_status status = settings_check_memory(s, base, budget, err);
    if (status == HONE_OK)
        status = take_manager(out, old, budget, err);
    size_t before = status == HONE_OK ? manager_budget(out->manager) : 0;
    if (status == HONE_OK) {
        manager_set_budget(out->manager, budget);
        manager_set_base(out->manager, base);
    }
    for (size_t i = 0; i < s->n_models && status == HONE_OK; i++)
        status = open_next(out, i, s, old, err);
    if (status == HONE_OK)
        status = set_fallbacks(out, s, err);
    if (status == HONE_OK)
        status = check_start(out, s, base, err);
    if (status == HONE_OK && old)
        status = settle(out, err);
    if (status != HONE_OK && out->manager) {
        manager_set_budget(out->manager, before);
        models_close(out);
    }
    return status;
}

void models_close(struct models *m)
{
    for (size_t i = 0; i < m->n; i++)
        close_one(m->manager, m->items[i]);
    m->n = 0;
    if (m->manager && --*m->n_sharing == 0) {
        manager_free(m->manager);
        free(m->n_sharing);
    }
    m->manager = NULL;
}

bool models_are_ready(const struct models *m)
{
    for (size_t i = 0; i < m->n; i++) {
        struct model_status status;
        manager_status(m->manager, &m->items[i]->managed, &status);
        bool pending = status.state != MODEL_UNLOADED || m->items[i]->managed.when == LOAD_START;
        if (m->items[i]->managed.when < LOAD_BACKGROUND && pending && !status.was_ready)
            return false;
    }
    return true;
}

static bool has_changed(struct models *models, struct served_model *m)
{
    struct model_files now;
    struct model_status status;
    manager_status(models->manager, &m->managed, &status);
    bool absent = status.state == MODEL_UNLOADED || status.state == MODEL_FAILED;
    if (!absent || !model_draft_look(&now, m) || now.print == m->files.print || now.print == m->tried)
        return false;
    bool settled = now.print == m->seen;
    m->seen = now.print;
    m->is_bad = false;
    if (settled)
        m->tried = now.print;
    return settled;
}

void models_stay(struct models *m)
{
    for (size_t i = 0; i < m->n; i++)
        m->items[i]->is_bad |= m->items[i]->tried != 0;
}

bool models_have_changed(struct models *m)
{
    bool some = false;
    for (size_t i = 0; i < m->n; i++)
        some |= has_changed(m, m->items[i]);
    return some;
}

bool models_have_failed(const struct models *m, struct hone_error *err)
{
    for (size_t i = 0; i < m->n; i++) {
        struct model_status status;
        manager_status(m->manager, &m->items[m->n - 1 - i]->managed, &status);
        if (status.state != MODEL_FAILED || status.was_ready)
            return false;
        *err = status.failure;
    }
    return true;
}

void models_sentence(const struct served_model *m, const struct hone_error *err, char *out, size_t size)
{
    const char *path = m ? m->path : "", *message = err->message;
    const char *at = *path ? strstr(message, path) : NULL;
    if (at)
        snprintf(out, size, "%.*s%s'%s'%s", (int)(at - message), message, at == message ? "the model " : "",
                 m->name, at + strlen(path));
    else
        snprintf(out, size, "%s", message);
}

void models_write_failure(struct reply_buffer *out, const struct served_model *m,
                          const struct hone_error *err)
{
    char sentence[sizeof err->message + 128];
    models_sentence(m, err, sentence, sizeof sentence);
    reply_buffer_json_string(out, sentence);
}

void models_stats(const struct models *m, struct served_model *model, struct hone_scheduler_stats *out)
{
    *out = (struct hone_scheduler_stats){0};
    if (!manager_hold_if_ready(m->manager, &model->managed))
        return;
    hone_scheduler_stats(model->scheduler, out);
    manager_let_go(m->manager, &model->managed);
}

bool models_can(const struct served_model *m, enum hone_task task)
{
    return task == HONE_TASK_NONE || m->info->task == task ||
           (task == HONE_TASK_EMBED && m->info->task == HONE_TASK_GENERATE);
}

bool models_only_rank(const struct served_model *m)
{
    return m->info->n_labels == 1 || m->info->task == HONE_TASK_RERANK;
}

bool models_can_rank(const struct served_model *m)
{
    return models_only_rank(m) || models_can(m, HONE_TASK_EMBED);
}

static struct served_model *find_name(const struct models *m, struct hone_text name)
{
    for (size_t i = 0; i < m->n; i++)
        if (text_is(name, m->items[i]->name))
            return m->items[i];
    return NULL;
}

struct served_model *models_find(const struct models *m, struct hone_text name, enum hone_task task)
{
    if (name.size > 0)
        return find_name(m, name);
    for (size_t i = 0; i < m->n; i++)
        if (task == HONE_TASK_NONE || m->items[i]->info->task == task)
            return m->items[i];
    for (size_t i = 0; i < m->n; i++)
        if (models_can(m->items[i], task))
            return m->items[i];
    return NULL;
}
