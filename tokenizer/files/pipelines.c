/* The pipelines that transformers' classes make. What json_pack cannot make is NULL, which the last call of each tells. */
#include "tokenizer/component.h"
#include "tokenizer/files/classes.h"
#include "tokenizer/files/parts.h"

#include <string.h>

#define WORD_START "\xe2\x96\x81" /* U+2581, SentencePiece's space */

/* ---- parts ---- */

static bool set_parts(json_t *root, json_t *normalizer, json_t *pre_tokenizer, json_t *decoder)
{
    return (json_object_set_new(root, "normalizer", normalizer) |
            json_object_set_new(root, "pre_tokenizer", pre_tokenizer) |
            json_object_set_new(root, "decoder", decoder)) == 0;
}

static json_t *byte_level(bool add_space, bool words)
{
    return json_pack("{s:s, s:b, s:b, s:b}", "type", "ByteLevel", "add_prefix_space", (int)add_space,
                     "trim_offsets", 1, "use_regex", (int)words);
}

static json_t *metaspace(const char *scheme, bool split)
{
    return json_pack("{s:s, s:s, s:s, s:b}", "type", "Metaspace", "replacement", WORD_START, "prepend_scheme",
                     scheme, "split", (int)split);
}

static json_t *nfc(void)
{
    return json_pack("{s:s}", "type", "NFC");
}

static json_t *replace(const char *what, const char *with)
{
    return json_pack("{s:s, s:{s:s}, s:s}", "type", "Replace", "pattern", "String", what, "content", with);
}

/* unk: NULL for none. */
static bool set_bpe(json_t *root, const char *unk, bool pieces)
{
    json_t *model = json_object_get(root, "model");
    return (json_object_set_new(model, "unk_token", unk ? json_string(unk) : json_null()) |
            json_object_set_new(model, "fuse_unk", json_boolean(pieces)) |
            json_object_set_new(model, "byte_fallback", json_boolean(pieces)) |
            json_object_set_new(model, "ignore_merges", json_false()) |
            json_object_set_new(model, "dropout", json_null()) |
            json_object_set_new(model, "continuing_subword_prefix", json_null()) |
            json_object_set_new(model, "end_of_word_suffix", json_null())) == 0;
}

/* ---- WordPiece ---- */

static json_t *bert_normalizer(const json_t *config)
{
    const json_t *accents = json_object_get(config, "strip_accents");
    return json_pack("{s:s, s:b, s:b, s:o, s:b}", "type", "BertNormalizer", "clean_text", 1,
                     "handle_chinese_chars", (int)tok_flag(config, "tokenize_chinese_chars", true),
                     "strip_accents",
                     json_is_boolean(accents) ? json_boolean(json_is_true(accents)) : json_null(),
                     "lowercase", (int)tok_flag(config, "do_lower_case", true));
}

bool tok_build_words(json_t *root, const json_t *config)
{
    json_t *model = json_object_get(root, "model");
    const char *unk = tok_named_token(config, "unk_token", "[UNK]");
    return (json_object_set_new(model, "unk_token", json_string(unk)) |
            json_object_set_new(model, "continuing_subword_prefix", json_string("##")) |
            json_object_set_new(model, "max_input_chars_per_word", json_integer(100))) == 0 &&
           set_parts(root, bert_normalizer(config), json_pack("{s:s}", "type", "BertPreTokenizer"),
                     json_pack("{s:s, s:s, s:b}", "type", "WordPiece", "prefix", "##", "cleanup", 1));
}

/* ---- BPE over bytes ---- */

static bool adds_space(const json_t *config)
{
    return tok_flag(config, "add_prefix_space", false);
}

bool tok_build_bytes(json_t *root, const json_t *config)
{
    return set_bpe(root, NULL, false) &&
           set_parts(root, json_null(), byte_level(adds_space(config), true), byte_level(true, true));
}

