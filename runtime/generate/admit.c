#include "runtime/base/assert.h"
#include "runtime/generate/state.h"

/* ---- room in the cache ---- */

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

/* ---- who becomes active ---- */

/* How many tokens the two begin with alike. */
static size_t n_common(const struct sequence *w, const struct sequence *other)
{
    size_t n = w->n < other->n ? w->n : other->n, i = 0;
    while (i < n && w->tokens[i] == other->tokens[i])
        i++;
    return i;
}

/* Whether w should wait for an active text that is about to compute a beginning they share: once that is in the cache, w need
 * not compute it again. Where the model has a recurrent state, the active text is told to keep the one at that place. */
static bool is_worth_waiting(const struct generator *gen, const struct sequence *w)
{
    struct kv_cache *kv = gen->model->stepper.kv;
    const struct sequence *first = NULL;
    size_t block_len = kv_shape_of(kv)->block_len, best = 0;
    if (sequence_scores(w))
        return false;
    for (size_t i = 0; i < gen->n && !gen->model->net.arch->has_decoder; i++) {
        const struct sequence *other = gen->sequences[i];
        bool finds = other->seq && sequence_salt(other) == sequence_salt(w);
        size_t n = finds ? n_common(w, other) : 0;
        n = (n < w->n ? n : w->n - 1) / block_len * block_len;
        if (n <= best || kv_seq_length(other->seq) >= n)
            continue;
        best = n;
        first = other;
    }
    if (best == 0 || best <= kv_known(kv, sequence_salt(w), w->tokens, w->n))
        return false;
    kv_seq_mark(kv, first->seq, best);
    return true;
}

/* Gives w a sequence that begins with what the cache knows of its tokens. False: the cache has no room for the others, with a
 * block to grow for each active text, and w waits without one; or it failed, and is over. */
static bool begin(struct generator *gen, struct sequence *w)
{
    struct kv_cache *kv = gen->model->stepper.kv;
    w->error.status = w->search ? search_begin(w->search, &w->error)
                                : kv_seq_new(kv, &w->seq, sequence_salt(w), w->tokens,
                                             sequence_scores(w) ? 0 : w->n, &w->error);
    w->is_over = w->error.status != HONE_OK;
    if (w->is_over)
        return false;
    gen->n_active++;
    size_t known = w->seq ? kv_seq_length(w->seq) : 0, n_blocks = sequence_n_blocks(w, w->n + 1 - known);
    if (generator_has_room(gen, n_blocks, gen->n_active - 1) || gen->n_active == 1) {
        if (w->seq && w->n == w->n_given && !gen->model->net.arch->has_decoder)
            w->g->n_cached = known;
        return true;
    }
    generator_retire(gen, w);
    return false;
}

/* Encodes the inputs of texts that come next: as many as may be active have their encoder output at hand. */
static void encode(struct generator *gen)
{
    struct sequence *list[MAX_ACTIVE];
    struct encoder_output *sources[MAX_ACTIVE];
    struct hone_error err;
    size_t n = 0, n_encoded = 0;
    for (size_t i = 0; i < gen->n; i++)
        n_encoded += gen->sequences[i]->source.kv != NULL;
    for (size_t i = 0; i < gen->n && n_encoded + n < MAX_ACTIVE; i++) {
        if (gen->sequences[i]->source.kv)
            continue;
        list[n] = gen->sequences[i];
        sources[n] = &list[n]->source;
        n++;
    }
    if (n > 0 && encoder_outputs_compute(&gen->model->stepper, sources, n, &err) != HONE_OK)
        for (size_t i = 0; i < n; i++)
            sequence_fail(list[i], &err);
}

/* How many sequences the active texts have at most: one each, or one a beam. */
static size_t n_seqs(const struct generator *gen)
{
    size_t n = 0;
    for (size_t i = 0; i < gen->n; i++)
        if (sequence_is_active(gen->sequences[i]))
            n += gen->sequences[i]->search ? search_n_beams(gen->sequences[i]->search) : 1;
    return n;
}

/* From a certain length on some models compute every token in another way (longer rotations, for example). A text that has grown
 * to it gives back its keys and values, and is read anew from its first token. */
static void read_anew(struct generator *gen)
{
    const struct net *net = &gen->model->net;
    for (size_t i = 0; i < gen->n && !net->arch->has_decoder; i++) {
        struct sequence *w = gen->sequences[i];
        uint64_t salt = step_salt(net, w->n);
        if (w->source.serial == salt || w->is_over)
            continue;
        w->source.serial = salt;
        generator_retire(gen, w);
    }
}

void generator_admit(struct generator *gen)
{
    read_anew(gen);
    if (gen->model->net.arch->has_decoder)
        encode(gen);
    for (size_t i = 0; i < gen->n && n_seqs(gen) < MAX_ACTIVE; i++) {
        struct sequence *w = gen->sequences[i];
        if (sequence_is_active(w) || w->is_over || is_worth_waiting(gen, w))
            continue;
        if (!begin(gen, w) && !w->is_over)
            break;
    }
}
