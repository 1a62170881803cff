#include "tokenizer/tokenizer.h"

#include "runtime/base/json.h"
#include "runtime/base/utf8.h"
#include "tokenizer/added.h"
#include "tokenizer/files/excerpt.h"
#include "tokenizer/models/model.h"
#include "tokenizer/models/piece_map.h"
#include "tokenizer/stages/decoder.h"
#include "tokenizer/stages/normalizer.h"
#include "tokenizer/stages/post_processor.h"
#include "tokenizer/stages/pre_tokenizer.h"

#include <stdatomic.h>
#include <stdlib.h>

#define EXCERPT_BYTES  16 /* for an id, at first: most have a few */
#define EXCERPT_GROWTH 8  /* of an excerpt that was not enough */

struct tokenizer {
    uint64_t serial; /* no two tokenizers of a process have the same */
    struct vocab vocab;
    uint8_t *outside; /* [n_tokens] 1: a token that the model does not know */
    struct added added;
    struct normalizer normalizer;
    struct pre_tokenizer pre_tokenizer;
    struct tok_model model;
    struct post_processor post_processor;
    struct tok_decoder decoder;
    struct piece_map pieces; /* n 0: the model's words are tokens */
    bool leading_codes;
    bool truncate_left;
    bool has_excerpts; /* tok_excerpt_is_exact */
};

/* What an encoding keeps between calls. */
struct scratch {
    uint64_t serial; /* of the tokenizer it was used with last */
    struct buffer repaired, origins;
    struct normalizer_scratch normalizer;
    struct pre_scratch pre;
    struct model_scratch model;
    struct tok_ids texts[2];
    struct tok_effort effort;
    struct tok_ids run; /* of a word with pieces that are not known */
};

/* Tokens that the model does not know: unused ones, and those that were added to its vocabulary. */
static uint8_t *find_outside(const struct tok_vocab *source, const struct vocab *vocab, const json_t *added)
{
    uint8_t *outside = calloc(vocab->n, 1);
    for (size_t i = 0; outside && source->types && i < vocab->n; i++)
        outside[i] = source->types[i] == TOK_UNUSED;
    for (size_t i = 0; outside && i < json_array_size(added); i++) {
        const json_t *token = json_array_get(added, i);
        struct hone_text text = tok_component_text(token, "content");
        int32_t id = tok_vocab_find(vocab, text.data, text.size);
        if (id >= 0 && !tok_component_bool(token, "in_model", true))
            outside[id] = 1;
    }
    return outside;
}

static bool init(struct tokenizer *t, const struct tok_vocab *source, const json_t *pipeline,
                 struct complaint *c)
{
    static atomic_uint_least64_t serials;
    const json_t *added = json_object_get(pipeline, "added_tokens"),
                 *model = json_object_get(pipeline, "model");
    t->serial = ++serials;
    t->truncate_left = source->truncate_left;
    t->leading_codes = source->leading_codes;
    if (!tok_vocab_init(&t->vocab, source, c->err))
        return false;
    if (source->pieces && !tok_piece_map_init(&t->pieces, source->pieces, &t->vocab, model, c))
        return false;
    t->has_excerpts = !source->pieces && tok_excerpt_is_exact(pipeline, &t->vocab);
    t->outside = find_outside(source, &t->vocab, added);
    if (!t->outside)
        return tok_no_memory(c->err);
    if (!tok_pre_tokenizer_init(&t->pre_tokenizer, json_object_get(pipeline, "pre_tokenizer"), c))
        return false;
    bool bytes = tok_bpe_takes_bytes(model) && tok_pre_tokenizer_give_bytes(&t->pre_tokenizer);
    const struct piece_map *p = &t->pieces;
    return (p->n > 0 ? tok_model_init(&t->model, &p->vocab, source->pieces, p->outside, bytes, model, c)
                     : tok_model_init(&t->model, &t->vocab, source, t->outside, bytes, model, c)) &&
           tok_normalizer_init(&t->normalizer, json_object_get(pipeline, "normalizer"), source->charsmap,
                               c) &&
           tok_added_init(&t->added, added, &t->vocab, &t->normalizer, c) &&
           tok_post_processor_init(&t->post_processor, json_object_get(pipeline, "post_processor"),
                                   t->vocab.n, c) &&
           tok_decoder_init(&t->decoder, json_object_get(pipeline, "decoder"), c);
}

