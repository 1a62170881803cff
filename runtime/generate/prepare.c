/* sequence_new: what a text goes on with, and all that it asks for. */
#include "runtime/generate/infill.h"
#include "runtime/generate/search.h"
#include "runtime/generate/sequence.h"

#include <stdlib.h>
#include <string.h>

#define MAX_NEW 8192 /* tokens, where nothing is said */

/* ---- the prompt ---- */

static enum hone_status tokenize(const struct sequence *w, struct tok_encoding *e, struct hone_error *err)
{
    struct hone_error why = {0};
    struct tok_options options = {.add_special = !w->g->no_special};
    struct hone_text text = {w->g->prompt.data, w->g->prompt.size};
    if (tokenizer_encode(w->model->tokenizer, text, NULL, &options, e, &why))
        return HONE_OK;
    return hone_fail(err, why.status, "%s", why.message);
}

/* w->source_ids: those of a text with a gap. */
static enum hone_status read_gap(struct sequence *w, struct hone_error *err)
{
    const struct hone_generation *g = w->g;
    if (g->ids || g->beams || g->no_special)
        return hone_fail(err, HONE_USAGE,
                         "a gap is filled in a text, which is neither ids nor a chat, and without beams");
    if (!hone_model_infills(w->model) || !infill_find(&w->gap, w->model))
        return hone_fail(
            err, HONE_USAGE,
            "%s was not made to fill gaps in texts: its vocabulary has no marks for them, such as "
            "<|fim_prefix|>",
            w->model->path);
    enum hone_status status =
        infill_prompt(w->model, &w->gap, g->prompt, g->infill, &w->source_ids, &w->g->n_prompt, err);
    return status == HONE_OK
               ? step_check_ids(w->model->net.hp.n_input_vocab, w->source_ids, w->g->n_prompt, err)
               : status;
}

/* w->source_ids: the prompt's. */
static enum hone_status read_prompt(struct sequence *w, struct hone_error *err)
{
    if (w->g->infill)
        return read_gap(w, err);
    struct tok_encoding e = {0};
    const int32_t *ids = w->g->ids;
    enum hone_status status = ids ? HONE_OK : tokenize(w, &e, err);
    size_t n = w->g->n_prompt = ids ? w->g->n_ids : e.n;
    if (status == HONE_OK && n == 0)
        status = hone_fail(err, HONE_USAGE, "there is no token to begin with");
    if (status == HONE_OK && !(w->source_ids = malloc(n * sizeof *ids)))
        status = hone_no_memory(err, "tokens", n * sizeof *ids);
    if (status == HONE_OK) {
        memcpy(w->source_ids, ids ? ids : e.ids, n * sizeof *ids);
        status = step_check_ids(w->model->net.hp.n_input_vocab, w->source_ids, n, err);
    }
    tok_encoding_release(&e);
    return status;
}

/* Tokens that follow n given ones, where nobody says how many. */
static size_t usual_tokens(const struct sequence *w, size_t n)
{
    const struct vocabulary *v = w->vocabulary;
    if (v->max_new > 0)
        return v->max_new;
    return v->max_length > n ? v->max_length - n : MAX_NEW;
}

/* ---- languages ---- */

/* The token that the template has for the text's own language becomes that of g->from. */
static enum hone_status set_source_language(struct sequence *w, struct hone_error *err)
{
    const struct languages *l = &w->model->languages;
    size_t i, n = w->g->n_prompt;
    enum hone_status status = languages_find(l, w->g->from, true, w->model->path, &i, err);
    if (status != HONE_OK || l->source_at == SOURCE_NOWHERE || l->ids[i] < 0)
        return status;
    int32_t *token = n > 0 ? &w->source_ids[l->source_at == SOURCE_FIRST ? 0 : n - 1] : NULL;
    if (!token || !languages_has(l, *token))
        return hone_fail(err, HONE_USAGE,
                         "the prompt's ids have no token of a language, so none can be named for it");
    *token = l->ids[i];
    return HONE_OK;
}

