#include "tokenizer/stages/bert.h"

#include "runtime/base/utf8.h"
#include "tokenizer/text/origins.h"
#include "tokenizer/text/unicode.h"

void tok_bert_normalizer_init(struct bert_normalizer *n, const json_t *spec)
{
    n->clean_text = tok_component_bool(spec, "clean_text", true);
    n->handle_chinese = tok_component_bool(spec, "handle_chinese_chars", true);
    n->lowercase = tok_component_bool(spec, "lowercase", true);
    n->strip_accents = tok_component_bool(spec, "strip_accents", n->lowercase);
    for (unsigned c = 0; c < 128; c++) {
        uint32_t properties = unicode_properties(c);
        n->width[c] = !(n->clean_text && properties & UC_CONTROL);
        n->ascii[c] = n->clean_text && properties & UC_SPACE ? ' ' : (uint8_t)c;
        if (n->lowercase && c >= 'A' && c <= 'Z')
            n->ascii[c] = (uint8_t)(c | 0x20);
    }
}

/* What is under way: decomposed characters of a combining class other than 0 wait until they can be put in order. */
struct bert_state {
    const struct bert_normalizer *n;
    struct buffer *out;
    struct buffer waiting; /* of uint32_t */
    size_t waiting_from;   /* where the first of them stands */
};

static void emit(struct bert_state *s, uint32_t point)
{
    uint32_t lower[2];
    unsigned n = s->n->lowercase ? unicode_lower(point, lower) : (lower[0] = point, 1);
    for (unsigned i = 0; i < n; i++)
        buffer_point(s->out, lower[i]);
}

static void emit_waiting(struct bert_state *s)
{
    size_t n = s->waiting.size / sizeof(uint32_t);
    if (!n)
        return;
    if (!buffer_reserve(&s->waiting, s->waiting.size)) {
        s->out->failed = true;
        return;
    }
    uint32_t *points = (uint32_t *)(void *)s->waiting.data;
    unicode_reorder(points, n, points + n);
    for (size_t i = 0; i < n; i++)
        emit(s, points[i]);
    origins_note(s->out, s->waiting_from);
    buffer_clear(&s->waiting);
}

static void decompose(struct bert_state *s, uint32_t point, size_t from)
{
    uint32_t parts[18];
    unsigned n = unicode_decompose(point, false, parts);
    for (unsigned i = 0; i < n; i++) {
        bool mark = unicode_properties(parts[i]) & UC_MARK;
        if (unicode_is_starter(parts[i])) {
            emit_waiting(s);
            if (!mark)
                emit(s, parts[i]);
        } else if (!mark) {
            if (!s->waiting.size)
                s->waiting_from = from;
            buffer_append(&s->waiting, &parts[i], sizeof parts[i]);
            s->out->failed |= s->waiting.failed;
        }
    }
}

/* One character that is not ASCII, which stands at `from`. */
static void normalize_character(struct bert_state *s, const char *at, unsigned size, size_t from)
{
    const struct bert_normalizer *n = s->n;
    const char *p = at;
    uint32_t point = utf8_next(&p), properties = unicode_properties(point);
    if (n->clean_text && properties & UC_CONTROL)
        return;
    if (!(properties & (UC_SPACE | UC_CJK | UC_NFD | UC_MARK | UC_CASED))) { /* nothing to do */
        emit_waiting(s);
        buffer_append(s->out, at, size);
        return;
    }
    bool chinese = n->handle_chinese && properties & UC_CJK;
    if (n->clean_text && properties & UC_SPACE)
        point = ' ';
    if (chinese) {
        emit_waiting(s);
        buffer_byte(s->out, ' ');
    }
    if (n->strip_accents)
        decompose(s, point, from);
    else
        emit(s, point);
    if (chinese)
        buffer_byte(s->out, ' ');
}