struct tokenizer *tokenizer_new(const struct tok_vocab *vocab, struct hone_text pipeline,
                                struct hone_error *err)
{
    struct complaint c = {err};
    json_error_t error;
    json_t *json = json_read(pipeline.data, pipeline.size, JSON_ALLOW_NUL, &error);
    struct tokenizer *t = calloc(1, sizeof *t);
    bool ok = false;
    if (!t || (!json && json_had_no_memory(&error)))
        tok_no_memory(err);
    else if (!json)
        tok_fail(err, HONE_BAD_MODEL, "the tokenizer's pipeline is not JSON: %s", error.text);
    else
        ok = init(t, vocab, json, &c);
    json_decref(json);
    if (ok)
        return t;
    tokenizer_free(t);
    return NULL;
}

void tokenizer_free(struct tokenizer *t)
{
    if (!t)
        return;
    tok_vocab_release(&t->vocab);
    tok_piece_map_release(&t->pieces);
    free(t->outside);
    tok_added_release(&t->added);
    tok_normalizer_release(&t->normalizer);
    tok_pre_tokenizer_release(&t->pre_tokenizer);
    tok_model_release(&t->model);
    tok_post_processor_release(&t->post_processor);
    tok_decoder_release(&t->decoder);
    free(t);
}

size_t tokenizer_n_tokens(const struct tokenizer *t)
{
    return t->vocab.n;
}

struct hone_text tokenizer_token(const struct tokenizer *t, int32_t id)
{
    bool known = id >= 0 && (size_t)id < t->vocab.n;
    return known ? vocab_text(&t->vocab, (size_t)id) : (struct hone_text){"", 0};
}

struct tok_traits tokenizer_traits(const struct tokenizer *t)
{
    const struct tok_model *m = &t->model;
    if (t->pieces.n > 0)
        return (struct tok_traits){t->pieces.unknown, false};
    switch (m->kind) {
    case MODEL_WORDPIECE:
        return (struct tok_traits){m->wordpiece.unk, true};
    case MODEL_BPE:
        return (struct tok_traits){m->bpe.unk, m->bpe.prefix_size > 0};
    case MODEL_UNIGRAM:
        return (struct tok_traits){m->unigram.unk, false};
    }
    return (struct tok_traits){-1, false};
}

int32_t tokenizer_id(const struct tokenizer *t, struct hone_text token)
{
    return tok_vocab_find(&t->vocab, token.data, token.size);
}

void tok_encoding_release(struct tok_encoding *e)
{
    struct scratch *s = e->scratch;
    free(e->ids);
    free(e->type_ids);
    free(e->spans);
    if (s) {
        buffer_release(&s->repaired);
        buffer_release(&s->origins);
        tok_normalizer_scratch_release(&s->normalizer);
        tok_pre_scratch_release(&s->pre);
        tok_model_scratch_release(&s->model);
        buffer_release(&s->run.bytes);
        buffer_release(&s->run.spans);
        for (int i = 0; i < 2; i++) {
            buffer_release(&s->texts[i].bytes);
            buffer_release(&s->texts[i].spans);
        }
        free(s);
    }
    *e = (struct tok_encoding){0};
}

/* One text on its way. */
struct encode_job {
    const struct tokenizer *t;
    struct scratch *s;
    struct tok_ids *out;
    size_t enough; /* ids; 0: no number is */
    const struct tok_options *options;
};

/* Who takes what lies between added tokens. */
static struct added_sink sink_of(struct encode_job *job,
                                 bool (*take)(void *arg, struct tok_piece piece, int32_t id))
{
    const struct tok_options *o = job->options;
    return (struct added_sink){take, job, &job->s->effort, o->plain, o->plain_ids, o->n_plain_ids};
}

static bool has_enough(const struct encode_job *job)
{
    return job->enough > 0 && ids_n(job->out) >= job->enough;
}

/* Whether to go on. */
static bool go_on(const struct encode_job *job)
{
    return !job->out->bytes.failed && !has_enough(job);
}

static bool take_word(void *arg, struct tok_piece word)
{
    struct encode_job *job = arg;
    size_t before = ids_n(job->out);
    tok_model_encode(&job->t->model, word.data, word.size, &job->s->model, job->out);
    if (job->t->pieces.n > 0)
        tok_piece_map_apply(&job->t->pieces, &job->t->model, (struct hone_text){word.data, word.size}, before,
                            &job->s->model, &job->s->run, job->out);
    for (size_t i = before; word.origins && i < ids_n(job->out) && !job->out->bytes.failed; i++) {
        struct tok_span *span = &ids_spans(job->out)[i];
        *span =
            (struct tok_span){word.origins[span->start].start, word.origins[span->end - 1].end, i > before};
        tok_post_processor_trim(&job->t->post_processor,
                                vocab_text(&job->t->vocab, (size_t)ids_data(job->out)[i]), i == 0, span);
    }
    return go_on(job);
}