/* g->to is what the text begins with, or the encoder's input. */
static enum hone_status set_target_language(struct sequence *w, struct hone_error *err)
{
    const struct languages *l = &w->model->languages;
    size_t i, n = w->g->n_prompt;
    enum hone_status status = languages_find(l, w->g->to, false, w->model->path, &i, err);
    if (status != HONE_OK || l->ids[i] < 0)
        return status;
    if (!l->before_source) {
        w->first = l->ids[i];
        return HONE_OK;
    }
    int32_t *grown = realloc(w->source_ids, (n + 1) * sizeof *grown);
    if (!grown)
        return hone_no_memory(err, "tokens", (n + 1) * sizeof *grown);
    w->source_ids = grown;
    memmove(grown + 1, grown, n * sizeof *grown);
    grown[0] = l->ids[i];
    w->g->n_prompt++;
    return HONE_OK;
}

/* What is gone on with: ids [n]. */
static enum hone_status begin_with(struct sequence *w, const int32_t *ids, size_t n, struct hone_error *err)
{
    size_t context = w->model->net.hp.max_length, room = step_cache_limit(&w->model->stepper);
    size_t n_new = w->g->max_tokens > 0 ? w->g->max_tokens : usual_tokens(w, n);
    if (n >= context)
        return hone_fail(err, HONE_REFUSED,
                         "a prompt of %zu tokens is longer than the model's context length of %zu (%s)", n,
                         context, w->model->path);
    w->max = n_new < context - n ? n + n_new : context;
    if (n >= room || (w->g->max_tokens > 0 && w->max > room))
        return hone_fail(err, HONE_REFUSED,
                         "a prompt of %zu tokens and %zu more, but the KV cache has room for %zu", n,
                         w->max - n, room);
    w->max = w->max < room ? w->max : room;
    w->n = w->n_given = n;
    w->tokens = malloc(w->max * sizeof *w->tokens);
    if (!w->tokens)
        return hone_no_memory(err, "tokens", w->max * sizeof *w->tokens);
    memcpy(w->tokens, ids, n * sizeof *ids);
    return HONE_OK;
}

/* The prompt is for the encoder, and the decoder begins with its start token and what it is forced to say. */
static enum hone_status prepare_source(struct sequence *w, struct hone_error *err)
{
    const struct hone_generation *g = w->g;
    int32_t start = w->model->net.hp.decoder_start;
    size_t skip = g->n_decoder_ids > 0 && g->decoder_ids[0] == start ? 1 : 0, n = g->n_decoder_ids - skip + 1;
    w->source = (struct encoder_output){.ids = w->source_ids, .n = g->n_prompt};
    const size_t longest = encoder_output_longest(&w->model->net);
    if (w->source.n > longest)
        return hone_fail(err, HONE_REFUSED, "a prompt of %zu tokens, but the encoder of %s reads at most %zu",
                         w->source.n, w->model->path, longest);
    enum hone_status status = step_check_ids(w->model->net.hp.n_vocab, g->decoder_ids, g->n_decoder_ids, err);
    int32_t *ids = status == HONE_OK ? malloc(n * sizeof *ids) : NULL;
    if (!ids)
        return status == HONE_OK ? hone_no_memory(err, "tokens", n * sizeof *ids) : status;
    ids[0] = start;
    for (size_t i = 1; i < n; i++)
        ids[i] = g->decoder_ids[i - 1 + skip];
    status = begin_with(w, ids, n, err);
    free(ids);
    return status;
}

/* Beams share their past, which would have to be read anew where it is computed in another way. */
static enum hone_status check_growth(const struct sequence *w, struct hone_error *err)
{
    const struct net *net = &w->model->net;
    if (!w->g->beams || net->arch->has_decoder || step_salt(net, w->n_given) == step_salt(net, w->max))
        return HONE_OK;
    return hone_fail(
        err, HONE_USAGE,
        "beams that grow beyond %zu tokens, where %s computes positions in another way, are not supported",
        net->hp.rope_scaling.short_length, w->model->path);
}

