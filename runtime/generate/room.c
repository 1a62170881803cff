#include "runtime/generate/state.h"

#include "runtime/base/assert.h"

bool sequence_is_active(const struct sequence *w)
{
    return w->seq || (w->search && search_is_active(w->search));
}

void generator_retire(struct generator *gen, struct sequence *w)
{
    ASSERT(!sequence_is_active(w) || gen->n_active > 0);
    gen->n_active -= sequence_is_active(w);
    kv_seq_free(gen->model->stepper.kv, w->seq);
    w->seq = NULL;
    if (w->search)
        search_retire(w->search);
}

bool generator_has_room(struct generator *gen, size_t n_blocks, size_t n_planned)
{
    struct hone_error ignored;
    struct kv_cache *kv = gen->model->stepper.kv;
    size_t need = n_blocks + n_planned, n_available = kv_n_available(kv);
    if (need <= n_available)
        return true;
    return step_cache_limit(&gen->model->stepper) == SIZE_MAX &&
           kv_grow(kv, kv_stats(kv).n_blocks + need - n_available, &ignored) == HONE_OK;
}

/* The last to come of those that are active; NULL: none came after `w`. */
static struct sequence *latest_after(const struct generator *gen, const struct sequence *w)
{
    for (size_t i = gen->n; i-- > 0 && gen->sequences[i] != w;)
        if (sequence_is_active(gen->sequences[i]))
            return gen->sequences[i];
    return NULL;
}

size_t sequence_n_blocks(const struct sequence *w, size_t n)
{
    return w->search ? search_n_blocks(w->search) : kv_n_needed(w->model->stepper.kv, w->seq, n);
}

bool generator_make_room(struct generator *gen, const struct sequence *w, size_t n, const struct plan *plan)
{
    for (;;) {
        struct sequence *other = latest_after(gen, w);
        if (generator_has_room(gen, sequence_n_blocks(w, n), plan->n_blocks))
            return true;
        if (!other)
            return false;
        generator_retire(gen, other);
        gen->n_preempted++;
    }
}
