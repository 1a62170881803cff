#include "tokenizer/stages/post_processor.h"

#include "runtime/base/utf8.h"
#include "tokenizer/stages/bytelevel.h"
#include "tokenizer/text/unicode.h"
#include "tokenizer/truncation.h"

#include <stdlib.h>

#define MAX_PIECES 256 /* of a template, which mostly has three to five */

static bool add_piece(struct template *t, int text, json_int_t id, json_int_t type_id, size_t n_tokens)
{
    if (t->n == MAX_PIECES || type_id < 0 || type_id > 255 || id < 0 || (size_t)id >= n_tokens)
        return false;
    t->pieces[t->n++] = (struct template_piece){text, (int32_t)id, (uint8_t)type_id};
    t->n_special += text < 0;
    return true;
}

/* A piece of a TemplateProcessing: {"Sequence": {"id": "A" or "B", "type_id"}} or {"SpecialToken": {"id", "type_id"}},
 * whose ids are in `specials`. */
static bool read_piece(struct template *t, const json_t *piece, const json_t *specials, size_t n_tokens)
{
    const json_t *sequence = json_object_get(piece, "Sequence"),
                 *special = json_object_get(piece, "SpecialToken");
    json_int_t type_id = json_integer_value(json_object_get(sequence ? sequence : special, "type_id"));
    struct hone_text name = tok_component_text(sequence ? sequence : special, "id");
    if (sequence)
        return name.size == 1 && (name.data[0] == 'A' || name.data[0] == 'B') &&
               add_piece(t, name.data[0] - 'A', 0, type_id, n_tokens);
    const json_t *ids = json_object_get(json_object_get(specials, name.data), "ids");
    if (!json_is_array(ids))
        return false;
    for (size_t i = 0; i < json_array_size(ids); i++) {
        const json_t *id = json_array_get(ids, i);
        if (!json_is_integer(id) || !add_piece(t, -1, json_integer_value(id), type_id, n_tokens))
            return false;
    }
    return true;
}

static bool read_template(struct template *t, const json_t *spec, const char *which, size_t n_tokens,
                          struct complaint *c)
{
    const json_t *pieces = json_object_get(spec, which), *specials = json_object_get(spec, "special_tokens");
    t->missing = !json_is_array(pieces);
    t->ends_once = tok_component_bool(spec, "ends_once", false);
    t->n = 0;
    bool ok = true, pair = strcmp(which, "pair") == 0;
    for (size_t i = 0; ok && i < json_array_size(pieces); i++)
        ok = read_piece(t, json_array_get(pieces, i), specials, n_tokens);
    size_t n[2] = {0};
    for (size_t i = 0; i < t->n; i++)
        n[t->pieces[i].text > 0] += t->pieces[i].text >= 0;
    if (!t->missing) /* a text stands once in it */
        ok = ok && n[0] <= 1 && n[1] == pair;
    return ok ||
           tok_fail(c->err, HONE_BAD_MODEL, "TemplateProcessing: the template \"%s\" is malformed", which);
}

/* "cls": ["[CLS]", 101] */
static json_int_t named_id(const json_t *spec, const char *key)
{
    const json_t *id = json_array_get(json_object_get(spec, key), 1);
    return json_is_integer(id) ? json_integer_value(id) : -1;
}

/* BertProcessing: cls A sep, cls A sep B sep. RobertaProcessing: cls A sep, cls A sep sep B sep, all of type 0. */
static bool fixed_templates(struct post_processor *p, const json_t *spec, bool roberta, size_t n_tokens,
                            struct complaint *c)
{
    json_int_t cls = named_id(spec, "cls"), sep = named_id(spec, "sep");
    bool ok = true;
    for (int pair = 0; pair < 2; pair++) {
        struct template *t = &p->templates[pair];
        t->n = 0;
        ok = ok && add_piece(t, -1, cls, 0, n_tokens) && add_piece(t, 0, 0, 0, n_tokens) &&
             add_piece(t, -1, sep, 0, n_tokens);
        if (pair && roberta)
            ok = ok && add_piece(t, -1, sep, 0, n_tokens);
        if (pair)
            ok = ok && add_piece(t, 1, 0, !roberta, n_tokens) && add_piece(t, -1, sep, !roberta, n_tokens);
    }
    return ok ||
           tok_fail(c->err, HONE_BAD_MODEL, "%s: \"cls\" or \"sep\" is malformed", tok_component_type(spec));
}

