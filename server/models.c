#include "server/models.h"
#include "server/figures/log.h"
#include "server/http/fail.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

static int choice(const char *word, const char *const *words)
{
    for (int i = 0; words[i]; i++)
        if (strcmp(word, words[i]) == 0)
            return i;
    return 0;
}

static struct hone_options options_of(const struct settings *s)
{
    static const char *const computes[] = {"auto", "f32", "int8", "bf16", "blas", NULL};
    static const char *const kvs[] = {"auto", "f32", "f16", "int8", NULL};
    return (struct hone_options){
        .n_threads = (int)s->threads,
        .compute = (enum hone_compute)choice(s->compute, computes),
        .kv = (enum hone_kv)choice(s->kv, kvs),
        .kv_tokens = s->kv_tokens,
        .max_length = s->max_length,
        .batch_tokens = s->batch_tokens,
        .no_cache = strcmp(s->weights_cache, "off") == 0,
    };
}

static struct hone_scheduler_options schedule_of(const struct settings *s)
{
    struct hone_scheduler_options schedule = HONE_SCHEDULER_DEFAULTS;
    schedule.max_queue = s->max_queue;
    schedule.max_parallel = s->max_parallel;
    schedule.window_ms = s->window;
    schedule.adaptive_window = schedule.adaptive_batch = strcmp(s->batching, "adaptive") == 0;
    schedule.tune = strcmp(s->batching, "tuned") == 0;
    schedule.n_tokenizers = (int)s->tokenizer_workers;
    for (size_t i = 0; i < HONE_N_CACHES; i++)
        schedule.cache_bytes[i] = s->cache_size << 20;
    schedule.cache_seconds = s->cache_ttl;
    return schedule;
}

static bool same_options(const struct hone_options *a, const struct hone_options *b)
{
    return a->n_threads == b->n_threads && a->compute == b->compute && a->max_length == b->max_length &&
           a->batch_tokens == b->batch_tokens && a->kv == b->kv && a->kv_tokens == b->kv_tokens &&
           a->no_cache == b->no_cache;
}

static bool same_schedule(const struct hone_scheduler_options *a, const struct hone_scheduler_options *b)
{
    bool same_redis = a->redis && b->redis ? strcmp(a->redis, b->redis) == 0 : a->redis == b->redis;
    return a->max_queue == b->max_queue && a->max_parallel == b->max_parallel && same_redis &&
           a->window_ms == b->window_ms && a->adaptive_window == b->adaptive_window && a->tune == b->tune &&
           a->n_tokenizers == b->n_tokenizers && a->cache_bytes[0] == b->cache_bytes[0] &&
           a->cache_seconds == b->cache_seconds;
}

static bool same_file(const struct stat *a, const struct stat *b)
{
    return a->st_dev == b->st_dev && a->st_ino == b->st_ino && a->st_size == b->st_size &&
           a->st_mtim.tv_sec == b->st_mtim.tv_sec && a->st_mtim.tv_nsec == b->st_mtim.tv_nsec;
}

/* "NAME=PATH", or a path whose last part, without .gguf, is the name. */
static bool split_spec(const char *spec, char **name, char **path)
{
    const char *equals = strchr(spec, '='), *slash = strchr(spec, '/');
    if (equals && equals > spec && (!slash || equals < slash)) {
        *name = strndup(spec, (size_t)(equals - spec));
        *path = strdup(equals + 1);
        return *name && *path;
    }
    size_t end = strlen(spec);
    while (end > 1 && spec[end - 1] == '/')
        end--;
    size_t start = end;
    while (start > 0 && spec[start - 1] != '/')
        start--;
    size_t n = end - start;
    if (n > 5 && strncmp(spec + end - 5, ".gguf", 5) == 0)
        n -= 5;
    *name = strndup(spec + start, n);
    *path = strdup(spec);
    return *name && *path;
}

static void close_one(struct served_model *m)
{
    if (!m || (m->n_users > 0 && --m->n_users > 0))
        return;
    hone_scheduler_close(&m->scheduler);
    hone_model_close(&m->vocab);
    hone_model_close(&m->model);
    free(m->name);
    free(m->path);
    free(m->redis);
    free(m);
}

/* One pass that nobody waits for and nobody counts. The first one maps weights and memory: it takes several times as long as
 * the next, and what is foretold from it (Retry-After) is as wrong. A failure shows again with the first request. */
