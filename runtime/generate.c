/* hone_generate: sequences join and leave the batch at every step, prompts go through in pieces beside them. */
#include "runtime/beams.h"
#include "runtime/sampling/sampler.h"
#include "runtime/sampling/text_stream.h"
#include "runtime/step.h"

#include <stdlib.h>
#include <string.h>

#define MAX_ACTIVE 16    /* sequences at once */
#define MAX_ENDS   16    /* end tokens */
#define MAX_SOURCE 65536 /* tokens of an encoder's input */
#define MAX_NEW    8192  /* tokens, where nothing is said */

/* A text on its way. */
struct writer {
    struct hone_generation *g;
    struct kv_seq *seq; /* NULL: it has not begun, or is done */
    struct sampler *sampler;
    struct text_stream *stream;
    int32_t *tokens;      /* [max] what is gone on with, and what follows */
    size_t n, max;        /* tokens so far, and at most */
    size_t n_given;       /* of them not generated */
    size_t capacity;      /* of g->text */
    struct source source; /* the prompt, where an encoder reads it; */
    int32_t *source_ids;  /* [source.n] its tokens */
    bool done;
};

struct generator {
    struct hone_model *model;
    struct writer *writers;
    size_t n_writers, n_begun;
    struct writer *active[MAX_ACTIVE];
    size_t n_active;
    struct stepper stepper;
    struct sampler_scratch scratch;
    float *logits; /* [MAX_ACTIVE, n_vocab] */
    int32_t ends[MAX_ENDS];
    size_t n_ends;
    bool has_eos; /* the first is tokenizer.ggml.eos_token_id */
};

/* ---- end tokens ---- */

static void add_end(struct generator *gen, int32_t id)
{
    for (size_t i = 0; i < gen->n_ends; i++)
        if (gen->ends[i] == id)
            return;
    if (id >= 0 && (size_t)id < gen->model->model.hp.n_vocab && gen->n_ends < MAX_ENDS)
        gen->ends[gen->n_ends++] = id;
}

/* Those that the file names, and those that chat models end an answer with, by their names. */
static enum hone_status find_ends(struct generator *gen, struct hone_error *err)
{
    static const char *const keys[] = {"tokenizer.ggml.eos_token_id", "tokenizer.ggml.eot_token_id"};
    static const char *const names[] = {"<|eot_id|>",    "<|im_end|>",      "<end_of_turn>", "<|end|>",
                                        "<|endoftext|>", "<|end_of_text|>", "<|eom_id|>"};
    const struct model *m = &gen->model->model;
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) {
        size_t id = SIZE_MAX;
        enum hone_status status = gguf_get_size(m->gguf, keys[i], SIZE_MAX, &id, err);
        if (status != HONE_OK)
            return status;
        add_end(gen, id < INT32_MAX ? (int32_t)id : -1);
        gen->has_eos = gen->has_eos || (i == 0 && gen->n_ends > 0);
    }
    const struct gguf_value *more = gguf_find(m->gguf, "hone.end_token_ids");
    for (size_t i = 0; more && more->is_array && more->type == GGUF_U32 && i < more->n && i < MAX_ENDS; i++)
        add_end(gen, (int32_t)gguf_int_at(more, i));
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        add_end(gen, tokenizer_id(m->tokenizer, (struct tok_text){names[i], strlen(names[i])}));
    return HONE_OK;
}

static bool is_end(const struct generator *gen, int32_t id)
{
    for (size_t i = 0; i < gen->n_ends; i++)
        if (gen->ends[i] == id)
            return true;
    return false;
}

/* ---- beginning ---- */

static enum hone_status new_sampler(const struct generator *gen, struct writer *w, struct hone_error *err)
{
    const struct hone_sampling *s = &w->g->sampling;
    struct sampler_params p = SAMPLER_DEFAULTS;
    p.temperature = s->temperature;
    p.top_k = s->top_k;
    p.top_p = s->top_p;
    p.min_p = s->min_p;
    p.typical_p = s->typical_p;
    p.repetition_penalty = s->repetition_penalty;
    p.frequency_penalty = s->frequency_penalty;
    p.presence_penalty = s->presence_penalty;
    p.penalty_last_n = s->penalty_last_n;
    p.dry_multiplier = s->dry_multiplier;
    p.dry_base = s->dry_base;
    p.dry_allowed_length = s->dry_allowed_length;
    p.dry_last_n = s->dry_last_n;
    p.biases = w->g->biases;
    p.n_biases = w->g->n_biases;
    p.mirostat = s->mirostat;
    p.mirostat_tau = s->mirostat_tau;
    p.mirostat_eta = s->mirostat_eta;
    p.seed = s->seed;
    p.end_ids = gen->ends; /* the first is the model's own: this one is never chosen, others are text */
    p.n_end_ids = gen->has_eos ? 1 : 0;
    p.ignore_end = w->g->ignore_end;
    return sampler_new(&w->sampler, &p, gen->model->model.hp.n_vocab, err);
}