static void read_trimming(struct post_processor *p, const json_t *spec)
{
    p->trims = tok_component_bool(spec, "trim_offsets", true);
    p->has_prefix_space = tok_component_bool(spec, "add_prefix_space", true);
}

static bool read_step(struct post_processor *p, const json_t *spec, size_t n_tokens, struct complaint *c)
{
    const char *type = tok_component_type(spec);
    if (strcmp(type, "TemplateProcessing") == 0)
        return read_template(&p->templates[0], spec, "single", n_tokens, c) &&
               read_template(&p->templates[1], spec, "pair", n_tokens, c);
    if (type[0] == 'R')
        read_trimming(p, spec);
    if (strcmp(type, "BertProcessing") == 0 || strcmp(type, "RobertaProcessing") == 0)
        return fixed_templates(p, spec, type[0] == 'R', n_tokens, c);
    return tok_component_refuse(c, "post-processor", spec);
}

bool tok_post_processor_init(struct post_processor *p, const json_t *spec, size_t n_tokens,
                             struct complaint *c)
{
    const json_t *specs[COMPONENT_MAX_STEPS];
    int n = tok_component_steps(spec, "processors", specs, c), n_templates = 0;
    for (int pair = 0; n >= 0 && pair < 2; pair++) {
        struct template *t = &p->templates[pair];
        t->pieces = calloc(MAX_PIECES, sizeof *t->pieces);
        if (!t->pieces)
            return tok_no_memory(c->err);
        for (int text = 0; text <= pair; text++)
            add_piece(t, text, 0, text, n_tokens);
    }
    for (int i = 0; i < n; i++) {
        if (strcmp(tok_component_type(specs[i]), "ByteLevel") == 0) { /* is about spans alone */
            read_trimming(p, specs[i]);
            continue;
        }
        if (n_templates++)
            return tok_fail(c->err, HONE_BAD_MODEL,
                            "more than one template in the post-processor is not supported");
        if (!read_step(p, specs[i], n_tokens, c))
            return false;
    }
    return n >= 0;
}

void tok_post_processor_release(struct post_processor *p)
{
    free(p->templates[0].pieces);
    free(p->templates[1].pieces);
    *p = (struct post_processor){0};
}

/* How many ids a template makes of n[] ids a text. */
static size_t count(const struct template *t, const size_t n[2], bool add_special)
{
    size_t total = 0;
    for (size_t i = 0; i < t->n; i++)
        total += t->pieces[i].text >= 0 ? n[t->pieces[i].text] : add_special;
    return total;
}

static bool grow(struct tok_encoding *out, size_t n, bool spanned)
{
    if (!spanned) { /* whoever looks at them sees that there are none */
        free(out->spans);
        out->spans = NULL;
    }
    if (n <= out->capacity && out->ids && (!spanned || out->spans))
        return true;
    size_t capacity = n + n / 2 + 16;
    int32_t *ids = realloc(out->ids, capacity * sizeof *ids);
    if (ids)
        out->ids = ids;
    uint8_t *type_ids = realloc(out->type_ids, capacity);
    if (type_ids)
        out->type_ids = type_ids;
    struct tok_span *spans = spanned ? realloc(out->spans, capacity * sizeof *spans) : NULL;
    if (spans)
        out->spans = spans;
    if (!ids || !type_ids || (spanned && !spans))
        return false;
    out->capacity = capacity;
    return true;
}

