/* POST /v1/completions: platform.openai.com/docs/api-reference/completions */
#include "server/endpoints/endpoints.h"
#include "server/generate/openai.h"
#include "server/service.h"

#include <math.h>
#include <stdlib.h>

static const char object[] = "text_completion";

struct completions {
    struct choices choices;
    bool usage, echo;
};

/* ---- log-probabilities ---- */

static size_t count_characters(struct reply_buffer *out, const struct choices *c, int32_t id)
{
    size_t size, n = 0;
    char *text = choices_spell(c, id, &size);
    out->failed |= !text;
    for (size_t i = 0; i < size; i++)
        n += ((unsigned char)text[i] & 0xc0) != 0x80;
    free(text);
    return n;
}

static void write_token(struct reply_buffer *out, const struct choices *c, int32_t id)
{
    size_t size;
    char *text = choices_spell(c, id, &size);
    struct hone_text spelt = {text ? text : "", size};
    out->failed |= !text;
    json_t *valid = json_stringn(spelt.data, spelt.size);
    if (valid) {
        reply_buffer_json_text(out, spelt);
    } else { /* part of a character: as OpenAI writes it, so that no two tokens look the same */
        reply_buffer_text(out, "\"bytes:");
        for (size_t i = 0; i < size; i++)
            reply_buffer_format(out, "\\\\x%02x", (unsigned)(unsigned char)text[i]);
        reply_buffer_text(out, "\"");
    }
    json_decref(valid);
    free(text);
}

static void write_top(struct reply_buffer *out, const struct choices *c, const struct hone_token *t)
{
    if (isnan(t->logprob)) {
        reply_buffer_text(out, "null");
        return;
    }
    reply_buffer_text(out, "{");
    for (size_t i = 0; i < t->n_top && t->top[i].id >= 0; i++) {
        reply_buffer_text(out, i ? "," : "");
        write_token(out, c, t->top[i].id);
        reply_buffer_text(out, ":");
        reply_buffer_json_float(out, t->top[i].logprob);
    }
    reply_buffer_text(out, "}");
}

/* {"tokens": [...], "token_logprobs": [...], "top_logprobs": [...], "text_offset": [...]}; *offset is in characters. */
static void write_logprobs(struct reply_buffer *out, const struct choices *c, const struct hone_token *tokens,
                           size_t n, size_t *offset)
{
    reply_buffer_text(out, "{\"tokens\":[");
    for (size_t i = 0; i < n; i++) {
        reply_buffer_text(out, i ? "," : "");
        write_token(out, c, tokens[i].id);
    }
    reply_buffer_text(out, "],\"token_logprobs\":[");
    for (size_t i = 0; i < n; i++) {
        reply_buffer_text(out, i ? "," : "");
        reply_buffer_json_float(out, tokens[i].logprob);
    }
    reply_buffer_text(out, "],\"top_logprobs\":[");
    for (size_t i = 0; i < n; i++) {
        reply_buffer_text(out, i ? "," : "");
        write_top(out, c, &tokens[i]);
    }
    reply_buffer_text(out, "],\"text_offset\":[");
    for (size_t i = 0; i < n; i++) {
        reply_buffer_format(out, "%s%zu", i ? "," : "", *offset);
        *offset += count_characters(out, c, tokens[i].id);
    }
    reply_buffer_text(out, "]}");
}

/* ---- bit by bit ---- */

static void write_delta(struct reply_buffer *out, const struct choice *c, struct hone_text text,
                        const char *finish)
{
    reply_buffer_format(out, "{\"index\":%zu,\"text\":", c->index);
    reply_buffer_json_text(out, text);
    reply_buffer_format(
        out,
        finish ? ",\"finish_reason\":\"%s\",\"logprobs\":" : ",\"finish_reason\":null,\"logprobs\":", finish);
}

static void tell(struct choice *choice, const struct hone_token *token, struct reply_buffer *out)
{
    const struct completions *c = (const struct completions *)choice->all;
    bool logprobs = choice->generation.logprobs && token->id >= 0;
    if (token->text.size == 0 && !logprobs)
        return;
    openai_begin_event(out, &c->choices, "cmpl", object);
    write_delta(out, choice, token->text, NULL);
    if (logprobs)
        write_logprobs(out, choice->all, token, 1, &choice->n_told);
    else
        reply_buffer_text(out, "null");
    reply_buffer_text(out, "}");
    openai_end_event(out, c->usage);
}

static void end_stream(struct completions *c)
{
    struct choices *all = &c->choices;
    struct reply_buffer out = {0};
    for (size_t i = 0; i < all->n; i++) {
        openai_begin_event(&out, &c->choices, "cmpl", object);
        write_delta(&out, &all->items[i], (struct hone_text){"", 0}, choice_finish(&all->items[i]));
        reply_buffer_text(&out, "null}");
        openai_end_event(&out, c->usage);
    }
    openai_end_stream(&out, &c->choices, "cmpl", object, c->usage);
    choices_end(all, &out);
}