bool tok_build_spaced_bytes(json_t *root, const json_t *config)
{
    return set_bpe(root, NULL, false) &&
           set_parts(root, json_null(), byte_level(tok_flag(config, "add_prefix_space", true), true),
                     byte_level(true, true));
}

bool tok_build_neox(json_t *root, const json_t *config)
{
    return set_bpe(root, NULL, false) &&
           set_parts(root, nfc(), byte_level(adds_space(config), true), byte_level(true, true));
}

bool tok_build_cohere(json_t *root, const json_t *config)
{
    bool space = adds_space(config);
    return set_bpe(root, NULL, false) &&
           set_parts(root, nfc(),
                     json_pack("{s:s, s:[{s:s, s:b}, o]}", "type", "Sequence", "pretokenizers", "type",
                               "Digits", "individual_digits", 1, byte_level(space, true)),
                     byte_level(space, true));
}

static bool build_split(json_t *root, const json_t *config, const char *pattern)
{
    return set_bpe(root, NULL, false) &&
           set_parts(root, nfc(),
                     json_pack("{s:s, s:[{s:s, s:{s:s}, s:s, s:b}, o]}", "type", "Sequence", "pretokenizers",
                               "type", "Split", "pattern", "Regex", pattern, "behavior", "Isolated", "invert",
                               0, byte_level(adds_space(config), false)),
                     byte_level(true, true));
}

bool tok_build_qwen2(json_t *root, const json_t *config)
{
    return build_split(root, config,
                       "(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}|"
                       " ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+");
}

bool tok_build_qwen3_5(json_t *root, const json_t *config)
{
    return build_split(root, config,
                       "(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?[\\p{L}\\p{M}]+|\\p{N}|"
                       " ?[^\\s\\p{L}\\p{M}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+");
}

/* ---- SentencePiece's BPE ---- */

static json_t *pieces_decoder(bool strip)
{
    json_t *steps =
        json_pack("[o, {s:s}, {s:s}]", replace(WORD_START, " "), "type", "ByteFallback", "type", "Fuse");
    if (strip)
        json_array_append_new(
            steps, json_pack("{s:s, s:s, s:i, s:i}", "type", "Strip", "content", " ", "start", 1, "stop", 0));
    return json_pack("{s:s, s:o}", "type", "Sequence", "decoders", steps);
}

/* "legacy" gives a space to each piece of a text between special tokens, and not to the first alone. */
bool tok_build_llama(json_t *root, const json_t *config)
{
    bool space = tok_flag(config, "add_prefix_space", true);
    const char *scheme = !space ? "never" : tok_flag(config, "legacy", false) ? "always" : "first";
    return set_bpe(root, NULL, true) &&
           set_parts(root, json_null(), metaspace(scheme, false), pieces_decoder(space));
}

bool tok_build_gemma(json_t *root, const json_t *config)
{
    return set_bpe(root, tok_named_token(config, "unk_token", "<unk>"), true) &&
           set_parts(root, replace(" ", WORD_START),
                     json_pack("{s:s, s:{s:s}, s:s, s:b}", "type", "Split", "pattern", "String", " ",
                               "behavior", "MergedWithPrevious", "invert", 0),
                     pieces_decoder(false));
}

/* ---- SentencePiece's Unigram ---- */

static bool set_unigram(json_t *root, json_int_t unk)
{
    json_t *model = json_object_get(root, "model");
    return (json_object_set_new(model, "unk_id", json_integer(unk)) |
            json_object_set_new(model, "byte_fallback", json_false())) == 0;
}

/* The map of characters that a file has, alone or as a step; a new reference. NULL: none. */
static json_t *charsmap(const json_t *root)
{
    json_t *normalizer = json_object_get(root, "normalizer"),
           *steps = json_object_get(normalizer, "normalizers");
    if (strcmp(tok_component_type(normalizer), "Precompiled") == 0)
        return json_incref(normalizer);
    for (size_t i = 0; i < json_array_size(steps); i++)
        if (strcmp(tok_component_type(json_array_get(steps, i)), "Precompiled") == 0)
            return json_incref(json_array_get(steps, i));
    return NULL;
}