static enum hone_status prepare_tokens(struct sequence *w, struct hone_error *err)
{
    bool has_decoder = w->model->net.arch->has_decoder;
    if (w->g->n_decoder_ids > 0 && !has_decoder)
        return hone_fail(err, HONE_USAGE, "%s has no decoder of its own to begin with given tokens",
                         w->model->path);
    enum hone_status status = read_prompt(w, err);
    if (status == HONE_OK && w->g->from.size > 0)
        status = set_source_language(w, err);
    if (status == HONE_OK && w->g->to.size > 0)
        status = set_target_language(w, err);
    if (status != HONE_OK)
        return status;
    if (!has_decoder)
        w->source.serial = step_salt(&w->model->net, w->g->n_prompt);
    status = has_decoder ? prepare_source(w, err) : begin_with(w, w->source_ids, w->g->n_prompt, err);
    return status == HONE_OK ? check_growth(w, err) : status;
}

/* ---- how tokens are chosen ---- */

static enum hone_status new_sampler(struct sequence *w, const int32_t *breakers, size_t n_breakers,
                                    struct hone_error *err)
{
    const struct sampler_params p = {
        .sampling = w->g->sampling,
        .dry_breakers = breakers,
        .n_dry_breakers = n_breakers,
        .biases = w->g->biases,
        .n_biases = w->g->n_biases,
        /* The first is the model's own: this one is never chosen, others are text. */
        .end_ids = w->vocabulary->ends,
        .n_end_ids = w->vocabulary->has_eos ? 1 : 0,
        .ignore_end = w->g->ignore_end,
        .rules = sequence_has_rules(w) ? &w->vocabulary->rules : NULL,
        .text = sequence_rules_text(w),
    };
    return sampler_new(&w->sampler, &p, w->model->net.hp.n_vocab, err);
}

static enum hone_status prepare_sampler(struct sequence *w, struct vocabulary *v, struct hone_error *err)
{
    const struct hone_sampling *s = &w->g->sampling;
    int32_t *own = NULL;
    size_t n_own = 0;
    if (s->dry_multiplier == 0)
        return new_sampler(w, NULL, 0, err);
    enum hone_status status = vocabulary_find_breakers(v, &w->model->net, err);
    if (status == HONE_OK && s->dry_breakers)
        status = token_pieces_with(&v->pieces, s->dry_breakers, s->n_dry_breakers, &own, &n_own, err);
    if (status == HONE_OK)
        status = new_sampler(w, own ? own : v->breakers, own ? n_own : v->n_breakers, err);
    free(own);
    return status;
}

static enum hone_status check(const struct sequence *w, struct hone_error *err)
{
    const struct hone_generation *g = w->g;
    const struct token_rules *rules = &w->vocabulary->rules;
    if ((g->grammar || g->json_schema) && (rules->first >= 0 || rules->last >= 0))
        return hone_fail(err, HONE_USAGE,
                         "%s begins or ends its texts with tokens of its own, which no grammar has",
                         w->model->path);
    if (g->n_logprobs > HONE_MAX_LOGPROBS)
        return hone_fail(err, HONE_USAGE,
                         "log-probabilities of %zu tokens were asked for, expected at most %d", g->n_logprobs,
                         HONE_MAX_LOGPROBS);
    if (g->beams && (g->grammar || g->json_schema || g->logprobs || g->prompt_logprobs ||
                     (g->n_draft > 0 && g->n_draft != HONE_DRAFT_AUTO) || g->n_biases > 0))
        return hone_fail(err, HONE_USAGE,
                         "a beam search takes no grammar, biases or drafts, and tells no log-probabilities");
    const struct hone_thinking *t = g->thinking;
    if (t && (g->beams || g->grammar || g->json_schema))
        return hone_fail(err, HONE_USAGE, "thoughts are limited neither in a beam search nor with a grammar");
    if (t && (!t->open || !t->close || !*t->open || !*t->close || t->n_close_ids == 0))
        return hone_fail(err, HONE_USAGE, "thoughts that are limited need the marks around them");

    if (g->beams && g->beams->n_best > g->beams->n)
        return hone_fail(err, HONE_USAGE, "%zu results of %zu beams were asked for", g->beams->n_best,
                         g->beams->n);
    return HONE_OK;
}

