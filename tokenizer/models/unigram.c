#include "tokenizer/models/unigram.h"

#include "runtime/base/utf8.h"
#include "tokenizer/models/score.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#define UNK_PENALTY 10.0 /* below the least score */
#define NOWHERE     UINT32_MAX

/* The best way to a place of the word. */
struct unigram_place {
    double score;
    uint32_t from; /* where its last token starts; NOWHERE: no way yet */
    int32_t id;    /* of that token */
};

static int32_t find(const struct unigram *m, const char *data, size_t size)
{
    int32_t id = tok_vocab_find(m->vocab, data, size);
    return id >= 0 && !m->outside[id] ? id : -1;
}

static bool build_trie(struct unigram *m)
{
    const struct vocab *vocab = m->vocab;
    struct trie_key *keys = malloc(vocab->n * sizeof *keys);
    size_t n = 0;
    for (size_t i = 0; keys && i < vocab->n; i++) {
        struct hone_text token = vocab_text(vocab, i);
        if (!m->outside[i])
            keys[n++] = (struct trie_key){token.data, (uint32_t)token.size, (int32_t)i};
    }
    bool ok = keys && tok_trie_build(&m->trie, keys, n);
    free(keys);
    return ok;
}

/* Scores of all tokens, and the penalty for unknown characters. */
static bool keep_scores(struct unigram *m, const struct tok_vocab *source)
{
    double least = INFINITY;
    m->scores = malloc(m->vocab->n * sizeof *m->scores);
    for (size_t i = 0; m->scores && i < m->vocab->n; i++) {
        m->scores[i] = tok_score_as_read(source->scores[i]);
        if (!m->outside[i] && m->scores[i] < least)
            least = m->scores[i];
    }
    m->unk_score = least - UNK_PENALTY;
    return m->scores != NULL;
}

bool tok_unigram_init(struct unigram *m, const struct vocab *vocab, const struct tok_vocab *source,
                      const uint8_t *outside, const json_t *spec, struct complaint *c)
{
    const json_t *unk = json_object_get(spec, "unk_id");
    *m = (struct unigram){.vocab = vocab, .outside = outside};
    m->byte_fallback = tok_component_bool(spec, "byte_fallback", false);
    if (!source->scores)
        return tok_fail(c->err, HONE_BAD_MODEL, "the vocabulary has no scores, which Unigram needs");
    if (!json_is_integer(unk) || json_integer_value(unk) < 0 || (size_t)json_integer_value(unk) >= vocab->n)
        return tok_fail(c->err, HONE_BAD_MODEL, "Unigram without an unknown token is not supported");
    m->unk = (int32_t)json_integer_value(unk);
    for (unsigned b = 0; b < 256; b++) {
        char name[8];
        int size = snprintf(name, sizeof name, "<0x%02X>", b);
        m->byte_ids[b] = find(m, name, (size_t)size);
    }
    return (keep_scores(m, source) && build_trie(m)) || tok_no_memory(c->err);
}

void tok_unigram_release(struct unigram *m)
{
    tok_trie_release(&m->trie);
    free(m->scores);
}

static void offer(struct unigram_place *place, double score, uint32_t from, int32_t id)
{
    if (place->from == NOWHERE || score > place->score)
        *place = (struct unigram_place){score, from, id};
}

/* Offers all tokens that start the word at `at`. Returns whether one of them is `width` bytes, the character there; *walked:
 * bytes that were compared. */
static bool offer_tokens(const struct unigram *m, struct unigram_place *places, const char *word, size_t size,
                         uint32_t at, unsigned width, size_t *walked)
{
    const struct trie *t = &m->trie;
    const double before = places[at].score;
    uint32_t node = TRIE_ROOT, end = at;
    bool single = false;
    *walked = 0;
    while (end < size && trie_step(t, &node, (unsigned char)word[end])) {
        int32_t value = t->nodes[node].value;
        end++;
        if (value >= 0) {
            offer(&places[end], m->scores[value] + before, at, value);
            single |= end - at == width;
        } else if (value != TRIE_NONE) {
            const struct trie_tail *tail = &t->tails[-1 - value];
            *walked = tail->size;
            if (tail->size <= size - end && memcmp(t->rest + tail->start, word + end, tail->size) == 0) {
                end += tail->size;
                offer(&places[end], m->scores[tail->value] + before, at, tail->value);
                single |= end - at == width;
            }
            break;
        }
    }
    *walked += end - at;
    return single;
}