/* Of several spaces. */
static json_t *one_space(const char *with)
{
    return json_pack("{s:s, s:{s:s}, s:s}", "type", "Replace", "pattern", "Regex", " {2,}", "content", with);
}

static json_t *words_and_metaspace(const char *scheme)
{
    return json_pack("{s:s, s:[{s:s}, o]}", "type", "Sequence", "pretokenizers", "type", "WhitespaceSplit",
                     metaspace(scheme, true));
}

/* The piece that the configuration calls unknown, if its score is 0; or else another. */
static json_int_t unknown_of(const json_t *root, const json_t *config, const char *usual,
                             json_int_t otherwise)
{
    const char *unk = tok_named_token(config, "unk_token", usual);
    const json_t *vocab = json_object_get(json_object_get(root, "model"), "vocab");
    for (size_t i = 0; i < json_array_size(vocab); i++) {
        const json_t *piece = json_array_get(vocab, i);
        const char *text = json_string_value(json_array_get(piece, 0));
        if (text && strcmp(text, unk) == 0 && json_number_value(json_array_get(piece, 1)) == 0)
            return (json_int_t)i;
    }
    return otherwise;
}

/* What a file says of normalising characters is not looked at. */
bool tok_build_deberta(json_t *root, const json_t *config)
{
    const char *scheme = tok_flag(config, "add_prefix_space", true) ? "always" : "first";
    const json_t *number = json_object_get(config, "unk_id");
    const json_int_t unk = json_is_integer(number) ? json_integer_value(number) : 1;
    json_t *steps = json_pack("[{s:s, s:{s:s}, s:s}, {s:s}, {s:s, s:b, s:b}]", "type", "Replace", "pattern",
                              "Regex", "\\s{2,}|[\\n\\r\\t]", "content", " ", "type", "NFC", "type", "Strip",
                              "strip_left", 0, "strip_right", 1);
    json_t *cuts = json_pack("[o]", metaspace(scheme, true));
    if (tok_flag(config, "do_lower_case", false))
        json_array_insert_new(steps, 0, json_pack("{s:s}", "type", "Lowercase"));
    if (tok_flag(config, "split_by_punct", false))
        json_array_insert_new(cuts, 0,
                              json_pack("{s:s, s:s}", "type", "Punctuation", "behavior", "Isolated"));
    return set_unigram(root, unknown_of(root, config, "[UNK]", unk)) &&
           set_parts(root, json_pack("{s:s, s:o}", "type", "Sequence", "normalizers", steps),
                     json_pack("{s:s, s:o}", "type", "Sequence", "pretokenizers", cuts),
                     metaspace(scheme, true));
}

bool tok_build_albert(json_t *root, const json_t *config)
{
    const char *scheme = tok_flag(config, "add_prefix_space", true) ? "always" : "never";
    json_t *steps = json_pack("[o, o]", replace("``", "\""), replace("''", "\"")), *map = charsmap(root);
    if (!tok_flag(config, "keep_accents", false)) {
        json_array_append_new(steps, json_pack("{s:s}", "type", "NFKD"));
        json_array_append_new(steps, json_pack("{s:s}", "type", "StripAccents"));
    }
    if (tok_flag(config, "do_lower_case", true))
        json_array_append_new(steps, json_pack("{s:s}", "type", "Lowercase"));
    if (map)
        json_array_append_new(steps, map);
    return set_unigram(root, 1) &&
           set_parts(root, json_pack("{s:s, s:o}", "type", "Sequence", "normalizers", steps),
                     words_and_metaspace(scheme), metaspace(scheme, true));
}

