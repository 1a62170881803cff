#include "server/model_settings.h"

#include "server/models.h"

#include <stdlib.h>
#include <string.h>

static int choice(const char *word, const char *const *words)
{
    for (int i = 0; words[i]; i++)
        if (strcmp(word, words[i]) == 0)
            return i;
    return 0;
}

struct hone_options model_settings_options(const struct settings *s, const struct model_options *o)
{
    static const char *const computes[] = {"auto", "f32", "int8", "bf16", "blas", NULL};
    static const char *const kvs[] = {"auto", "f32", "f16", "int8", NULL};
    return (struct hone_options){
        .n_threads = (int)s->threads,
        .compute = (enum hone_compute)choice(o->compute, computes),
        .kv = (enum hone_kv)choice(s->kv, kvs),
        .kv_tokens = o->kv_tokens,
        .max_length = o->max_length,
        .batch_tokens = s->batch_tokens,
        .no_cache = strcmp(s->weights_cache, "off") == 0,
    };
}

/* Three caches a model. Where nobody said how large, a small budget is not spent on them. */
#define CACHE_SHARE 64

static size_t cache_bytes(const struct settings *s, const struct model_options *o)
{
    size_t wanted = o->cache_size << 20, share = models_budget(s) / CACHE_SHARE;
    return o->has_cache_size || wanted < share ? wanted : share;
}

struct hone_scheduler_options model_settings_schedule(const struct settings *s, const struct model_options *o)
{
    struct hone_scheduler_options schedule = HONE_SCHEDULER_DEFAULTS;
    schedule.max_queue = o->max_queue;
    schedule.max_parallel = s->max_parallel;
    schedule.window_ms = s->window;
    bool both = strcmp(s->batching, "adaptive") == 0;
    schedule.adaptive_window = both || strcmp(s->batching, "adaptive-window") == 0;
    schedule.adaptive_batch = both || strcmp(s->batching, "adaptive-batch") == 0;
    schedule.low_window_ms = s->window_low;
    schedule.medium_window_ms = s->window_medium;
    schedule.high_window_ms = s->window_high;
    schedule.few_waiting = s->few_waiting;
    schedule.many_waiting = s->many_waiting;
    schedule.p99_goal_ms = s->p99_goal;
    schedule.tune = strcmp(s->batching, "tuned") == 0;
    schedule.n_tokenizers = (int)s->tokenizer_workers;
    for (size_t i = 0; i < HONE_N_CACHES; i++)
        schedule.cache_bytes[i] = cache_bytes(s, o);
    schedule.cache_seconds = s->cache_ttl;
    return schedule;
}

bool model_settings_same(const struct hone_options *a, const struct hone_options *b)
{
    return a->n_threads == b->n_threads && a->compute == b->compute && a->max_length == b->max_length &&
           a->batch_tokens == b->batch_tokens && a->kv == b->kv && a->kv_tokens == b->kv_tokens &&
           a->no_cache == b->no_cache;
}

bool model_settings_same_schedule(const struct hone_scheduler_options *a,
                                  const struct hone_scheduler_options *b)
{
    bool same_redis = a->redis && b->redis ? strcmp(a->redis, b->redis) == 0 : a->redis == b->redis;
    return a->max_queue == b->max_queue && a->max_parallel == b->max_parallel && same_redis &&
           a->redis_ms == b->redis_ms && a->window_ms == b->window_ms &&
           a->adaptive_window == b->adaptive_window && a->adaptive_batch == b->adaptive_batch &&
           a->low_window_ms == b->low_window_ms && a->medium_window_ms == b->medium_window_ms &&
           a->high_window_ms == b->high_window_ms && a->few_waiting == b->few_waiting &&
           a->many_waiting == b->many_waiting && a->p99_goal_ms == b->p99_goal_ms && a->tune == b->tune &&
           a->n_tokenizers == b->n_tokenizers && a->cache_bytes[0] == b->cache_bytes[0] &&
           a->cache_seconds == b->cache_seconds;
}

bool model_settings_split(const char *spec, char **name, char **path)
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
