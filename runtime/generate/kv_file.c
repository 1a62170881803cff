/* hone_kv_save and hone_kv_load: what the cache knows of a text, as a file (kv/save.c has its form). */
#include "runtime/infer/model.h"

#include <hone/generate.h>
#include <string.h>
#include <sys/stat.h>
#include <xxhash.h>

#define SAMPLE_SIZE 256 /* bytes of a tensor that tell it from others, in */
#define N_SAMPLES   16  /* places */

static void add_tensor(XXH3_state_t *hash, const struct gguf_tensor *t)
{
    XXH3_64bits_update(hash, t->name, strlen(t->name) + 1);
    XXH3_64bits_update(hash, t->type->name, strlen(t->type->name) + 1);
    XXH3_64bits_update(hash, t->dims, sizeof t->dims);
    for (size_t i = 0; i < N_SAMPLES; i++) {
        uint64_t start = t->size / N_SAMPLES * i, left = t->size - start;
        XXH3_64bits_update(hash, (const char *)t->data + start, left < SAMPLE_SIZE ? left : SAMPLE_SIZE);
    }
}

/* Of models whose values differ it is different: weights, as far as samples tell, numbers, and how they are computed. */
static enum hone_status identify(const struct hone_model *model, uint64_t *out, struct hone_error *err)
{
    const struct gguf *g = model->net.gguf;
    XXH3_state_t *hash = XXH3_createState();
    if (!hash)
        return hone_no_memory(err, "a hash", sizeof *out);
    XXH3_64bits_reset(hash);
    XXH3_64bits_update(hash, model->info.compute, strlen(model->info.compute) + 1);
    XXH3_64bits_update(hash, model->info.cpu, strlen(model->info.cpu) + 1);
    for (size_t i = 0; i < gguf_n_keys(g); i++) {
        const struct gguf_value *v = gguf_value_at(g, i);
        XXH3_64bits_update(hash, gguf_key(g, i), strlen(gguf_key(g, i)) + 1);
        if (v->is_array)
            XXH3_64bits_update(hash, &v->n, sizeof v->n);
        else if (v->type == GGUF_STRING)
            XXH3_64bits_update(hash, v->strings[0].data, v->strings[0].size);
        else {
            double number = gguf_float_at(v, 0);
            XXH3_64bits_update(hash, &number, sizeof number);
        }
    }
    for (size_t i = 0; i < gguf_n_tensors(g); i++)
        add_tensor(hash, gguf_tensor_at(g, i));
    *out = XXH3_64bits_digest(hash);
    XXH3_freeState(hash);
    return HONE_OK;
}

static enum hone_status check(const struct hone_model *model, struct hone_error *err)
{
    enum hone_status status = model_check_generates(model, err);
    if (status == HONE_OK && model->net.arch->has_decoder)
        return hone_fail(err, HONE_USAGE, "%s has an encoder: what it knows of a text is not kept",
                         model->path);
    return status;
}

static enum hone_status save(struct hone_model *model, const int32_t *ids, size_t n, const char *path,
                             size_t *n_saved, struct hone_error *err)
{
    struct kv_seq *seq = NULL;
    uint64_t identity = 0;
    enum hone_status status = identify(model, &identity, err);
    if (status == HONE_OK)
        status = step_cache(&model->stepper, 0, 0, err);
    if (status == HONE_OK)
        status = kv_seq_new(model->stepper.kv, &seq, step_salt(&model->net, n), ids, n, err);
    if (status != HONE_OK)
        return status;
    status = kv_seq_save(model->stepper.kv, seq, identity, path, err);
    *n_saved = kv_seq_length(seq);
    kv_seq_free(model->stepper.kv, seq);
    return status;
}

enum hone_status hone_kv_save(struct hone_model *model, const int32_t *ids, size_t n, const char *path,
                              size_t *n_saved, struct hone_error *err)
{
    size_t ignored;
    enum hone_status status = check(model, err);
    if (status != HONE_OK)
        return status;
    pthread_mutex_lock(&model->lock);
    status = save(model, ids, n, path, n_saved ? n_saved : &ignored, err);
    pthread_mutex_unlock(&model->lock);
    return status;
}

/* Room for what a file of that size may hold. */
static enum hone_status reserve(struct hone_model *model, const char *path, struct hone_error *err)
{
    struct stat st;
    enum hone_status status = step_cache(&model->stepper, 0, 0, err);
    if (status != HONE_OK || stat(path, &st) != 0 || step_cache_limit(&model->stepper) != SIZE_MAX)
        return status;
    const struct kv_shape *shape = kv_shape_of(model->stepper.kv);
    size_t n = (size_t)st.st_size / kv_bytes(shape, 1) * shape->block_len;
    n = n < model->net.hp.max_length ? n : model->net.hp.max_length;
    return step_cache(&model->stepper, n, 1, err);
}

static enum hone_status load(struct hone_model *model, const char *path, size_t *n_loaded,
                             struct hone_error *err)
{
    struct kv_seq *seq;
    uint64_t identity = 0;
    enum hone_status status = identify(model, &identity, err);
    if (status == HONE_OK)
        status = reserve(model, path, err);
    if (status == HONE_OK)
        status = kv_seq_load(model->stepper.kv, &seq, identity, model->net.hp.n_vocab, path, err);
    if (status != HONE_OK)
        return status;
    *n_loaded = kv_seq_length(seq);
    kv_seq_free(model->stepper.kv, seq); /* its blocks stay known */
    return HONE_OK;
}

enum hone_status hone_kv_load(struct hone_model *model, const char *path, size_t *n_loaded,
                              struct hone_error *err)
{
    size_t ignored;
    enum hone_status status = check(model, err);
    if (status != HONE_OK)
        return status;
    pthread_mutex_lock(&model->lock);
    status = load(model, path, n_loaded ? n_loaded : &ignored, err);
    pthread_mutex_unlock(&model->lock);
    return status;
}