/* Tokens that are written from the last to the first. */
struct backwards {
    int32_t *ids;
    struct tok_span *spans; /* NULL: nobody asks */
    size_t first;           /* of those that are there */
};

static void put(struct backwards *b, int32_t id, size_t start, size_t end)
{
    b->ids[--b->first] = id;
    if (b->spans)
        b->spans[b->first] = (struct tok_span){(uint32_t)start, (uint32_t)end & TOK_SPAN_MAX, false};
}

/* The ids of an unknown run, [start, end) of the word. */
static void put_unknown(const struct unigram *m, const char *word, size_t start, size_t end,
                        struct backwards *b)
{
    const char *run = word + start;
    size_t size = end - start;
    int32_t id = size <= m->vocab->limit ? find(m, run, size) : -1;
    bool bytes = id < 0 && m->byte_fallback;
    for (size_t i = 0; bytes && i < size; i++)
        bytes = m->byte_ids[(unsigned char)run[i]] >= 0;
    if (!bytes)
        put(b, id < 0 ? m->unk : id, start, end);
    while (bytes && size)
        put(b, m->byte_ids[(unsigned char)run[--size]], start, end);
}

/* Follows the best way back from the word's end. There is room for `size` tokens: none is shorter than a byte. Returns
 * how many there are. */
static size_t write_back(const struct unigram *m, const struct unigram_place *places, const char *word,
                         size_t size, struct backwards b)
{
    b.first = size;
    for (size_t end = size; end;) {
        size_t start = places[end].from;
        int32_t id = places[end].id;
        while (id == m->unk && start && places[start].id == m->unk)
            start = places[start].from;
        if (id == m->unk)
            put_unknown(m, word, start, end, &b);
        else
            put(&b, id, start, end);
        end = start;
    }
    size_t n = size - b.first;
    memmove(b.ids, b.ids + b.first, n * sizeof *b.ids);
    if (b.spans)
        memmove(b.spans, b.spans + b.first, n * sizeof *b.spans);
    return n;
}

void tok_unigram_encode(const struct unigram *m, const char *word, size_t size, struct buffer *work,
                        struct tok_effort *effort, struct tok_ids *out)
{
    buffer_clear(work);
    if (!buffer_reserve(work, (size + 1) * sizeof(struct unigram_place)) ||
        !buffer_reserve(&out->bytes, size * sizeof(int32_t)) ||
        (out->spanned && !buffer_reserve(&out->spans, size * sizeof(struct tok_span)))) {
        out->bytes.failed = true;
        return;
    }
    struct unigram_place *places = (struct unigram_place *)(void *)work->data;
    for (size_t i = 0; i <= size; i++)
        places[i].from = NOWHERE;
    places[0].score = 0;
    for (uint32_t at = 0; at < size;) {
        unsigned width = utf8_size(word[at]);
        size_t walked;
        if (!offer_tokens(m, places, word, size, at, width, &walked))
            offer(&places[at + width], m->unk_score + places[at].score, at, m->unk);
        at += width;
        if (!effort_walk(effort, walked)) {
            out->bytes.failed = true;
            return;
        }
    }
    struct backwards b = {.ids = ids_from(out, ids_n(out))};
    if (out->spanned)
        b.spans = ids_spans(out) + ids_n(out);
    size_t n = write_back(m, places, word, size, b);
    out->bytes.size += n * sizeof *b.ids;
    out->spans.size += b.spans ? n * sizeof *b.spans : 0;
}
