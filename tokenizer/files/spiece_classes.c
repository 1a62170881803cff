#include "tokenizer/files/spiece_classes.h"

#include "tokenizer/component.h"
#include "tokenizer/files/file_memory.h"
#include "tokenizer/files/spiece.h"

#include <stdio.h>
#include <string.h>

#define SPACE          "\xe2\x96\x81" /* U+2581 */
#define PEGASUS_OFFSET 103            /* tokens between the first two and the pieces */

/* mBART has those of the first line, mBART-50 all. */
static const char *const languages[] = {
    "ar_AR", "cs_CZ", "de_DE", "en_XX", "es_XX", "et_EE", "fi_FI", "fr_XX", "gu_IN", "hi_IN", "it_IT",
    "ja_XX", "kk_KZ", "ko_KR", "lt_LT", "lv_LV", "my_MM", "ne_NP", "nl_XX", "ro_RO", "ru_RU", "si_LK",
    "tr_TR", "vi_VN", "zh_CN", "af_ZA", "az_AZ", "bn_IN", "fa_IR", "he_IL", "hr_HR", "id_ID", "ka_GE",
    "km_KH", "mk_MK", "ml_IN", "mn_MN", "mr_IN", "pl_PL", "ps_AF", "pt_XX", "sv_SE", "sw_KE", "ta_IN",
    "te_IN", "th_TH", "tl_XX", "uk_UA", "ur_PK", "xh_ZA", "gl_ES", "sl_SI"};

static const struct spiece_class {
    const char *name;
    size_t n_languages; /* behind the pieces, and a mask token behind those */
    size_t first_piece; /* the others give way to the class's own */
    bool
        normalises; /* as the file says, and several spaces are one; else words are cut at any white space first */
} classes[] = {{"MBartTokenizer", 25, 3, false},
               {"MBart50Tokenizer", sizeof languages / sizeof *languages, 3, true},
               {"PegasusTokenizer", 0, 2, true}};

static const struct spiece_class *class_of(const char *name)
{
    for (size_t i = 0; i < sizeof classes / sizeof *classes; i++)
        if (strcmp(name, classes[i].name) == 0)
            return &classes[i];
    return NULL;
}

bool tok_spiece_has_class(const char *class)
{
    return class_of(class) != NULL;
}

/* ---- tokens ---- */

/* The lists of a tokenizer.json that is made. */
struct lists {
    json_t *vocab, *added;
    bool failed;
};

static void add_special(struct lists *l, json_t *name, bool lstrip)
{
    l->failed |=
        json_array_append_new(l->added, json_pack("{s:I, s:o, s:b, s:b, s:b, s:b, s:b}", "id",
                                                  (json_int_t)json_array_size(l->vocab) - 1, "content", name,
                                                  "single_word", 0, "lstrip", (int)lstrip, "rstrip", 0,
                                                  "normalized", 0, "special", 1)) != 0;
}

/* A special token of the class. */
static void add_name(struct lists *l, const char *name, double score, bool lstrip)
{
    l->failed |= json_array_append_new(l->vocab, json_pack("[s, f]", name, score)) != 0;
    add_special(l, json_string(name), lstrip);
}

static void add_pieces(struct lists *l, const struct tok_vocab *pieces, size_t first)
{
    for (size_t i = first; i < pieces->n_tokens; i++) {
        json_t *name = json_stringn(pieces->tokens[i].data, pieces->tokens[i].size);
        l->failed |= json_array_append_new(l->vocab, json_pack("[O, f]", name, pieces->scores[i])) != 0;
        if (pieces->types[i] == TOK_NORMAL || pieces->types[i] == TOK_UNUSED)
            json_decref(name);
        else
            add_special(l, name, false);
    }
}

/* Returns the id of the unknown token, or -1. */
static int add_all(struct lists *l, const struct spiece_class *class, const struct tok_vocab *pieces)
{
    static const char *const fairseq[] = {"<s>", "<pad>", "</s>", "<unk>"}, *const pegasus[] = {
                                                                                "<pad>", "</s>", "<mask_1>",
                                                                                "<mask_2>"};
    const bool is_pegasus = class->n_languages == 0;
    char name[32];
    int unknown = is_pegasus ? -1 : 3;
    for (size_t i = 0; i < 4; i++)
        add_name(l, is_pegasus ? pegasus[i] : fairseq[i], 0, false);
    for (int i = 2; i < PEGASUS_OFFSET && is_pegasus; i++) {
        snprintf(name, sizeof name, "<unk_%d>", i);
        add_name(l, name, -100, false);
    }
    for (size_t i = class->first_piece; i < pieces->n_tokens && is_pegasus; i++)
        if (pieces->types[i] == TOK_UNKNOWN)
            unknown = (int)(json_array_size(l->vocab) + i - class->first_piece);
    add_pieces(l, pieces, class->first_piece);
    for (size_t i = 0; i < class->n_languages; i++)
        add_name(l, languages[i], 0, false);
    if (!is_pegasus)
        add_name(l, "<mask>", 0, true);
    return unknown;
}

