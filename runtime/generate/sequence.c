#include "runtime/generate/sequence.h"

#include "runtime/generate/sampling/logprobs.h"

#include <string.h>

bool sequence_has_rules(const struct sequence *w)
{
    return w->first >= 0 || token_rules_any(&w->vocabulary->rules);
}

struct rules_text sequence_rules_text(const struct sequence *w)
{
    return (struct rules_text){.n_given = w->n_given,
                               .max = w->max,
                               .source = w->source.ids,
                               .n_source = w->source.n,
                               .ends = w->vocabulary->ends,
                               .n_ends = w->vocabulary->n_ends,
                               .first = w->first};
}

/* The first result's are also told by themselves. */
static void show_result(struct hone_generation *g)
{
    const struct hone_generated *first = &g->results[0];
    g->out_ids = first->ids;
    g->n_out = first->n_ids;
    g->text = first->text;
    g->text_size = first->text_size;
    g->finish = first->finish;
}

static void tell(struct sequence *w, const struct hone_token *token, bool *go_on)
{
    if (w->g->on_token && !w->g->on_token(w->g->arg, token))
        *go_on = false;
}

static enum hone_status complete(struct sequence *w, enum hone_finish why, struct hone_text *rest,
                                 struct hone_error *err)
{
    enum hone_status status =
        result_end(&w->result, w->tokens + w->n_given, w->n - w->n_given, why, rest, err);
    w->is_over = true;
    if (status == HONE_OK)
        show_result(w->g);
    return status;
}

void sequence_fail(struct sequence *w, const struct hone_error *err)
{
    w->error = *err;
    w->is_over = true;
}

enum hone_status sequence_give_up(struct sequence *w, struct hone_error *err)
{
    struct hone_text rest;
    return w->is_over || w->g->beams ? HONE_OK : complete(w, HONE_FINISH_CANCELLED, &rest, err);
}

static enum hone_status end(struct sequence *w, enum hone_finish why, struct hone_error *err)
{
    struct hone_text rest;
    bool go_on;
    enum hone_status status = complete(w, why, &rest, err);
    if (status == HONE_OK)
        tell(w, &(struct hone_token){.id = -1, .text = rest}, &go_on);
    return status;
}

/* Whether the token ends the text. Where there is a grammar, it comes only where that may end. */
static bool ends(const struct sequence *w, int32_t id)
{
    bool is_text = (w->g->ignore_end || w->g->past_end) && !w->constraint;
    return !is_text && (vocabulary_is_end(w->vocabulary, id) || infill_is_end(&w->gap, id));
}

static enum hone_status find_logprobs(struct sequence *w, const float *logits, struct hone_token *token,
                                      struct sampler_scratch *scratch, struct hone_error *err)
{
    struct hone_generated *out = w->result.out;
    size_t i = w->n - w->n_given, n_top = w->g->n_logprobs;
    struct hone_logprob *top = out->top ? out->top + i * n_top : NULL; /* none were asked for */
    if (!w->g->logprobs)
        return HONE_OK;
    enum hone_status status =
        logprobs_of(logits, w->model->net.hp.n_vocab, token->id, top, n_top, &out->logprobs[i], scratch, err);
    token->logprob = out->logprobs[i];
    token->top = top;
    token->n_top = n_top;
    return status;
}

enum hone_status sequence_score(struct sequence *w, size_t at, const float *logits, size_t n,
                                struct sampler_scratch *scratch, struct hone_error *err)
{
    size_t n_vocab = w->model->net.hp.n_vocab, n_top = w->g->n_logprobs;
    enum hone_status status = HONE_OK;
    for (size_t i = at + 1; i <= at + n && i < w->n_given && status == HONE_OK; i++)
        status = logprobs_of(logits + (i - at - 1) * n_vocab, n_vocab, w->tokens[i],
                             w->g->prompt_top + i * n_top, n_top, &w->g->prompt_values[i], scratch, err);
    w->n_scored = at + n + 1;
    return status;
}

/* ---- thoughts ---- */

static bool begins_with(const struct result *r, const char *mark, bool *whole)
{
    size_t i = 0, n = strlen(mark);
    while (i < r->text_size && strchr(" \t\r\n", r->text[i]))
        i++;
    size_t size = r->text_size - i;
    *whole = size >= n;
    return size == 0 || memcmp(r->text + i, mark, size < n ? size : n) == 0;
}

