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

/* In the order of their bytes: those that are tried one after another lie side by side. */
static bool copy_bytes(struct token_sets *s, const struct hone_text *pieces, const int32_t *ids, size_t n)
{
    size_t size = 0;
    for (size_t i = 0; i < n; i++)
        size += pieces[ids[i]].size;
    s->spans = size < UINT32_MAX ? calloc(s->n_vocab + 1, sizeof *s->spans) : NULL;
    s->bytes = malloc(size + 1);
    if (!s->spans || !s->bytes)
        return false;
    size = 0;
    for (size_t i = 0; i < n; i++) {
        struct hone_text piece = pieces[ids[i]];
        s->spans[ids[i]] = (struct token_span){(uint32_t)size, (uint32_t)piece.size};
        memcpy(s->bytes + size, piece.data, piece.size);
        size += piece.size;
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

/* The byte that it holds once among letters and digits; TOKEN_ASCII: it is not of that kind. */
static unsigned single_of(struct hone_text text)
{
    unsigned found = TOKEN_ASCII;
    for (size_t i = 0; i < text.size; i++) {
        unsigned char c = (unsigned char)text.data[i];
        if (token_is_alnum(c))
            continue;
        if (c >= TOKEN_ASCII || found != TOKEN_ASCII)
            return TOKEN_ASCII;
        found = c;
    }
    return found;
}

/* Where the lists have come to, while they are counted and then while they are filled in. */
struct list_filling {
    uint32_t n[TOKEN_LONG + 1], n_single[TOKEN_LONG + 1];
    bool counts;
};

static void add_holding(struct token_sets *s, struct list_filling *f, unsigned c, bool is_single, int32_t id)
{
    uint32_t n = is_single ? f->n_single[c]++ : f->n[c]++;
    if (f->counts)
        return;
    uint32_t at = (is_single ? s->single_at[c] : s->first[c]) + n;
    s->holding[at] = id;
    s->common[at] = n == 0 ? 0 : common_size(token_sets_text(s, s->holding[at - 1]), token_sets_text(s, id));
}

static void add_token(struct token_sets *s, struct list_filling *f, int32_t id)
{
    struct hone_text text = token_sets_text(s, id);
    unsigned single = single_of(text);
    for (size_t i = 0; i < text.size; i++) {
        unsigned char c = (unsigned char)text.data[i];
        if (c < TOKEN_ASCII && is_first(text, i))
            add_holding(s, f, c, c == single, id);
    }
    if (text.size > TOKEN_NEAR)
        add_holding(s, f, TOKEN_LONG, false, id);
}

/* Lists the tokens that hold each byte: counted first, then filled in. */
static bool list_holding(struct token_sets *s, const int32_t *ids, size_t n_ids)
{
    struct list_filling count = {.counts = true}, fill = {.counts = false};
    for (size_t k = 0; k < n_ids; k++)
        add_token(s, &count, ids[k]);
    for (unsigned c = 0; c <= TOKEN_LONG; c++) {
        s->single_at[c] = s->first[c] + count.n[c];
        s->first[c + 1] = s->single_at[c] + count.n_single[c];
    }
    s->holding = malloc((s->first[TOKEN_LONG + 1] + 1u) * sizeof *s->holding);
    s->common = malloc(s->first[TOKEN_LONG + 1] + 1u);
    if (!s->holding || !s->common)
        return false;
    for (size_t k = 0; k < n_ids; k++)
        add_token(s, &fill, ids[k]);
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

static bool make_groups(struct token_sets *s)
{
    for (unsigned group = 0; group < TOKEN_GROUPS; group++) {
        if (!(s->groups[group] = calloc(s->n_words, sizeof **s->groups)))
            return false;
        for (unsigned c = 0; c < TOKEN_ASCII; c++)
            for (uint32_t i = s->first[c]; token_group_has(group, (unsigned char)c) && i < s->first[c + 1];
                 i++)
                set_bit(s->groups[group], (size_t)s->holding[i]);
    }
    return true;
}

static bool make_single(struct token_sets *s)
{
    for (unsigned c = 0; c < TOKEN_ASCII; c++) {
        if (s->first[c + 1] - s->single_at[c] <= s->n_words / FEW_SHARE)
            continue;
        for (int later = 0; later < 2; later++)
            if (!(s->single[later][c] = calloc(s->n_words, sizeof **s->holds)))
                return false;
        for (uint32_t i = s->single_at[c]; i < s->first[c + 1]; i++) {
            size_t id = (size_t)s->holding[i];
            set_bit(s->single[(unsigned char)token_sets_text(s, (int32_t)id).data[0] != c][c], id);
        }
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
    return copy_bytes(s, pieces, ids, n) && list_holding(s, ids, n) && make_holds(s) && make_groups(s) &&
           make_single(s) && look_at_texts(s);
}

void token_sets_release(struct token_sets *s)
{
    free(s->bytes);
    free(s->spans);
    free(s->holding);
    free(s->common);
    for (unsigned c = 0; c < TOKEN_ASCII; c++) {
        free(s->holds[c]);
        free(s->single[0][c]);
        free(s->single[1][c]);
    }
    for (unsigned group = 0; group < TOKEN_GROUPS; group++)
        free(s->groups[group]);
    free(s->texts);
    free(s->beyond_ascii);
    for (size_t i = 0; i < TOKEN_SETS_LENGTHS; i++)
        free(s->longer[i]);
}