/* ---- the pipeline ---- */

static json_t *metaspace(void)
{
    return json_pack("{s:s, s:s, s:s, s:b}", "type", "Metaspace", "replacement", SPACE, "prepend_scheme",
                     "always", "split", 1);
}

static json_t *replace(const char *pattern)
{
    return json_pack("{s:s, s:{s:s}, s:s}", "type", "Replace", "pattern", "Regex", pattern, "content", " ");
}

/* Without a map Pegasus' class takes care of ends of lines itself. */
static json_t *normalizer(bool has_map, bool is_pegasus)
{
    json_t *steps = json_pack("[o]", replace(" {2,}"));
    if (has_map)
        json_array_insert_new(steps, 0, json_pack("{s:s}", "type", "Precompiled"));
    else if (is_pegasus)
        json_array_insert_new(steps, 0, replace("\\n"));
    return json_pack("{s:s, s:o}", "type", "Sequence", "normalizers", steps);
}

/* Of Pegasus; of the others the language's token decides (tok_amend). */
static json_t *ending(void)
{
    return json_pack("{s:s, s:[{s:{s:s,s:i}},{s:{s:s,s:i}}], s:[{s:{s:s,s:i}},{s:{s:s,s:i}},{s:{s:s,s:i}}],"
                     " s:{s:{s:s,s:[i],s:[s]}}}",
                     "type", "TemplateProcessing", "single", "Sequence", "id", "A", "type_id", 0,
                     "SpecialToken", "id", "</s>", "type_id", 0, "pair", "Sequence", "id", "A", "type_id", 0,
                     "Sequence", "id", "B", "type_id", 0, "SpecialToken", "id", "</s>", "type_id", 0,
                     "special_tokens", "</s>", "id", "</s>", "ids", 1, "tokens", "</s>");
}

static json_t *make_root(const struct spiece_class *class, struct lists *l, int unknown, bool has_map)
{
    json_t *cut = metaspace();
    if (!class->normalises)
        cut = json_pack("{s:s, s:[{s:s}, o]}", "type", "Sequence", "pretokenizers", "type", "WhitespaceSplit",
                        cut);
    return json_pack("{s:{s:s, s:O, s:i, s:b}, s:O, s:o, s:o, s:o, s:o}", "model", "type", "Unigram", "vocab",
                     l->vocab, "unk_id", unknown, "byte_fallback", 0, "added_tokens", l->added, "normalizer",
                     class->normalises ? normalizer(has_map, class->n_languages == 0) : json_null(),
                     "pre_tokenizer", cut, "decoder", metaspace(), "post_processor",
                     class->n_languages == 0 ? ending() : json_null());
}

/* What a configuration may say of Pegasus' own tokens is known in one form. */
static bool is_usual(const struct tokenizer_folder *f, struct hone_error *err)
{
    const json_t *offset = json_object_get(f->config, "offset");
    const json_t *sentence = json_object_get(f->config, "mask_token_sent");
    if ((!offset || json_integer_value(offset) == PEGASUS_OFFSET) && (!sentence || !json_is_null(sentence)))
        return true;
    return tok_fail(
        err, HONE_BAD_MODEL,
        "tokenizer_config.json: an 'offset' other than %d, or no 'mask_token_sent', is not supported",
        PEGASUS_OFFSET);
}

bool tok_spiece_read_class(struct hone_text model, const struct tokenizer_folder *folder,
                           struct tokenizer_file *out, struct hone_error *err)
{
    const struct spiece_class *class = class_of(folder->class);
    const struct spiece_options plain = {.family = SPIECE_T5, .extra_ids = 0, .add_bos = -1, .add_eos = -1};
    struct tokenizer_file raw;
    if (!is_usual(folder, err) || !tok_spiece_read(model, &plain, &raw, err))
        return false;
    const struct hone_text map = raw.vocab.charsmap;
    struct lists l = {json_array(), json_array(), raw.vocab.n_tokens <= class->first_piece};
    int unknown = l.failed || !l.vocab || !l.added ? -1 : add_all(&l, class, &raw.vocab);
    json_t *root = l.failed || unknown < 0 ? NULL : make_root(class, &l, unknown, map.size > 0);
    json_decref(l.vocab);
    json_decref(l.added);
    bool ok = root ? tok_json_take(root, folder, out, err)
                   : tok_fail(err, HONE_BAD_MODEL, "its pieces are not those of a %s", class->name);
    if (ok && class->normalises && map.size > 0) { /* not in base64, as in a file */
        struct file_memory *m = out->memory;
        buffer_append(&m->charsmap, map.data, map.size);
        out->vocab.charsmap = (struct hone_text){m->charsmap.data, m->charsmap.size};
        ok = !m->charsmap.failed || tok_no_memory(err);
        if (!ok)
            tok_file_release(out);
    }
    tok_file_release(&raw);
    return ok;
}