static enum hone_status tokenize(const struct generator *gen, struct writer *w, struct tok_encoding *e,
                                 struct hone_error *err)
{
    char why[256] = "";
    struct tok_options options = {.add_special = !w->g->no_special};
    struct tok_text text = {w->g->prompt.data, w->g->prompt.size};
    if (tokenizer_encode(gen->model->model.tokenizer, text, NULL, &options, e, why, sizeof why))
        return HONE_OK;
    return hone_fail(err, HONE_FAILED, "%s", why);
}

/* The prompt's ids, to be freed. */
static enum hone_status read_prompt(const struct generator *gen, struct writer *w, int32_t **out, size_t *n,
                                    struct hone_error *err)
{
    struct tok_encoding e = {0};
    const int32_t *ids = w->g->ids;
    enum hone_status status = ids ? HONE_OK : tokenize(gen, w, &e, err);
    *n = ids ? w->g->n_ids : e.n;
    *out = NULL;
    if (status == HONE_OK && *n == 0)
        status = hone_fail(err, HONE_USAGE, "there is no token to begin with");
    if (status == HONE_OK && !(*out = malloc(*n * sizeof **out)))
        status = hone_no_memory(err, "tokens", *n * sizeof **out);
    if (status == HONE_OK) {
        memcpy(*out, ids ? ids : e.ids, *n * sizeof **out);
        status = step_check_ids(gen->model, *out, *n, err);
    }
    tok_encoding_release(&e);
    return status;
}

/* What is gone on with: ids [n]. */
static enum hone_status begin_with(const struct generator *gen, struct writer *w, const int32_t *ids,
                                   size_t n, struct hone_error *err)
{
    size_t context = gen->model->model.hp.max_length;
    if (n >= context)
        return hone_fail(err, HONE_USAGE, "a prompt of %zu tokens, but the context of %s has %zu", n,
                         gen->model->path, context);
    size_t n_new = w->g->max_tokens > 0 ? w->g->max_tokens : MAX_NEW;
    w->max = n_new < context - n ? n + n_new : context;
    w->n = w->n_given = n;
    w->tokens = malloc(w->max * sizeof *w->tokens);
    if (!w->tokens)
        return hone_no_memory(err, "tokens", w->max * sizeof *w->tokens);
    memcpy(w->tokens, ids, n * sizeof *ids);
    return HONE_OK;
}

/* The prompt is for the encoder, and the decoder begins with its start token and what it is forced to say. */
static enum hone_status prepare_source(const struct generator *gen, struct writer *w, struct hone_error *err)
{
    const struct hone_generation *g = w->g;
    int32_t start = gen->model->model.hp.decoder_start;
    size_t skip = g->n_decoder_ids > 0 && g->decoder_ids[0] == start ? 1 : 0, n = g->n_decoder_ids - skip + 1;
    w->source = (struct source){.ids = w->source_ids, .n = w->g->n_prompt};
    if (w->source.n > MAX_SOURCE)
        return hone_fail(err, HONE_USAGE, "a prompt of %zu tokens, expected at most %d", w->source.n,
                         MAX_SOURCE);
    enum hone_status status = step_check_ids(gen->model, g->decoder_ids, g->n_decoder_ids, err);
    int32_t *ids = status == HONE_OK ? malloc(n * sizeof *ids) : NULL;
    if (!ids)
        return status == HONE_OK ? hone_no_memory(err, "tokens", n * sizeof *ids) : status;
    ids[0] = start;
    for (size_t i = 1; i < n; i++)
        ids[i] = g->decoder_ids[i - 1 + skip];
    status = begin_with(gen, w, ids, n, err);
    free(ids);
    return status;
}

static enum hone_status prepare_tokens(const struct generator *gen, struct writer *w, struct hone_error *err)
{
    bool has_decoder = gen->model->model.arch->has_decoder;
    if (w->g->n_decoder_ids > 0 && !has_decoder)
        return hone_fail(err, HONE_USAGE, "%s has no decoder of its own to begin with given tokens",
                         gen->model->path);
    enum hone_status status = read_prompt(gen, w, &w->source_ids, &w->g->n_prompt, err);
    if (status != HONE_OK)
        return status;
    return has_decoder ? prepare_source(gen, w, err) : begin_with(gen, w, w->source_ids, w->g->n_prompt, err);
}