/* A run of ASCII in which nothing is dropped, up to 32 characters at once. Returns how many it took. */
static size_t normalize_ascii(const struct bert_normalizer *n, const unsigned char *in, size_t size,
                              unsigned char *out)
{
    size_t i = 0;
    for (; n->clean_text && n->lowercase && i + 32 <= size; i += 32) {
        unsigned char odd = 0;
        for (int k = 0; k < 32; k++) {
            unsigned char c = in[i + k];
            unsigned char space = (c == '\n') | (c == '\t') | (c == '\r');
            unsigned char capital = (unsigned char)(c - 'A') < 26;
            odd |= (unsigned char)((unsigned char)(c - 0x20) > 0x5e) & !space;
            out[i + k] = space ? ' ' : (unsigned char)(c + (capital << 5));
        }
        if (odd)
            break;
    }
    return i;
}

static bool dropped(const struct bert_normalizer *n, uint32_t point)
{
    uint32_t properties = unicode_properties(point);
    return (n->clean_text && properties & UC_CONTROL) || (n->strip_accents && properties & UC_MARK);
}

void tok_bert_normalize(const struct bert_normalizer *n, struct hone_text text, struct buffer *out,
                        bool *front)
{
    struct bert_state s = {.n = n, .out = out};
    const char *p = text.data, *end = p + text.size, *first = p;
    if (p < end && dropped(n, utf8_next(&first)))
        *front = false;
    while (p < end && !out->failed) {
        if ((unsigned char)*p >= 0x80) {
            unsigned size = utf8_size(*p);
            normalize_character(&s, p, size, (size_t)(p - text.data));
            origins_note(out, (size_t)(p - text.data));
            p += size;
            continue;
        }
        size_t size = (size_t)(end - p);
        emit_waiting(&s);
        if (!buffer_reserve(out, size))
            break;
        unsigned char *to = (unsigned char *)out->data + out->size, c;
        size_t done = normalize_ascii(n, (const unsigned char *)p, size, to), before = out->size,
               length = done;
        size_t stop = done + 16 < size ? done + 16 : size; /* some by the table, then perhaps a run again */
        out->size += done;
        origins_keep(out, (size_t)(p - text.data));
        for (; done < stop && (c = (unsigned char)p[done]) < 0x80; done++) {
            to[length] = n->ascii[c];
            length += n->width[c];
            if (out->origins) {
                out->size = before + length;
                origins_note(out, (size_t)(p - text.data) + done);
            }
        }
        out->size = before + length;
        p += done;
    }
    emit_waiting(&s);
    buffer_release(&s.waiting);
}

enum { LETTER, SPACE, PUNCT, OTHER };

static const uint8_t ascii_kinds[256] = {
    ['\t' ... '\r'] = SPACE, [' '] = SPACE,         ['!' ... '/'] = PUNCT,   [':' ... '@'] = PUNCT,
    ['[' ... '`'] = PUNCT,   ['{' ... '~'] = PUNCT, [0x80 ... 0xff] = OTHER,
};

static int kind_of(const char *p)
{
    int kind = ascii_kinds[(unsigned char)*p];
    if (kind != OTHER)
        return kind;
    uint32_t properties = unicode_properties(utf8_next(&p));
    return properties & UC_SPACE ? SPACE : properties & UC_PUNCT ? PUNCT : LETTER;
}

bool tok_bert_split(struct tok_piece piece, struct sink sink)
{
    size_t at = 0;
    while (at < piece.size) {
        size_t start = at;
        int kind = LETTER;
        for (; at < piece.size; at += utf8_size(piece.data[at])) {
            kind = kind_of(piece.data + at);
            if (kind != LETTER)
                break;
        }
        if (at > start && !piece_part(piece, start, at, sink))
            return false;
        if (at == piece.size)
            break;
        start = at;
        at += utf8_size(piece.data[at]);
        if (kind == PUNCT && !piece_part(piece, start, at, sink))
            return false;
    }
    return true;
}
