#include "runtime/generate/grammar/token_sets.h"

#include "runtime/generate/grammar/string_tokens.h"

#include <stdlib.h>
#include <string.h>

enum {
    FEW_SHARE = 8
}; /* lists of more tokens than a mask has words over this are masks, too: clearing by these is faster */

static void set_bit(uint64_t *mask, size_t id)
{
    mask[id / 64] |= (uint64_t)1 << (id % 64);
}

/* The first place in the text where the byte stands is this one. */
static bool is_first(struct hone_text text, size_t i)
{
    return memchr(text.data, text.data[i], i) == NULL;
}

static bool copy_bytes(struct token_sets *s, const struct hone_text *pieces, const int32_t *ids, size_t n)
{
    size_t size = 0, at = 0;
    for (size_t i = 0; i < n; i++)
        size += pieces[ids[i]].size;
    s->at = size < UINT32_MAX ? calloc(s->n_vocab + 1, sizeof *s->at) : NULL;
    s->bytes = malloc(size + 1);
    if (!s->at || !s->bytes)
        return false;
    for (size_t i = 0; i < n; i++)
        s->at[ids[i] + 1] = (uint32_t)pieces[ids[i]].size;
    for (size_t id = 0; id < s->n_vocab; id++) {
        size = s->at[id + 1];
        if (size > 0)
            memcpy(s->bytes + at, pieces[id].data, size);
        s->at[id + 1] = (uint32_t)(at += size);
    }
    return true;
}

/* ---- lists ---- */

static uint8_t common_size(struct hone_text a, struct hone_text b)
{
    uint8_t n = 0;
    while (n < 255 && n < a.size && n < b.size && a.data[n] == b.data[n])
        n++;
    return n;
}

/* One more token that holds the byte: its list has n so far. */
static void add_holding(struct token_sets *s, unsigned c, uint32_t n, int32_t id)
{
    uint32_t at = s->first[c] + n;
    s->holding[at] = id;
    s->common[at] = n == 0 ? 0 : common_size(token_sets_text(s, s->holding[at - 1]), token_sets_text(s, id));
}

/* Lists the tokens that hold each byte: counted first, then filled in. */
static bool list_holding(struct token_sets *s, const int32_t *ids, size_t n_ids)
{
    uint32_t n[TOKEN_ASCII] = {0};
    for (int fill = 0; fill < 2; fill++) {
        for (size_t k = 0; k < n_ids; k++) {
            struct hone_text text = token_sets_text(s, ids[k]);
            for (size_t i = 0; i < text.size; i++) {
                unsigned char c = (unsigned char)text.data[i];
                if (c >= TOKEN_ASCII || !is_first(text, i))
                    continue;
                if (fill)
                    add_holding(s, c, n[c], ids[k]);
                n[c]++;
            }
        }
        for (unsigned c = 0; c < TOKEN_ASCII && !fill; c++) {
            s->first[c + 1] = s->first[c] + n[c];
            n[c] = 0;
        }
        if (!fill && (!(s->holding = malloc((s->first[TOKEN_ASCII] + 1u) * sizeof *s->holding)) ||
                      !(s->common = malloc(s->first[TOKEN_ASCII] + 1u))))
            return false;
    }
    return true;
}

static bool make_holds(struct token_sets *s)
{
    for (unsigned c = 0; c < TOKEN_ASCII; c++) {
        if (s->first[c + 1] - s->first[c] <= s->n_words / FEW_SHARE)
            continue;
        if (!(s->holds[c] = calloc(s->n_words, sizeof **s->holds)))
            return false;
        for (uint32_t i = s->first[c]; i < s->first[c + 1]; i++)
            set_bit(s->holds[c], (size_t)s->holding[i]);
    }
    return true;
}

static bool look_at_texts(struct token_sets *s)
{
    s->texts = calloc(s->n_words, sizeof *s->texts);
    s->beyond_ascii = calloc(s->n_words, sizeof *s->beyond_ascii);
    bool ok = s->texts && s->beyond_ascii;
    for (size_t i = 0; i < TOKEN_SETS_LENGTHS && ok; i++)
        ok = (s->longer[i] = calloc(s->n_words, sizeof **s->longer)) != NULL;
    for (size_t id = 0; id < s->n_vocab && ok; id++) {
        struct hone_text text = token_sets_text(s, (int32_t)id);
        size_t n = string_token_length(text);
        for (size_t i = 0; i < text.size; i++)
            if ((unsigned char)text.data[i] >= TOKEN_ASCII) {
                set_bit(s->beyond_ascii, id);
                break;
            }
        if (n > 0)
            set_bit(s->texts, id);
        for (size_t i = 0; i < TOKEN_SETS_LENGTHS && i < n; i++)
            set_bit(s->longer[i], id);
    }
    return ok;
}

bool token_sets_init(struct token_sets *s, const struct hone_text *pieces, size_t n_vocab, const int32_t *ids,
                     size_t n)
{
    *s = (struct token_sets){.n_vocab = n_vocab, .n_words = (n_vocab + 63) / 64 + 1};
    return copy_bytes(s, pieces, ids, n) && list_holding(s, ids, n) && make_holds(s) && look_at_texts(s);
}

void token_sets_release(struct token_sets *s)
{
    free(s->bytes);
    free(s->at);
    free(s->holding);
    free(s->common);
    for (unsigned c = 0; c < TOKEN_ASCII; c++)
        free(s->holds[c]);
    free(s->texts);
    free(s->beyond_ascii);
    for (size_t i = 0; i < TOKEN_SETS_LENGTHS; i++)
        free(s->longer[i]);
}