static enum hone_status prepare(const struct generator *gen, struct writer *w, struct hone_error *err)
{
    struct hone_generation *g = w->g;
    g->results = NULL;
    g->out_ids = NULL;
    g->text = NULL;
    g->n_results = g->n_out = g->text_size = g->n_cached = g->n_drafted = g->n_accepted = 0;
    g->finish = HONE_FINISH_NONE;
    if (g->grammar || g->json_schema || g->logprobs || g->n_draft || (g->beams && g->beams->n_best > 1))
        return hone_fail(err, HONE_USAGE, "grammars, log-probabilities, drafts and n_best are not supported");
    g->results = calloc(1, sizeof *g->results);
    if (!g->results)
        return hone_no_memory(err, "a result", sizeof *g->results);
    g->n_results = 1;
    enum hone_status status = prepare_tokens(gen, w, err);
    if (status == HONE_OK)
        status = new_sampler(gen, w, err);
    if (status == HONE_OK)
        status =
            text_stream_new(&w->stream, gen->model->model.tokenizer, true, w->g->stops, w->g->n_stops, err);
    return status;
}

/* ---- what came ---- */

static enum hone_status append_text(struct writer *w, struct hone_text text, struct hone_error *err)
{
    struct hone_generated *g = &w->g->results[0];
    if (g->text_size + text.size + 1 > w->capacity) {
        size_t capacity = 2 * (g->text_size + text.size) + 64;
        char *grown = realloc(g->text, capacity);
        if (!grown)
            return hone_no_memory(err, "a text", capacity);
        g->text = grown;
        w->capacity = capacity;
    }
    if (text.size > 0)
        memcpy(g->text + g->text_size, text.data, text.size);
    g->text_size += text.size;
    g->text[g->text_size] = 0;
    return HONE_OK;
}

static enum hone_status finish(struct generator *gen, struct writer *w, enum hone_finish why,
                               struct hone_error *err)
{
    struct hone_generation *g = w->g;
    struct hone_text rest;
    bool stopped = false;
    enum hone_status status = text_stream_end(w->stream, &rest, &stopped, err);
    if (status == HONE_OK)
        status = append_text(w, rest, err);
    if (status == HONE_OK && g->on_token)
        g->on_token(g->arg, &(struct hone_token){.id = -1, .text = rest});
    struct hone_generated *out = &g->results[0];
    g->finish = out->finish = stopped ? HONE_FINISH_STOP : why;
    g->n_out = out->n_ids = w->n - w->n_given;
    g->out_ids = out->ids = malloc((g->n_out + 1) * sizeof *out->ids);
    g->text = out->text;
    g->text_size = out->text_size;
    if (!out->ids)
        return hone_no_memory(err, "tokens", g->n_out * sizeof *out->ids);
    memcpy(out->ids, w->tokens + w->n_given, g->n_out * sizeof *out->ids);
    kv_seq_free(gen->model->kv, w->seq);
    source_release(&w->source);
    w->seq = NULL;
    w->done = true;
    return status;
}

/* The token that follows. */
static enum hone_status take(struct generator *gen, struct writer *w, int32_t id, struct hone_error *err)
{
    struct hone_text text;
    bool stopped;
    if (is_end(gen, id) && !w->g->ignore_end && !w->g->past_end)
        return finish(gen, w, HONE_FINISH_STOP, err);
    w->tokens[w->n++] = id;
    enum hone_status status = text_stream_push(w->stream, id, &text, &stopped, err);
    if (status == HONE_OK)
        status = append_text(w, text, err);
    if (status != HONE_OK)
        return status;
    bool go_on = !w->g->on_token || w->g->on_token(w->g->arg, &(struct hone_token){.id = id, .text = text});
    if (!go_on || stopped || w->n == w->max)
        return finish(gen, w,
                      !go_on    ? HONE_FINISH_CANCELLED
                      : stopped ? HONE_FINISH_STOP
                                : HONE_FINISH_LENGTH,
                      err);
    return HONE_OK;
}

/* ---- steps ---- */