/* After another token, which brought n bytes. */
static void think(struct sequence *w, size_t n)
{
    const struct hone_thinking *t = w->g->thinking;
    const struct result *r = &w->result;
    bool whole;
    if (w->thinking.state == THINKING_UNKNOWN && !begins_with(r, t->open, &whole))
        w->thinking.state = THINKING_OFF;
    else if (w->thinking.state == THINKING_UNKNOWN && whole)
        w->thinking.state = THINKING_ON;
    size_t mark = strlen(t->close), size = n + mark < r->text_size ? n + mark : r->text_size;
    bool is_closing = w->thinking.n_closed > 0; /* by tokens of which the mark may be but the first ones */
    if (w->thinking.state == THINKING_ON && !is_closing &&
        memmem(r->text + r->text_size - size, size, t->close, mark))
        w->thinking.state = THINKING_OFF;
}

/* Whether the end of thoughts is due: then *id is its next token. */
static bool must_close(struct sequence *w, int32_t *id)
{
    const struct hone_thinking *t = w->g->thinking;
    if (!t || w->thinking.state != THINKING_ON || w->n - w->n_given < t->max_tokens)
        return false;
    *id = t->close_ids[w->thinking.n_closed++];
    if (w->thinking.n_closed == t->n_close_ids)
        w->thinking.state = THINKING_OFF;
    return true;
}

/* The token that follows; its text and whether that is enough. */
static enum hone_status take(struct sequence *w, struct hone_token *token, struct hone_error *err)
{
    bool stopped, is_whole = false, go_on = true;
    w->tokens[w->n++] = token->id;
    enum hone_status status = result_push(&w->result, token->id, &token->text, &stopped, err);
    if (status == HONE_OK && w->g->thinking)
        think(w, token->text.size);
    if (status == HONE_OK && w->constraint)
        status = constraint_accept(w->constraint, token->id, &is_whole, err);
    if (status != HONE_OK)
        return status;
    tell(w, token, &go_on);
    if (!go_on)
        return end(w, HONE_FINISH_CANCELLED, err);
    if (stopped || is_whole)
        return end(w, HONE_FINISH_STOP, err);
    return w->n == w->max ? end(w, HONE_FINISH_LENGTH, err) : HONE_OK;
}

enum hone_status sequence_choose(struct sequence *w, const float *logits, struct sampler_scratch *scratch,
                                 int32_t *id, struct hone_error *err)
{
    struct sampler_input in = {.logits = logits, .tokens = w->tokens, .n_tokens = w->n};
    struct hone_token token = {0};
    enum hone_status status = w->constraint ? constraint_mask(w->constraint, &in.allowed, err) : HONE_OK;
    bool forced = status == HONE_OK && must_close(w, id);
    if (status == HONE_OK && !forced)
        status = sampler_sample(w->sampler, &in, scratch, id, err);
    if (status != HONE_OK)
        return status;
    if (!forced && ends(w, *id))
        return end(w, HONE_FINISH_STOP, err);
    token.id = *id;
    status = find_logprobs(w, logits, &token, scratch, err);
    return status == HONE_OK ? take(w, &token, err) : status;
}

/* ---- results of a search ---- */

enum hone_status sequence_add_result(struct sequence *w, const int32_t *ids, size_t n, float score,
                                     struct hone_error *err)
{
    struct hone_generation *g = w->g;
    struct hone_generated *out = &g->results[g->n_results++];
    bool is_first = g->n_results == 1, ends_itself = n > 0 && ends(w, ids[n - 1]), stopped = false,
         go_on = true;
    size_t i = 0;
    n -= ends_itself;
    struct hone_text text;
    enum hone_status status = result_init(&w->result, out, w->model->target_tokenizer, g, 0, err);
    for (; i < n && status == HONE_OK && go_on && !stopped; i++) {
        status = result_push(&w->result, ids[i], &text, &stopped, err);
        if (status == HONE_OK && is_first)
            tell(w, &(struct hone_token){.id = ids[i], .text = text}, &go_on);
    }
    enum hone_finish why = !go_on                   ? HONE_FINISH_CANCELLED
                           : stopped || ends_itself ? HONE_FINISH_STOP
                                                    : HONE_FINISH_LENGTH;
    if (status == HONE_OK)
        status = result_end(&w->result, ids, i, why, &text, err);
    out->score = score;
    if (status == HONE_OK && is_first) {
        show_result(g);
        tell(w, &(struct hone_token){.id = -1, .text = text}, &go_on);
    }
    result_release(&w->result); /* what is told last is its own */
    return status;
}
