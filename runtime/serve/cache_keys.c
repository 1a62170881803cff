/* The keys of cached values. */
#include "runtime/base/hash.h"
#include "runtime/base/thread_pool.h"
#include "runtime/infer/routes.h"
#include "runtime/serve/caches.h"

#include <stdlib.h>
#include <string.h>

/* The secrets of the process were made by caches_init. */
static struct cache_key hash(const void *data, size_t size)
{
    struct hash128 h = keyed_hash(hash_secret_of_process(0), data, size);
    return (struct cache_key){h.low, h.high, keyed_checksum(hash_secret_of_process(1), data, size), size};
}

/* All that a value depends on beside its texts and the model, as bits. */
static uint64_t form_of(const struct cached_input *input)
{
    const struct inputs *in = input->in;
    return (uint64_t)input->are_ids | (uint64_t)in->no_special << 1 | (uint64_t)(in->second != NULL) << 2 |
           (uint64_t)(in->prompt != NULL) << 3 | (uint64_t)in->cut << 4 | (uint64_t)in->truncation << 6 |
           (uint64_t)in->route << 8 | (uint64_t)in->task << 32;
}

struct cache_key caches_token_key(const struct cached_input *input)
{
    const char *prompt = input->in->prompt ? input->in->prompt : "";
    struct {
        struct cache_key prompt, first, second;
        uint64_t max_length, form, partition;
    } parts = {
        .prompt = hash(prompt, strlen(prompt)),
        .first = hash(input->first.data, input->first.size),
        .second = hash(input->second.data, input->second.size),
        .max_length = input->in->max_length,
        .form = form_of(input),
        .partition = input->partition,
    };
    struct cache_key key = hash(&parts, sizeof parts);
    key.size = parts.prompt.size + parts.first.size + parts.second.size;
    return key;
}

struct row_key caches_row_key(const struct caches *c, const struct request *request,
                              const struct cached_input *input)
{
    const char *prompt = input->in->prompt ? input->in->prompt : "";
    struct {
        struct cache_key tokens;
        uint64_t numbers[10];
    } parts = {caches_token_key(input),
               {input->in->max_length, form_of(input), request->output, request->raw, request->pooling,
                request->normalize, request->n_dims, request->n_skipped, request->n_normalized,
                input->partition}};
    struct row_key key = {.here = hash(&parts, sizeof parts)};
    key.here.size = parts.tokens.size;
    if (!c->redis)
        return key;
    const struct hone_text all[] = {{(const char *)c->model.bytes, sizeof c->model.bytes},
                                    {(const char *)parts.numbers, sizeof parts.numbers},
                                    {prompt, strlen(prompt)},
                                    input->first,
                                    input->second};
    key.shared = shared_key_of(all, sizeof all / sizeof *all);
    return key;
}

/* Keys of a model's parts, one behind the other. */
struct digests {
    const struct gguf *g;
    struct shared_key *keys; /* [n_keys + n_tensors + 1] */
};

static struct shared_key key_of_value(const char *name, const struct gguf_value *v)
{
    const struct hone_text named[] = {{name, strlen(name)}, {(const char *)&v->type, sizeof v->type}};
    struct shared_key key = shared_key_of(named, 2);
    bool is_text = v->type == GGUF_STRING;
    const struct shared_key texts = is_text ? shared_key_of(v->strings, v->n) : key;
    struct hone_text value = {(const char *)texts.bytes, sizeof texts.bytes};
    if (!is_text)
        value = (struct hone_text){v->data, v->n * gguf_type_size(v->type)};
    const struct hone_text both[] = {{(const char *)key.bytes, sizeof key.bytes}, value};
    return shared_key_of(both, 2);
}

static void digest_parts(const void *arg, struct work_range range)
{
    const struct digests *d = arg;
    size_t n_keys = gguf_n_keys(d->g);
    for (size_t i = range.first; i < range.end; i++) {
        if (i < n_keys) {
            d->keys[i] = key_of_value(gguf_key(d->g, i), gguf_value_at(d->g, i));
            continue;
        }
        const struct gguf_tensor *t = gguf_tensor_at(d->g, i - n_keys);
        const uint32_t type = (uint32_t)t->type->id;
        const struct hone_text parts[] = {{t->name, strlen(t->name)},
                                          {(const char *)&type, sizeof type},
                                          {(const char *)t->dims, sizeof t->dims},
                                          {t->data, t->size}};
        d->keys[i] = shared_key_of(parts, sizeof parts / sizeof *parts);
    }
}

bool caches_digest_model(struct shared_key *out, const struct hone_model *model)
{
    const struct gguf *g = routes_file(model);
    const size_t n = gguf_n_keys(g) + gguf_n_tensors(g);
    struct shared_key *keys = calloc(n + 1, sizeof *keys);
    if (!keys)
        return false;
    thread_pool_run(model->options.n_threads, n, 0, digest_parts, &(struct digests){g, keys});
    const struct hone_text all[] = {{model->info.compute, strlen(model->info.compute)},
                                    {model->info.cpu, strlen(model->info.cpu)},
                                    {(const char *)keys, n * sizeof *keys}};
    *out = shared_key_of(all, sizeof all / sizeof *all);
    free(keys);
    return true;
}