static void warm(struct hone_model *model)
{
    static const struct hone_text text = {"The quick brown fox jumps over the lazy dog, and comes back.", 60};
    struct hone_generation g = HONE_GENERATION_DEFAULTS;
    const struct hone_model_info *info = hone_model_info(model);
    struct hone_run_options how = HONE_RUN_DEFAULTS;
    float *rows = NULL, *scores = calloc(info->n_labels + 1, sizeof *scores);
    size_t *starts = NULL;
    g.prompt = text;
    g.max_tokens = 1;
    if (info->task == HONE_TASK_GENERATE)
        hone_generate(model, &g, 1, NULL, NULL);
    else if (info->task == HONE_TASK_CLASSIFY && scores)
        hone_classify(model, &text, NULL, 1, &how, scores, NULL, NULL);
    else if (info->task == HONE_TASK_CLASSIFY_TOKENS)
        hone_classify_tokens(model, &text, 1, &how, &rows, &starts, NULL, NULL);
    else if (info->task == HONE_TASK_EMBED)
        hone_embed_tokens(model, &text, 1, &how, &rows, &starts, NULL, NULL);
    hone_generation_release(&g);
    hone_free(rows);
    hone_free(starts);
    free(scores);
}

static enum hone_status load(struct served_model *m, struct hone_error *err)
{
    struct hone_options vocab = {.vocab_only = true, .n_threads = 1};
    enum hone_status status = hone_model_open(&m->model, m->path, &m->options, err);
    if (status == HONE_OK)
        status = hone_model_open(&m->vocab, m->path, &vocab, err);
    if (status == HONE_OK)
        status = hone_scheduler_open(&m->scheduler, m->model, &m->schedule, err);
    if (status != HONE_OK)
        return status;
    m->info = hone_model_info(m->model);
    if (m->info->task == HONE_TASK_GENERATE)
        chat_form_find(m->model, m->vocab, &m->chat);
    warm(m->model);
    return HONE_OK;
}

static struct served_model *find_same(const struct models *old, const struct served_model *m)
{
    for (size_t i = 0; old && i < old->n; i++) {
        struct served_model *o = old->items[i];
        if (strcmp(o->name, m->name) == 0 && strcmp(o->path, m->path) == 0 && same_file(&o->file, &m->file) &&
            same_options(&o->options, &m->options) && same_schedule(&o->schedule, &m->schedule))
            return o;
    }
    return NULL;
}

static enum hone_status open_one(struct models *out, const char *spec, const struct settings *s,
                                 const struct models *old, struct hone_error *err)
{
    struct served_model *m = calloc(1, sizeof *m);
    if (!m || !split_spec(spec, &m->name, &m->path)) {
        close_one(m);
        return fail(err, HONE_FAILED, "out of memory for model %s", spec);
    }
    m->options = options_of(s);
    m->schedule = schedule_of(s);
    m->schedule.redis = m->redis = s->redis ? strdup(s->redis) : NULL;
    m->opened = time(NULL);
    enum hone_status status = HONE_OK;
    struct served_model *same = NULL;
    if (models_find(out, (struct hone_text){m->name, strlen(m->name)}, HONE_TASK_NONE))
        status = fail(err, HONE_USAGE, "two models have the name '%s'", m->name);
    else if (stat(m->path, &m->file) != 0)
        status = fail_errno(err, HONE_BAD_MODEL, "%s", m->path);
    else if (!(same = find_same(old, m)))
        status = load(m, err);
    if (status != HONE_OK || same)
        close_one(m);
    if (status != HONE_OK)
        return status;
    m = same ? same : m;
    m->n_users++;
    out->items[out->n++] = m;
    if (!same)
        log_info("model '%s': %s, computed in %s on %zu threads", m->name, m->path, m->info->compute,
                 m->info->n_threads);
    return HONE_OK;
}

enum hone_status models_open(struct models *out, const struct settings *s, const struct models *old,
                             struct hone_error *err)
{
    enum hone_status status = HONE_OK;
    *out = (struct models){.n = 0};
    for (size_t i = 0; i < s->n_models && status == HONE_OK; i++)
        status = open_one(out, s->models[i], s, old, err);
    if (status != HONE_OK)
        models_close(out);
    return status;
}

void models_close(struct models *m)
{
    for (size_t i = 0; i < m->n; i++)
        close_one(m->items[i]);
    m->n = 0;
}

bool models_can(const struct served_model *m, enum hone_task task)
{
    return task == HONE_TASK_NONE || m->info->task == task ||
           (task == HONE_TASK_EMBED && m->info->task == HONE_TASK_GENERATE);
}

static struct served_model *find_name(const struct models *m, struct hone_text name)
{
    for (size_t i = 0; i < m->n; i++)
        if (strlen(m->items[i]->name) == name.size && memcmp(m->items[i]->name, name.data, name.size) == 0)
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