/* Appends what one piece of a template stands for. */
static void fill(const struct template_piece *piece, const struct tok_ids *texts, const size_t n[2],
                 const struct tok_options *options, struct tok_encoding *out)
{
    static const struct tok_span no_text = {.start = TOK_NO_TEXT};
    const int32_t *from = &piece->id;
    const struct tok_span *spans = &no_text;
    size_t size = options->add_special;
    if (piece->text >= 0) {
        const struct tok_ids *text = &texts[piece->text];
        size = n[piece->text];
        size_t start = options->side == TOK_LEFT ? ids_n(text) - size : 0;
        from = ids_from(text, start);
        spans = text->spanned && from ? ids_spans(text) + start : NULL;
    }
    if (!size)
        return;
    if (out->spans)
        memcpy(out->spans + out->n, spans, size * sizeof *spans);
    memcpy(out->ids + out->n, from, size * sizeof *from);
    memset(out->type_ids + out->n, piece->type_id, size);
    out->n += size;
}

/* Bytes of text that a white space character at p stands for; 0: it is none. */
static uint32_t space_size(const char *p)
{
    const char *next = p;
    uint32_t point = utf8_next(&next);
    if (point == tok_bytelevel_point(' '))
        return 1;
    return unicode_properties(point) & UC_SPACE ? (uint32_t)(next - p) : 0;
}

void tok_post_processor_trim(const struct post_processor *p, struct hone_text token, bool first,
                             struct tok_span *span)
{
    const char *at = token.data, *end = token.data + token.size;
    uint32_t leading = 0, trailing = 0, n = 0, size;
    if (!p->trims)
        return;
    for (; at < end && (size = space_size(at)); at += utf8_size(*at), n++)
        leading += size;
    if (n == 1 && p->has_prefix_space && (first || span->start == 0))
        leading = 0;
    for (at = end; at > token.data && (size = space_size(utf8_before(at))); at = utf8_before(at))
        trailing += size;
    span->start = leading < span->end - span->start ? span->start + leading : span->end;
    span->end = trailing < span->end - span->start ? span->end - trailing : span->start;
}

/* Whether piece i is a special token that the text before it ends with already, once is enough, and it counts no more. */
static bool is_ended(const struct template *t, size_t i, const size_t n[2], const struct tok_options *options,
                     struct tok_encoding *out)
{
    const bool behind = options->add_special && i > 0 && t->pieces[i].text < 0 && t->pieces[i - 1].text >= 0;
    if (!t->ends_once || !behind || n[t->pieces[i - 1].text] == 0 || out->ids[out->n - 1] != t->pieces[i].id)
        return false;
    out->n_full--;
    return true;
}

bool tok_post_processor_run(const struct post_processor *p, const struct tok_ids *texts, size_t n_texts,
                            const struct tok_options *options, struct tok_encoding *out, struct complaint *c)
{
    const struct template *t = &p->templates[n_texts - 1];
    size_t special = options->add_special ? t->n_special : 0;
    size_t n[2] = {ids_n(&texts[0]), n_texts > 1 ? ids_n(&texts[1]) : 0};
    out->n = 0;
    if (t->missing)
        return tok_fail(c->err, HONE_USAGE, "the tokenizer has no template for %s",
                        n_texts > 1 ? "a pair" : "a text");
    out->n_full = count(t, n, options->add_special);
    if (options->max_length) {
        if (options->max_length < special)
            return tok_fail(c->err, HONE_USAGE,
                            "a maximum of %zu ids leaves no room for the %zu special ones",
                            options->max_length, special);
        if (!tok_truncation_fit(n, n_texts, options->max_length - special, options->truncation, c))
            return false;
    }
    if (!grow(out, count(t, n, options->add_special), options->spans))
        return tok_no_memory(c->err);
    for (size_t i = 0; i < t->n; i++)
        if (!is_ended(t, i, n, options, out))
            fill(&t->pieces[i], texts, n, options, out);
    return true;
}