static bool take_normalized(void *arg, struct tok_piece piece, int32_t id)
{
    struct encode_job *job = arg;
    if (id < 0)
        return tok_pre_tokenizer_run(&job->t->pre_tokenizer, piece, &job->s->pre,
                                     (struct sink){take_word, job});
    bool first = ids_n(job->out) == 0;
    ids_append(job->out, id);
    if (piece.origins) {
        struct tok_span span = {piece.origins->start, piece.origins[piece.size - 1].end, false};
        tok_post_processor_trim(&job->t->post_processor, (struct hone_text){piece.data, piece.size}, first,
                                &span);
        ids_span(job->out, span.start, span.end);
    }
    return go_on(job);
}

/* ">>CODE<<" where the piece begins with one: its bytes; 0: it does not. */
static size_t leading_code(const struct encode_job *job, const struct tok_piece *piece)
{
    const char *end = job->t->leading_codes && piece->size > 3 && memcmp(piece->data, ">>", 2) == 0
                          ? memmem(piece->data, piece->size, "<<", 2)
                          : NULL;
    return end ? (size_t)(end - piece->data) + 2 : 0;
}

static bool take_raw(void *arg, struct tok_piece piece, int32_t id)
{
    struct encode_job *job = arg;
    if (id >= 0)
        return take_normalized(arg, piece, id);
    size_t code = leading_code(job, &piece);
    if (code > 0) {
        struct tok_piece rest = piece;
        int32_t token = tok_vocab_find(&job->t->vocab, piece.data, code);
        piece.size = code;
        rest.data += code;
        rest.size -= code;
        rest.origins = rest.origins ? rest.origins + code : NULL;
        if (!take_normalized(arg, piece, token < 0 ? job->t->pieces.unknown : token))
            return false;
        if (rest.size == 0)
            return true;
        piece = rest;
    }
    tok_normalizer_run(&job->t->normalizer, &piece, &job->s->normalizer);
    if (job->s->normalizer.failed)
        return false;
    return tok_added_split(&job->t->added, &job->t->added.normal, piece, sink_of(job, take_normalized));
}

static bool encode_part(const struct tokenizer *t, struct hone_text text, const struct tok_options *o,
                        struct tok_encoding *e, struct tok_ids *out, size_t enough)
{
    struct scratch *s = e->scratch;
    struct encode_job job = {t, s, out, enough, o};
    buffer_clear(&out->bytes);
    buffer_clear(&out->spans);
    if (out->spanned && !tok_origins_of_text(&s->origins, text))
        return false;
    if (utf8_valid_prefix(text.data, text.size) != text.size) {
        e->invalid = true;
        buffer_clear(&s->repaired);
        utf8_repair(&s->repaired, text.data, text.size);
        if (s->repaired.failed)
            return false;
        text = (struct hone_text){s->repaired.data, s->repaired.size};
    }
    struct tok_piece piece = {text.data, text.size, true, NULL};
    if (out->spanned)
        piece.origins = (const struct tok_span *)(const void *)s->origins.data;
    bool ok = tok_added_split(&t->added, &t->added.raw, piece, sink_of(&job, take_raw));
    return ok || (has_enough(&job) && !out->bytes.failed && !s->normalizer.failed);
}

/* With `enough` > 0 so many ids are enough, and as little of the text is looked at as seems to give them. */
static bool encode_text(const struct tokenizer *t, struct hone_text text, const struct tok_options *o,
                        struct tok_encoding *e, struct tok_ids *out, size_t enough)
{
    size_t size = enough < SIZE_MAX / EXCERPT_BYTES ? enough * EXCERPT_BYTES : SIZE_MAX;
    for (; enough > 0 && t->has_excerpts && size < text.size / 2; size *= EXCERPT_GROWTH) {
        size_t end = tok_excerpt_end(text, size);
        if (end == 0)
            break;
        if (!encode_part(t, (struct hone_text){text.data, end}, o, e, out, enough))
            return false;
        if (ids_n(out) < enough)
            continue;
        e->invalid = e->invalid || utf8_valid_prefix(text.data, text.size) != text.size;
        return true;
    }
    return encode_part(t, text, o, e, out, enough);
}

/* How many ids of each text are enough for the result to be what it is. Of a pair the one with fewer bytes is made
 * first, since how the other is cut depends on its ids. */
static bool encode_texts(const struct tokenizer *t, const struct hone_text *texts, size_t n,
                         const struct tok_options *o, struct tok_encoding *e)
{
    struct scratch *s = e->scratch;
    s->texts[0].spanned = s->texts[1].spanned = o->spans;
    bool stops =
        o->may_stop && o->max_length > 0 && o->side == TOK_RIGHT && o->truncation == TOK_LONGEST_FIRST;
    size_t longer = n > 1 && texts[1].size > texts[0].size, enough = stops ? o->max_length + 1 : 0;
    if (n == 1)
        return encode_text(t, texts[0], o, e, &s->texts[0], enough);
    if (!encode_text(t, texts[!longer], o, e, &s->texts[!longer], 0))
        return false;
    size_t other = ids_n(&s->texts[!longer]);
    return encode_text(t, texts[longer], o, e, &s->texts[longer],
                       stops && other >= enough ? other + 1 : enough);
}