/* What the active texts from `first` on gave the encoder. */
static enum hone_status encode(struct generator *gen, size_t first, struct hone_error *err)
{
    struct source *sources[MAX_ACTIVE];
    size_t n = 0;
    for (size_t i = first; i < gen->n_active && gen->model->model.arch->has_decoder; i++)
        sources[n++] = &gen->active[i]->source;
    return n > 0 ? sources_encode(gen->model, sources, n, &gen->stepper.ws, err) : HONE_OK;
}

/* Those that have room begin. All that a text may need is counted, so that none has to stop for another. */
static enum hone_status admit(struct generator *gen, struct hone_error *err)
{
    struct kv_cache *kv = gen->model->kv;
    size_t promised = 0, first = gen->n_active;
    for (size_t i = 0; i < gen->n_active; i++)
        promised += kv_n_needed(kv, NULL, gen->active[i]->max);
    while (gen->n_begun < gen->n_writers && gen->n_active < MAX_ACTIVE) {
        struct writer *w = &gen->writers[gen->n_begun];
        if (w->done) {
            gen->n_begun++;
            continue;
        }
        promised += kv_n_needed(kv, NULL, w->max);
        if (promised > kv_stats(kv).n_blocks)
            break;
        gen->active[gen->n_active++] = w;
        gen->n_begun++;
    }
    enum hone_status status = encode(gen, first, err);
    for (size_t i = first; i < gen->n_active && status == HONE_OK; i++) {
        struct writer *w = gen->active[i];
        status = kv_seq_new(kv, &w->seq, w->source.serial, w->tokens, w->n, err);
        w->g->n_cached = status == HONE_OK ? kv_seq_length(w->seq) : 0;
    }
    return status;
}

/* What each active text brings to a step; which of them get logits. */
static size_t plan(const struct generator *gen, struct step_seq *steps, struct writer **next)
{
    size_t budget = STEP_TOKENS, n = 0;
    for (size_t i = 0; i < gen->n_active; i++) {
        struct writer *w = gen->active[i];
        size_t done = kv_seq_length(w->seq), left = w->n - done;
        size_t take_now = left <= budget ? left : left == 1 ? 1 : budget;
        if (take_now == 0)
            continue;
        budget -= take_now < budget ? take_now : budget;
        next[n] = w;
        steps[n] = (struct step_seq){.kv = w->seq,
                                     .ids = w->tokens + done,
                                     .n = take_now,
                                     .source = w->source.kv ? &w->source : NULL,
                                     .n_logits = take_now == left};
        n++;
    }
    return n;
}

static enum hone_status step(struct generator *gen, struct hone_stats *stats, struct hone_error *err)
{
    struct step_seq steps[MAX_ACTIVE];
    struct writer *next[MAX_ACTIVE];
    size_t n = plan(gen, steps, next), n_vocab = gen->model->model.hp.n_vocab;
    const float *logits = gen->logits;
    enum hone_status status = step_run(&gen->stepper, gen->model, gen->model->kv, steps, n, gen->logits, err);
    for (size_t i = 0; i < n && status == HONE_OK; i++) {
        int32_t id;
        stats->n_tokens += steps[i].n;
        if (steps[i].n_logits == 0)
            continue;
        struct sampler_input in = {.logits = logits, .tokens = next[i]->tokens, .n_tokens = next[i]->n};
        logits += n_vocab;
        status = sampler_sample(next[i]->sampler, &in, &gen->scratch, &id, err);
        if (status == HONE_OK)
            status = take(gen, next[i], id, err);
    }
    size_t left = 0;
    for (size_t i = 0; i < gen->n_active; i++)
        if (!gen->active[i]->done)
            gen->active[left++] = gen->active[i];
    gen->n_active = left;
    return status;
}

/* ---- beams ---- */

static enum hone_status search(struct generator *gen, struct writer *w, struct hone_error *err)
{
    struct source *source = gen->model->model.arch->has_decoder ? &w->source : NULL;
    bool ends = !w->g->past_end;
    struct beams_call call = {.model = gen->model,
                              .stepper = &gen->stepper,
                              .scratch = &gen->scratch,
                              .source = source,
                              .given = w->tokens,
                              .n_given = w->n_given,
                              .params = {.n_beams = w->g->beams->n,
                                         .max_length = w->max - w->n_given,
                                         .length_penalty = w->g->beams->length_penalty,
                                         .stop = w->g->beams->stop_early ? BEAM_STOP_FIRST : BEAM_STOP_LIKELY,
                                         .end_ids = gen->ends,
                                         .n_end_ids = ends ? gen->n_ends : 0,
                                         .ignore_end = w->g->ignore_end}};
    size_t n = 0;
    int32_t *ids = malloc(call.params.max_length * sizeof *ids);
    if (!ids)
        return hone_no_memory(err, "tokens", call.params.max_length * sizeof *ids);
    enum hone_status status =
        source ? sources_encode(gen->model, &source, 1, &gen->stepper.ws, err) : HONE_OK;
    if (status == HONE_OK)
        status = beams_run(&call, ids, &n, err);
    for (size_t i = 0; i < n && status == HONE_OK && !w->done; i++)
        status = take(gen, w, ids[i], err);
    if (status == HONE_OK && !w->done)
        status = finish(gen, w, HONE_FINISH_LENGTH, err);
    free(ids);
    return status;
}

