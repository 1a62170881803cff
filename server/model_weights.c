#include "server/model_weights.h"

#include "server/figures/log.h"
#include "server/http/fail.h"
#include "server/model_draft.h"
#include "server/model_warm.h"

#include <malloc.h>

/* Keys and values of a model whose settings do not say for how many tokens there is room: what 16 whole contexts take, half of
 * the room that is left, or one context of KV_LEAST tokens, whichever there is. Half, so that a model that comes later finds
 * something. */
#define KV_CONTEXTS 16
#define KV_LEAST    4096

size_t model_weights_kv_least(const struct served_model *m)
{
    size_t n = m->info->max_length < KV_LEAST ? m->info->max_length : KV_LEAST;
    return m->options.kv_tokens > 0 ? m->need.kv : n * m->need.kv_token;
}

static size_t choose_kv(const struct served_model *m, size_t room)
{
    size_t all = KV_CONTEXTS * m->info->max_length, fixed = m->managed.need - model_weights_kv_least(m);
    size_t half = m->need.kv_token > 0 && room > fixed ? (room - fixed) / 2 / m->need.kv_token : 0;
    size_t least = model_weights_kv_least(m) / m->need.kv_token, n = half < all ? half : all;
    return n > least ? n : least;
}

static void unload(struct managed *managed)
{
    struct served_model *m = (struct served_model *)managed;
    hone_scheduler_close(&m->scheduler);
    model_draft_close(m);
    hone_model_close(&m->model);
    malloc_trim(0); /* what malloc keeps would be missing to the next one */
    log_info("model '%s' was unloaded", m->name);
}

static enum hone_status open_weights(struct served_model *m, const struct hone_options *options,
                                     struct hone_error *err)
{
    struct model_files now;
    if (!model_draft_look(&now, m))
        return fail_errno(err, HONE_BAD_MODEL, "%s", m->path);
    if (now.print != m->files.print)
        return m->is_bad
                   ? fail(err, HONE_BAD_MODEL,
                          "%s: the file has changed, and could not be read anew; the log says why", m->path)
                   : fail(err, HONE_LATE, "%s: the file has changed, and is about to be read anew", m->path);
    enum hone_status status = hone_model_open(&m->model, m->path, options, err);
    if (status == HONE_OK)
        status = model_draft_open(m, options, err);
    if (status == HONE_OK)
        status = hone_scheduler_open(&m->scheduler, m->model, &m->schedule, err);
    return status;
}

static enum hone_status load(struct managed *managed, size_t room, size_t *held, struct hone_error *err)
{
    struct served_model *m = (struct served_model *)managed;
    struct hone_options options = m->options;
    options.like = m->light;
    if (m->need.kv_token > 0 && options.kv_tokens == 0)
        options.kv_tokens = choose_kv(m, room);
    enum hone_status status = open_weights(m, &options, err);
    if (status != HONE_OK) {
        hone_scheduler_close(&m->scheduler);
        model_draft_close(m);
        hone_model_close(&m->model);
        log_error("model '%s' could not be loaded: %s", m->name, err->message);
        return status;
    }
    if (m->need.kv_token > 0)
        *held = managed->need - model_weights_kv_least(m) + options.kv_tokens * m->need.kv_token;
    model_warm(m);
    log_info("model '%s': %s, computed in %s on %zu threads", m->name, m->path, m->info->compute,
             m->info->n_threads);
    return HONE_OK;
}

const struct manager_ops model_weights_ops = {load, unload};