/* Room for the log-probabilities of the prompt. */
static enum hone_status prepare_scores(struct sequence *w, struct hone_error *err)
{
    struct hone_generation *g = w->g;
    size_t n = g->n_prompt, n_top = g->n_logprobs;
    w->n_scored = w->n_given;
    if (!g->prompt_logprobs)
        return HONE_OK;
    if (w->model->net.arch->has_decoder)
        return hone_fail(err, HONE_USAGE, "%s has an encoder, which gives its prompt no log-probabilities",
                         w->model->path);
    g->prompt_ids = malloc(n * sizeof *g->prompt_ids);
    g->prompt_values = calloc(n, sizeof *g->prompt_values);
    g->prompt_top = calloc(n * n_top + 1, sizeof *g->prompt_top);
    if (!g->prompt_ids || !g->prompt_values || !g->prompt_top)
        return hone_no_memory(err, "log-probabilities", n * n_top * sizeof *g->prompt_top);
    memcpy(g->prompt_ids, w->tokens, n * sizeof *g->prompt_ids);
    for (size_t i = 0; i < n_top; i++)
        g->prompt_top[i].id = -1;
    w->n_scored = 1;
    return HONE_OK;
}

/* ---- lifetime ---- */

static void clear_results(struct hone_generation *g)
{
    g->results = NULL;
    g->out_ids = NULL;
    g->text = NULL;
    g->n_results = g->n_out = g->text_size = 0;
    g->n_prompt = g->n_cached = g->n_drafted = g->n_accepted = 0;
    g->finish = HONE_FINISH_NONE;
    g->notes = NULL;
    g->prompt_ids = NULL;
    g->prompt_values = NULL;
    g->prompt_top = NULL;
}

static enum hone_status prepare(struct sequence *w, struct vocabulary *v, struct compiled *compiled,
                                struct hone_error *err)
{
    struct hone_generation *g = w->g;
    size_t n_results = g->beams && g->beams->n_best > 1 ? g->beams->n_best : 1;
    enum hone_status status = check(w, err);
    if (status == HONE_OK)
        status = prepare_tokens(w, err);
    if (status == HONE_OK)
        status = prepare_scores(w, err);
    if (g->thinking && g->thinking->begun)
        w->thinking.state = THINKING_ON;
    if (status == HONE_OK && !(g->results = calloc(n_results, sizeof *g->results)))
        status = hone_no_memory(err, "results", n_results * sizeof *g->results);
    if (status != HONE_OK || g->beams)
        return status == HONE_OK ? search_new(&w->search, w, err) : status;
    if (compiled && compiled->notes && !(g->notes = strdup(compiled->notes)))
        return hone_no_memory(err, "a schema's notes", strlen(compiled->notes));
    status = prepare_sampler(w, v, err);
    if (status == HONE_OK)
        status = constraint_new(&w->constraint, v, &w->model->net, compiled, err);
    if (status == HONE_OK)
        status = drafter_new(&w->drafter, w->model, g, err);
    g->n_results = 1;
    return status == HONE_OK ? result_init(&w->result, &g->results[0], w->model->target_tokenizer, g,
                                           w->max - w->n_given, err)
                             : status;
}

enum hone_status sequence_new(struct sequence **out, struct hone_model *model, struct hone_generation *g,
                              struct compiled *compiled, struct hone_error *err)
{
    struct vocabulary *v;
    *out = NULL;
    clear_results(g);
    enum hone_status status = vocabulary_of(model, &v, err);
    if (status != HONE_OK)
        return status;
    struct sequence *w = calloc(1, sizeof *w);
    if (!w)
        return hone_no_memory(err, "a text", sizeof *w);
    w->g = g;
    w->model = model;
    w->vocabulary = v;
    w->first = -1;
    status = prepare(w, v, compiled, err);
    if (status == HONE_OK) {
        *out = w;
        return HONE_OK;
    }
    sequence_free(w);
    hone_generation_release(g);
    return status;
}

void sequence_free(struct sequence *w)
{
    if (!w)
        return;
    sampler_free(w->sampler);
    constraint_free(w->constraint);
    drafter_free(w->drafter);
    search_free(w->search);
    result_release(&w->result);
    encoder_output_release(&w->source);
    free(w->source_ids);
    free(w->tokens);
    free(w);
}