/* ---- as a whole ---- */

static void write_all_logprobs(struct reply_buffer *out, const struct choice *c, bool echo)
{
    const struct hone_generation *g = &c->generation;
    size_t n_prompt = echo ? g->n_prompt : 0, n = choice_result(c)->n_ids, offset = 0;
    struct hone_token *tokens = calloc(n_prompt + n + 1, sizeof *tokens);
    if (!tokens) {
        out->failed = true;
        return;
    }
    for (size_t i = 0; i < n_prompt; i++)
        tokens[i] = (struct hone_token){.id = g->prompt_ids[i],
                                        .logprob = i ? g->prompt_values[i] : NAN,
                                        .top = g->prompt_top + i * g->n_logprobs,
                                        .n_top = g->n_logprobs};
    for (size_t i = 0; i < n; i++)
        tokens[n_prompt + i] = choice_token(c, i);
    write_logprobs(out, c->all, tokens, n_prompt + n, &offset);
    free(tokens);
}

/* The text, or that of the ids. */
static void write_prompt(struct reply_buffer *out, const struct choice *c)
{
    const struct hone_generation *g = &c->generation;
    char *text = NULL;
    size_t size = 0;
    if (!g->ids)
        reply_buffer_write(out, g->prompt.data, g->prompt.size);
    else if (hone_detokenize_input(c->all->r->model->light, g->ids, g->n_ids, true, &text, &size, NULL) ==
             HONE_OK)
        reply_buffer_write(out, text, size);
    hone_free(text);
}

static void write_choice(struct reply_buffer *out, const struct completions *c, const struct choice *choice)
{
    const struct hone_generated *g = choice_result(choice);
    struct reply_buffer text = {0};
    if (c->echo)
        write_prompt(&text, choice);
    reply_buffer_write(&text, g->text, g->text_size);
    write_delta(out, choice, (struct hone_text){text.data, text.size}, choice_finish(choice));
    out->failed = out->failed || text.failed;
    if (choice->generation.logprobs)
        write_all_logprobs(out, choice, c->echo);
    else
        reply_buffer_text(out, "null");
    choices_write_prompt(out, choice);
    reply_buffer_text(out, "}");
    reply_buffer_release(&text);
}

static void answer(struct http_request *r)
{
    struct completions *c = r->state;
    const struct choices *all = &c->choices;
    if (choices_failed(&c->choices))
        return;
    if (all->stream) {
        end_stream(c);
        return;
    }
    openai_begin(&r->out, &c->choices, "cmpl", object);
    for (size_t i = 0; i < all->n; i++) {
        reply_buffer_text(&r->out, i ? "," : "");
        write_choice(&r->out, c, &all->items[i]);
    }
    reply_buffer_text(&r->out, "],");
    openai_write_usage(&r->out, &c->choices);
    reply_buffer_text(&r->out, "}");
    http_reply(r, 200);
}

/* ---- the request ---- */

static void read_logprobs(struct fields *f, struct hone_generation *like)
{
    if (!field_get(f, "logprobs"))
        return;
    size_t n = 0;
    like->logprobs = true;
    field_count(f, "logprobs", 0, HONE_MAX_LOGPROBS, &n);
    like->n_logprobs = n > like->n_logprobs ? n : like->n_logprobs;
}

/* What is not done is refused, so that nobody takes something else for it. */
static void refuse_others(struct fields *f, const struct completions *c)
{
    size_t best_of = c->choices.n_each;
    if (c->choices.like.infill && c->echo)
        field_fail(f, PROBLEM_FIELD, "echo", "is not possible with 'suffix'");
    field_count(f, "best_of", 1, OPENAI_CHOICES, &best_of);
    if (best_of != c->choices.n_each)
        field_fail(f, PROBLEM_FIELD, "best_of", "must be the same as 'n'");
    if (c->echo && c->choices.stream)
        field_fail(f, PROBLEM_FIELD, "echo", "is not possible with 'stream'");
}

void openai_completions_handle(struct http_request *r)
{
    struct completions *c = choices_state(r, sizeof *c, choices_release);
    struct fields f = fields_of(r);
    if (!c || !openai_read(&f, &c->choices, &c->usage))
        return;
    struct choices *all = &c->choices;
    all->like.max_tokens = 16;
    choices_read_length(&f, "max_tokens", all);
    read_logprobs(&f, &all->like);
    field_bool(&f, "echo", &c->echo);
    all->like.prompt_logprobs = all->like.prompt_logprobs || (c->echo && all->like.logprobs);
    /* Programs that score texts ask for one token more, and leave that out: it must be there, be it the end. */
    all->like.past_end = c->echo && all->like.logprobs && all->like.max_tokens == 1;
    choices_prompts(&f, "prompt", all);
    choices_read_suffix(&f, "suffix", all);
    refuse_others(&f, c);
    all->tell = tell;
    if (!f.failed)
        choices_submit(r, all, answer);
}