/* s: NULL: there was no memory for it. */
static bool fail_encode(const struct scratch *s, struct hone_error *err)
{
    if (s && s->effort.grew)
        return tok_fail(err, HONE_FAILED,
                        "the rules of the tokenizer make more than %d times as much of a text as it was",
                        EFFORT_GROWTH);
    if (s && s->effort.walked)
        return tok_fail(err, HONE_FAILED,
                        "comparing a text with the long tokens of the tokenizer takes too long");
    return tok_fail(err, HONE_FAILED,
                    "the tokenizer has no memory left, or one of its expressions takes too long");
}

bool tokenizer_encode(const struct tokenizer *t, struct hone_text text, const struct hone_text *pair,
                      const struct tok_options *options, struct tok_encoding *out, struct hone_error *err)
{
    struct complaint c = {err};
    if (!out->scratch)
        out->scratch = calloc(1, sizeof(struct scratch));
    struct scratch *s = out->scratch;
    out->n = out->n_full = 0;
    out->invalid = false;
    if (s && s->serial != t->serial)
        tok_word_cache_clear(&s->model.cache);
    if (s) {
        s->serial = t->serial;
        s->effort = effort_of(text.size + (pair ? pair->size : 0));
        s->normalizer.effort = s->model.effort = &s->effort;
        tok_pattern_scratch_begin(&s->normalizer.pattern);
    }
    struct tok_options chosen = *options;
    struct hone_text texts[2] = {text, pair ? *pair : (struct hone_text){0}};
    if (chosen.side == TOK_USUAL_SIDE)
        chosen.side = t->truncate_left ? TOK_LEFT : TOK_RIGHT;
    if (!s || !tok_pre_scratch_begin(&s->pre, &t->pre_tokenizer, &s->effort) ||
        !encode_texts(t, texts, pair ? 2 : 1, &chosen, out))
        return fail_encode(s, err);
    return tok_post_processor_run(&t->post_processor, s->texts, pair ? 2 : 1, &chosen, out, &c);
}

/* How a token is decoded: an added one in its normalized form. */
static struct hone_text decoded_form(const struct tokenizer *t, int32_t id)
{
    if (t->added.kinds[id] & ADDED_OTHER_FORM) {
        const struct added_token *token = &t->added.tokens[t->added.other_forms[id]];
        return (struct hone_text){token->form, token->form_size};
    }
    return vocab_text(&t->vocab, (size_t)id);
}

bool tokenizer_is_special(const struct tokenizer *t, int32_t id)
{
    return id >= 0 && (size_t)id < t->vocab.n && (t->added.kinds[id] & ADDED_SPECIAL);
}

size_t tokenizer_decode_bound(const struct tokenizer *t, const int32_t *ids, size_t n)
{
    size_t size = 0;
    for (size_t i = 0; i < n; i++)
        if (ids[i] >= 0 && (size_t)ids[i] < t->vocab.n &&
            __builtin_add_overflow(size, decoded_form(t, ids[i]).size + 1, &size))
            return SIZE_MAX;
    return size;
}

bool tokenizer_decode(const struct tokenizer *t, const int32_t *ids, size_t n, bool skip_special, char **out,
                      size_t *size, struct hone_error *err)
{
    struct strings tokens = {0};
    struct tok_effort effort;
    bool ok = false;
    for (size_t i = 0; i < n; i++) {
        if (ids[i] < 0 || (size_t)ids[i] >= t->vocab.n) {
            tok_fail(err, HONE_USAGE, "there is no token %d", ids[i]);
            goto done;
        }
        if (!skip_special || !(t->added.kinds[ids[i]] & ADDED_SPECIAL))
            tok_strings_add(&tokens, decoded_form(t, ids[i]));
    }
    effort = effort_of(tokens.bytes.size);
    ok = tok_decoder_run(&t->decoder, &tokens, &effort);
    tokens.bytes.most = 0;
    buffer_byte(&tokens.bytes, 0);
    ok = ok && !tokens.bytes.failed;
    if (!ok && effort.grew)
        tok_fail(err, HONE_FAILED,
                 "the rules of the decoder make more than %d times as much of tokens as they are",
                 EFFORT_GROWTH);
    else if (!ok)
        tok_no_memory(err);
    if (!ok)
        goto done;
    *out = tokens.bytes.data;
    *size = tokens.bytes.size - 1;
    tokens.bytes = (struct buffer){0};
done:
    tok_strings_release(&tokens);
    return ok;
}
