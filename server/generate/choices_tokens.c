/* Tokens and their log-probabilities, as answers tell them. */
#include "server/generate/choices.h"
#include "server/service.h"

#include <stdlib.h>
#include <string.h>

char *choices_spell(const struct choices *c, int32_t id, size_t *size)
{
    struct hone_text bytes;
    char *out = NULL;
    struct hone_model *vocab = c->r->model->light;
    *size = 0;
    if (hone_token_bytes(vocab, id, &bytes, NULL) != HONE_OK || bytes.size == 0)
        return hone_detokenize(vocab, &id, 1, false, &out, size, NULL) == HONE_OK ? out : NULL;
    out = malloc(bytes.size);
    if (out) {
        memcpy(out, bytes.data, bytes.size);
        *size = bytes.size;
    }
    return out;
}

/* What follows "{". */
static void write_candidate(struct reply_buffer *out, const struct choices *c, int32_t id, float logprob,
                            bool with_ids)
{
    size_t size;
    char *text = choices_spell(c, id, &size);
    out->failed |= !text;
    if (with_ids)
        reply_buffer_format(out, "\"id\":%d,", (int)id);
    reply_buffer_text(out, "\"token\":");
    reply_buffer_json_text(out, (struct hone_text){text ? text : "", size});
    reply_buffer_text(out, ",\"bytes\":[");
    for (size_t i = 0; i < size; i++)
        reply_buffer_format(out, "%s%d", i ? "," : "", (unsigned char)text[i]);
    reply_buffer_text(out, "],\"logprob\":");
    reply_buffer_json_float(out, logprob);
    free(text);
}

void choices_write_token(struct reply_buffer *out, const struct choices *c, const struct hone_token *token,
                         bool with_ids)
{
    reply_buffer_text(out, "{");
    write_candidate(out, c, token->id, token->logprob, with_ids);
    reply_buffer_text(out, ",\"top_logprobs\":[");
    for (size_t i = 0; i < token->n_top && token->top[i].id >= 0; i++) {
        reply_buffer_text(out, i ? ",{" : "{");
        write_candidate(out, c, token->top[i].id, token->top[i].logprob, with_ids);
        reply_buffer_text(out, "}");
    }
    reply_buffer_text(out, "]}");
}

struct hone_token choice_token(const struct choice *c, size_t i)
{
    const struct hone_generated *g = choice_result(c);
    size_t n_top = c->generation.n_logprobs;
    return (struct hone_token){
        .id = g->ids[i],
        .logprob = g->logprobs ? g->logprobs[i] : 0,
        .top = g->top ? g->top + i * n_top : NULL,
        .n_top = g->top ? n_top : 0,
    };
}

/* ---- of prompts --------------------------------------------------------------------------------------------------- */

static void write_entry(struct reply_buffer *out, const struct choices *c, int32_t id, float logprob,
                        size_t rank)
{
    size_t size;
    char *text = choices_spell(c, id, &size);
    out->failed |= !text;
    reply_buffer_format(out, "\"%d\":{\"logprob\":", (int)id);
    reply_buffer_json_float(out, logprob);
    if (rank > 0)
        reply_buffer_format(out, ",\"rank\":%zu", rank);
    reply_buffer_text(out, ",\"decoded_token\":");
    reply_buffer_json_text(out, (struct hone_text){text ? text : "", size});
    reply_buffer_text(out, "}");
    free(text);
}

/* The prompt's own token, and those that were more probable or as many as were asked for. */
static void write_place(struct reply_buffer *out, const struct choice *c, size_t i)
{
    const struct hone_generation *g = &c->generation;
    const struct hone_logprob *top = g->prompt_top + i * g->n_logprobs;
    size_t rank = 0;
    for (size_t k = 0; k < g->n_logprobs && !rank; k++)
        rank = top[k].id == g->prompt_ids[i] ? k + 1 : 0;
    reply_buffer_text(out, "{");
    write_entry(out, c->all, g->prompt_ids[i], g->prompt_values[i], rank);
    for (size_t k = 0; k < g->n_logprobs && top[k].id >= 0; k++)
        if (k + 1 != rank) {
            reply_buffer_text(out, ",");
            write_entry(out, c->all, top[k].id, top[k].logprob, k + 1);
        }
    reply_buffer_text(out, "}");
}

void choices_write_prompt(struct reply_buffer *out, const struct choice *c)
{
    const struct hone_generation *g = &c->generation;
    if (!c->all->asks_prompt || !g->prompt_values)
        return;
    reply_buffer_text(out, ",\"prompt_logprobs\":[null");
    for (size_t i = 1; i < g->n_prompt; i++) {
        reply_buffer_text(out, ",");
        write_place(out, c, i);
    }
    reply_buffer_text(out, "]");
}