/* The texts that are searched for, one after the other, before others begin. */
static enum hone_status search_all(struct generator *gen, struct hone_error *err)
{
    enum hone_status status = HONE_OK;
    for (size_t i = 0; i < gen->n_writers && status == HONE_OK; i++)
        if (gen->writers[i].g->beams)
            status = search(gen, &gen->writers[i], err);
    return status;
}

/* ---- all ---- */

static enum hone_status start(struct generator *gen, struct hone_generation *list, size_t n,
                              struct hone_error *err)
{
    size_t n_vocab = gen->model->model.hp.n_vocab, most[MAX_ACTIVE] = {0}, need = 0;
    gen->writers = calloc(n, sizeof *gen->writers);
    gen->logits = malloc(MAX_ACTIVE * n_vocab * sizeof *gen->logits);
    if (!gen->writers || !gen->logits)
        return hone_no_memory(err, "logits", MAX_ACTIVE * n_vocab * sizeof *gen->logits);
    gen->n_writers = n;
    enum hone_status status = find_ends(gen, err);
    for (size_t i = 0; i < n && status == HONE_OK; i++) {
        gen->writers[i].g = &list[i];
        status = prepare(gen, &gen->writers[i], err);
        most[i % MAX_ACTIVE] =
            gen->writers[i].max > most[i % MAX_ACTIVE] ? gen->writers[i].max : most[i % MAX_ACTIVE];
    }
    for (size_t i = 0; i < MAX_ACTIVE; i++)
        need += most[i];
    if (gen->model->options.kv_tokens > 0 && need > gen->model->options.kv_tokens) {
        need = 0; /* fewer at once */
        for (size_t i = 0; i < MAX_ACTIVE; i++)
            need = most[i] > need ? most[i] : need;
        return status == HONE_OK ? step_cache(gen->model, need, 1, err) : status;
    }
    return status == HONE_OK ? step_cache(gen->model, need, n < MAX_ACTIVE ? n : MAX_ACTIVE, err) : status;
}

static void release(struct generator *gen)
{
    for (size_t i = 0; i < gen->n_writers; i++) {
        struct writer *w = &gen->writers[i];
        if (w->seq)
            kv_seq_free(gen->model->kv, w->seq);
        sampler_free(w->sampler);
        text_stream_free(w->stream);
        source_release(&w->source);
        free(w->source_ids);
        free(w->tokens);
    }
    free(gen->writers);
    free(gen->logits);
    sampler_scratch_release(&gen->scratch);
    stepper_release(&gen->stepper);
}

enum hone_status hone_generate(struct hone_model *model, struct hone_generation *list, size_t n,
                               struct hone_stats *stats, struct hone_error *err)
{
    struct generator gen = {.model = model};
    struct hone_stats own = {0};
    enum hone_status status = step_check(model, err);
    if (status != HONE_OK || n == 0)
        return status;
    pthread_mutex_lock(&model->lock);
    status = start(&gen, list, n, err);
    if (status == HONE_OK)
        status = search_all(&gen, err);
    while (status == HONE_OK && (gen.n_active > 0 || gen.n_begun < n)) {
        status = admit(&gen, err);
        if (status == HONE_OK && gen.n_active > 0)
            status = step(&gen, &own, err);
    }
    release(&gen);
    pthread_mutex_unlock(&model->lock);
    if (stats) {
        stats->n_texts += n;
        stats->n_tokens += own.n_tokens;
    }
    return status;
}

void hone_generation_release(struct hone_generation *g)
{
    for (size_t i = 0; i < g->n_results; i++) {
        free(g->results[i].ids);
        free(g->results[i].text);
    }
    free(g->results);
    g->results = NULL;
    g->n_results = 0;
    g->out_ids = NULL;
    g->text = NULL;
}