/* What is unknown is the third token, whatever the configuration calls so. */
bool tok_build_rembert(json_t *root, const json_t *config)
{
    const char *scheme = tok_flag(config, "add_prefix_space", true) ? "always" : "never";
    json_t *steps = json_pack("[o, o, o]", replace("``", "\""), replace("''", "\""), one_space(" ")),
           *map = charsmap(root);
    if (!tok_flag(config, "keep_accents", true)) {
        json_array_append_new(steps, json_pack("{s:s}", "type", "NFKD"));
        json_array_append_new(steps, json_pack("{s:s}", "type", "StripAccents"));
    }
    if (tok_flag(config, "do_lower_case", false))
        json_array_append_new(steps, json_pack("{s:s}", "type", "Lowercase"));
    if (map)
        json_array_append_new(steps, map);
    return set_unigram(root, 2) &&
           set_parts(root, json_pack("{s:s, s:o}", "type", "Sequence", "normalizers", steps),
                     metaspace(scheme, true), metaspace(scheme, true));
}

bool tok_build_big_bird(json_t *root, const json_t *config)
{
    const char *scheme = tok_flag(config, "add_prefix_space", true) ? "always" : "never";
    return set_unigram(root, unknown_of(root, config, "<unk>", 100)) &&
           set_parts(root, one_space(WORD_START), metaspace(scheme, true), metaspace(scheme, true));
}

static bool build_mapped(json_t *root, json_int_t unk, const char *scheme)
{
    json_t *map = charsmap(root);
    return set_unigram(root, unk) &&
           set_parts(root, map ? map : json_null(), words_and_metaspace(scheme), metaspace(scheme, true));
}

bool tok_build_xlmr(json_t *root, const json_t *config)
{
    return build_mapped(root, 3, tok_flag(config, "add_prefix_space", true) ? "always" : "never");
}

bool tok_build_camembert(json_t *root, const json_t *config)
{
    json_int_t unk = tok_token_id(root, tok_named_token(config, "unk_token", "<unk>"));
    return build_mapped(root, unk < 0 ? 0 : unk,
                        tok_flag(config, "add_prefix_space", true) ? "always" : "never");
}

bool tok_build_t5(json_t *root, const json_t *config)
{
    (void)config;
    return build_mapped(root, 2, "always");
}

/* ---- translators and writers of summaries ---- */

static json_t *sequence_of(json_t *first, json_t *second)
{
    return json_pack("{s:s, s:[o,o]}", "type", "Sequence", "normalizers", first, second);
}

bool tok_build_mbart(json_t *root, const json_t *config)
{
    (void)config;
    return set_unigram(root, 3) &&
           set_parts(root, json_null(), words_and_metaspace("always"), metaspace("always", true));
}

bool tok_build_mbart50(json_t *root, const json_t *config)
{
    json_t *map = charsmap(root), *steps = json_pack("[o]", one_space(" "));
    (void)config;
    if (map)
        json_array_insert_new(steps, 0, map);
    return set_unigram(root, 3) &&
           set_parts(root, json_pack("{s:s, s:o}", "type", "Sequence", "normalizers", steps),
                     metaspace("always", true), metaspace("always", true));
}

bool tok_build_nllb(json_t *root, const json_t *config)
{
    json_t *map = charsmap(root);
    return set_bpe(root, tok_named_token(config, "unk_token", "<unk>"), true) &&
           json_object_set_new(json_object_get(root, "model"), "byte_fallback", json_false()) == 0 &&
           set_parts(root, map ? sequence_of(map, one_space(" ")) : json_null(), metaspace("always", true),
                     metaspace("always", true));
}

bool tok_build_pegasus(json_t *root, const json_t *config)
{
    json_int_t unk = tok_token_id(root, tok_named_token(config, "unk_token", "<unk>"));
    json_t *map = charsmap(root);
    return set_unigram(root, unk < 0 ? 0 : unk) &&
           set_parts(root,
                     sequence_of(map ? map
                                     : json_pack("{s:s, s:{s:s}, s:s}", "type", "Replace", "pattern", "Regex",
                                                 "\\n", "content", " "),
                                 one_space(" ")),
                     metaspace("always", true), metaspace("always", true));
}
