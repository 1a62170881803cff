#include "tokenizer/files/amend.h"

#include "tokenizer/component.h"
#include "tokenizer/files/spiece.h"
#include "tokenizer/files/token_list.h"

#include <ctype.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

/* ---- the model's type ---- */

/* Files of 2020 do not say it. The order is that of the library tokenizers, which takes the first that fits. */
static const char *type_of(const json_t *model)
{
    const json_t *vocab = json_object_get(model, "vocab");
    if (json_is_object(vocab) && json_object_get(model, "merges"))
        return "BPE";
    if (json_is_object(vocab) && json_object_get(model, "continuing_subword_prefix"))
        return "WordPiece";
    return json_is_array(vocab) ? "Unigram" : "WordLevel";
}

static bool set_type(json_t *root)
{
    json_t *model = json_object_get(root, "model");
    if (!json_is_object(model) || json_object_get(model, "type"))
        return true;
    return json_object_set_new(model, "type", json_string(type_of(model))) == 0;
}

/* ---- special tokens ---- */

/* The names of a class's special tokens where the configuration has none. */
struct usual_tokens {
    const char *unk, *sep, *pad, *cls, *mask, *bos, *eos;
};
static const struct usual_tokens of_bert = {"[UNK]", "[SEP]", "[PAD]", "[CLS]", "[MASK]", "", ""};
static const struct usual_tokens of_roberta = {"<unk>", "</s>", "<pad>", "<s>", "<mask>", "<s>", "</s>"};
static const struct usual_tokens of_mpnet = {"[UNK]", "</s>", "<pad>", "<s>", "<mask>", "<s>", "</s>"};

static const struct tokenizer_class {
    const char *name;
    const struct usual_tokens *tokens;
    bool words;  /* WordPiece; else bytes, */
    bool pieces; /* or SentencePiece's Unigram */
} classes[] = {
    {"BertTokenizer", &of_bert, true, false},        {"DistilBertTokenizer", &of_bert, true, false},
    {"ElectraTokenizer", &of_bert, true, false},     {"MPNetTokenizer", &of_mpnet, true, false},
    {"RobertaTokenizer", &of_roberta, false, false}, {"DebertaV2Tokenizer", &of_bert, false, true},
};

static const struct tokenizer_class *class_of(const char *name)
{
    for (size_t i = 0; i < sizeof classes / sizeof *classes; i++)
        if (strcmp(name, classes[i].name) == 0)
            return &classes[i];
    return NULL;
}

/* XLM-RoBERTa's pipeline is that of its file. */
const char *tok_usual_token(const char *class, const char *name)
{
    const struct tokenizer_class *c = class_of(class);
    const struct usual_tokens *usual = c                                           ? c->tokens
                                       : strcmp(class, "XLMRobertaTokenizer") == 0 ? &of_roberta
                                                                                   : NULL;
    if (!usual)
        return NULL;
    const char *const names[][2] = {{"unk_token", usual->unk},   {"sep_token", usual->sep},
                                    {"pad_token", usual->pad},   {"cls_token", usual->cls},
                                    {"mask_token", usual->mask}, {"bos_token", usual->bos},
                                    {"eos_token", usual->eos}};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (strcmp(names[i][0], name) == 0)
            return names[i][1];
    return "";
}

/* A token is a string, or an object with its content; "" for none. */
static const char *content_of(const json_t *token)
{
    const char *text = json_string_value(json_is_object(token) ? json_object_get(token, "content") : token);
    return text ? text : "";
}

static const char *named(const json_t *config, const char *name, const char *usual)
{
    const json_t *token = json_object_get(config, name);
    return token && !json_is_null(token) ? content_of(token) : usual;
}

/* A tokenizer.json, and what it is asked for of each token that a folder names. */
struct amended {
    json_t *root;
    struct token_list added;  /* its added_tokens */
    struct token_list pieces; /* of Unigram's vocabulary, a list; empty until somebody asks */
    json_int_t next;          /* the id of the next token that is added */
    bool failed;              /* there was no memory for pieces */
};

static struct hone_text text_of(const char *text)
{
    return (struct hone_text){text, strlen(text)};
}

static bool note_added(struct amended *a, json_t *token)
{
    const json_int_t id = json_integer_value(json_object_get(token, "id"));
    a->next = id >= a->next && id < INT32_MAX ? id + 1 : a->next;
    return tok_list_add(&a->added, text_of(content_of(token)), id, token);
}

/* false: no memory. To be released in any case. */
static bool amended_start(struct amended *a, json_t *root)
{
    const json_t *vocab = json_object_get(json_object_get(root, "model"), "vocab");
    const json_t *list = json_object_get(root, "added_tokens");
    *a = (struct amended){.root = root,
                          .next = (json_int_t)(json_array_size(vocab) + json_object_size(vocab))};
    bool ok = true;
    for (size_t i = 0; i < json_array_size(list) && ok; i++)
        ok = note_added(a, json_array_get(list, i));
    return ok;
}

static void amended_release(struct amended *a)
{
    tok_list_release(&a->added);
    tok_list_release(&a->pieces);
}

/* NULL: there is none. */
static json_t *find_added(const struct amended *a, const char *content)
{
    const struct listed_token *token = tok_list_find(&a->added, text_of(content));
    return token ? token->entry : NULL;
}

/* Unigram's: pairs of a piece and its score. */
static void list_pieces(struct amended *a, const json_t *vocab)
{
    for (size_t i = 0; i < json_array_size(vocab) && !a->failed; i++) {
        const char *piece = json_string_value(json_array_get(json_array_get(vocab, i), 0));
        a->failed = piece && !tok_list_add(&a->pieces, text_of(piece), (json_int_t)i, NULL);
    }
}

/* -1: it is no token. */
static json_int_t id_of(struct amended *a, const char *content)
{
    const json_t *vocab = json_object_get(json_object_get(a->root, "model"), "vocab");
    if (a->pieces.by_text.n == 0)
        list_pieces(a, vocab);
    const struct listed_token *piece = tok_list_find(&a->pieces, text_of(content));
    if (piece)
        return piece->id;
    const json_t *id = json_object_get(vocab, content);
    id = id ? id : json_object_get(find_added(a, content), "id");
    return json_is_integer(id) ? json_integer_value(id) : -1;
}

/* how: an object that says how it is looked for; or NULL. */
static bool add_token(struct amended *a, const char *content, json_int_t id, const json_t *how, bool special)
{
    json_t *list = json_object_get(a->root, "added_tokens");
    if (!*content || find_added(a, content))
        return true;
    if (!json_is_array(list)) {
        list = json_array();
        if (json_object_set_new(a->root, "added_tokens", list) != 0)
            return false;
    }
    const json_t *says = json_object_get(how, "special");
    special = says ? json_is_true(says) : special;
    const json_t *normalized = json_object_get(how, "normalized");
    json_t *token =
        json_pack("{s:I, s:s, s:b, s:b, s:b, s:b, s:b}", "id", id, "content", content, "single_word",
                  (int)json_is_true(json_object_get(how, "single_word")), "lstrip",
                  (int)json_is_true(json_object_get(how, "lstrip")), "rstrip",
                  (int)json_is_true(json_object_get(how, "rstrip")), "normalized",
                  (int)(normalized ? json_is_true(normalized) : !special), "special", (int)special);
    return json_array_append_new(list, token) == 0 && note_added(a, token);
}

static const char *const usual_names[] = {"bos_token", "eos_token", "unk_token", "sep_token",
                                          "pad_token", "cls_token", "mask_token"};
enum { N_USUAL = sizeof usual_names / sizeof *usual_names };

/* The special tokens that a configuration names. false: no memory. */
static bool list_specials(struct token_list *list, const json_t *config)
{
    const json_t *others = json_object_get(config, "additional_special_tokens");
    bool ok = true;
    for (size_t i = 0; i < N_USUAL && ok; i++)
        ok = tok_list_add(list, text_of(named(config, usual_names[i], "")), 0, NULL);
    for (size_t i = 0; i < json_array_size(others) && ok; i++)
        ok = tok_list_add(list, text_of(content_of(json_array_get(others, i))), 0, NULL);
    return ok;
}

/* Those of tokenizer_config.json's added_tokens_decoder, or where it has none, those of added_tokens.json. */
static bool add_tokens(struct amended *a, const struct tokenizer_folder *f)
{
    json_t *decoder = json_object_get(f->config, "added_tokens_decoder"), *value;
    const char *key;
    struct token_list specials = {0};
    bool ok = list_specials(&specials, f->config);
    json_object_foreach (decoder, key, value) {
        json_int_t id = 0;
        ok = ok && sscanf(key, "%" JSON_INTEGER_FORMAT, &id) == 1 &&
             add_token(a, content_of(value), id, value, false);
    }
    json_object_foreach ((json_t *)(decoder ? NULL : f->added), key, value)
        ok = ok && (!json_is_integer(value) || add_token(a, key, json_integer_value(value), NULL,
                                                         tok_list_find(&specials, text_of(key)) != NULL));
    tok_list_release(&specials);
    return ok;
}

/* A text that holds the token has it whole. One that the vocabulary does not have is added behind the others, where the model
 * has a row for it: else transformers fails at texts that hold it, and here they have what it is made of. */
static bool add_special(struct amended *a, const struct tokenizer_folder *f, const char *content,
                        const json_t *how)
{
    if (!*content || find_added(a, content))
        return true;
    json_int_t id = id_of(a, content);
    bool is_new = id < 0;
    if (is_new)
        id = a->next;
    return (is_new && id >= (json_int_t)f->n_rows) ||
           add_token(a, content, id, json_is_object(how) ? how : NULL, true);
}

static bool is_usual(const char *key)
{
    for (size_t i = 0; i < N_USUAL; i++)
        if (strcmp(usual_names[i], key) == 0)
            return true;
    return false;
}

/* Lists of tokens, and objects that give each a name. */
static bool add_listed(struct amended *a, const struct tokenizer_folder *f, const json_t *tokens)
{
    const char *name;
    json_t *token;
    bool ok = true;
    for (size_t i = 0; i < json_array_size(tokens) && ok; i++)
        ok = add_special(a, f, content_of(json_array_get(tokens, i)), json_array_get(tokens, i));
    json_object_foreach ((json_t *)tokens, name, token) {
        ok = ok && add_special(a, f, content_of(token), token);
    }
    return ok;
}

/* Those that the configuration names, in transformers' order, which gives new ones their ids: the usual ones, those of a
 * model's own (image_token), and lists, of which the old name is read where the new one has none. */
static bool add_named(struct amended *a, const struct tokenizer_folder *f, const struct usual_tokens *usual)
{
    const char *const names[][2] = {
        {"bos_token", usual ? usual->bos : ""},  {"eos_token", usual ? usual->eos : ""},
        {"unk_token", usual ? usual->unk : ""},  {"sep_token", usual ? usual->sep : ""},
        {"pad_token", usual ? usual->pad : ""},  {"cls_token", usual ? usual->cls : ""},
        {"mask_token", usual ? usual->mask : ""}};
    const json_t *extra = json_object_get(f->config, "extra_special_tokens");
    const char *key;
    json_t *value;
    bool ok = true;
    for (size_t i = 0; i < sizeof names / sizeof *names && ok; i++) {
        const json_t *how = json_object_get(f->config, names[i][0]);
        ok = add_special(a, f, how ? content_of(how) : names[i][1], how);
    }
    json_object_foreach ((json_t *)f->config, key, value) {
        size_t n = strlen(key);
        if (ok && n > 6 && strcmp(key + n - 6, "_token") == 0 && !is_usual(key))
            ok = add_special(a, f, content_of(value), value);
    }
    ok = ok && add_listed(a, f, json_object_get(f->config, "model_specific_special_tokens"));
    if (json_array_size(extra) + json_object_size(extra) == 0)
        extra = json_object_get(f->config, "additional_special_tokens");
    return ok && add_listed(a, f, extra);
}

/* ---- pipelines of classes ---- */

static bool flag(const json_t *config, const char *key, bool otherwise)
{
    const json_t *value = json_object_get(config, key);
    return json_is_boolean(value) ? json_is_true(value) : otherwise;
}

static json_t *bert_normalizer(const json_t *config)
{
    const json_t *accents = json_object_get(config, "strip_accents");
    return json_pack("{s:s, s:b, s:b, s:o, s:b}", "type", "BertNormalizer", "clean_text", 1,
                     "handle_chinese_chars", (int)flag(config, "tokenize_chinese_chars", true),
                     "strip_accents",
                     json_is_boolean(accents) ? json_boolean(json_is_true(accents)) : json_null(),
                     "lowercase", (int)flag(config, "do_lower_case", true));
}

static json_t *special_piece(const char *token, int type)
{
    return json_pack("{s:{s:s, s:i}}", "SpecialToken", "id", token, "type_id", type);
}

static json_t *sequence_piece(const char *name, int type)
{
    return json_pack("{s:{s:s, s:i}}", "Sequence", "id", name, "type_id", type);
}

static json_t *bert_template(const char *cls, json_int_t cls_id, const char *sep, json_int_t sep_id)
{
    return json_pack("{s:s, s:[o,o,o], s:[o,o,o,o,o], s:{s:{s:s,s:[I],s:[s]}, s:{s:s,s:[I],s:[s]}}}", "type",
                     "TemplateProcessing", "single", special_piece(cls, 0), sequence_piece("A", 0),
                     special_piece(sep, 0), "pair", special_piece(cls, 0), sequence_piece("A", 0),
                     special_piece(sep, 0), sequence_piece("B", 1), special_piece(sep, 1), "special_tokens",
                     cls, "id", cls, "ids", cls_id, "tokens", cls, sep, "id", sep, "ids", sep_id, "tokens",
                     sep);
}

static json_t *roberta_template(const char *cls, json_int_t cls_id, const char *sep, json_int_t sep_id,
                                bool trim, bool prefix)
{
    return json_pack("{s:s, s:[s,I], s:[s,I], s:b, s:b}", "type", "RobertaProcessing", "sep", sep, sep_id,
                     "cls", cls, cls_id, "trim_offsets", (int)trim, "add_prefix_space", (int)prefix);
}

/* What stands around a text, where the vocabulary has it. */
static json_t *template_of(struct amended *a, const json_t *config, const struct tokenizer_class *class)
{
    const char *cls = named(config, "cls_token", class->tokens->cls),
               *sep = named(config, "sep_token", class->tokens->sep);
    json_int_t cls_id = id_of(a, cls), sep_id = id_of(a, sep);
    bool is_null = json_is_null(json_object_get(config, "cls_token")) ||
                   json_is_null(json_object_get(config, "sep_token"));
    if (cls_id < 0 || sep_id < 0 || is_null)
        return NULL;
    if (class->tokens == &of_bert && strcmp(cls, sep) != 0)
        return bert_template(cls, cls_id, sep, sep_id);
    if (class->words)
        return roberta_template(cls, cls_id, sep, sep_id, true, false);
    return roberta_template(cls, cls_id, sep, sep_id, flag(config, "trim_offsets", true),
                            flag(config, "add_prefix_space", false));
}

static bool build_words(json_t *root, const json_t *config, const struct tokenizer_class *class)
{
    json_t *model = json_object_get(root, "model");
    json_t *prefix = json_string("##"), *chars = json_integer(100);
    return (json_object_set_new(model, "unk_token",
                                json_string(named(config, "unk_token", class->tokens->unk))) |
            json_object_set_new(model, "continuing_subword_prefix", prefix) |
            json_object_set_new(model, "max_input_chars_per_word", chars) |
            json_object_set_new(root, "normalizer", bert_normalizer(config)) |
            json_object_set_new(root, "pre_tokenizer", json_pack("{s:s}", "type", "BertPreTokenizer")) |
            json_object_set_new(
                root, "decoder",
                json_pack("{s:s, s:s, s:b}", "type", "WordPiece", "prefix", "##", "cleanup", 1))) == 0;
}

static bool build_bytes(json_t *root, const json_t *config)
{
    return (json_object_set_new(root, "pre_tokenizer",
                                json_pack("{s:s, s:b, s:b, s:b}", "type", "ByteLevel", "add_prefix_space",
                                          (int)flag(config, "add_prefix_space", false), "trim_offsets", 1,
                                          "use_regex", 1)) |
            json_object_set_new(root, "normalizer", json_null())) == 0;
}

/* DeBERTa's. What a file says of normalising characters is not looked at. */
static bool build_pieces(json_t *root, const json_t *config)
{
    const char *scheme = flag(config, "add_prefix_space", true) ? "always" : "first";
    json_t *steps = json_pack("[{s:s, s:{s:s}, s:s}, {s:s}, {s:s, s:b, s:b}]", "type", "Replace", "pattern",
                              "Regex", "\\s{2,}|[\\n\\r\\t]", "content", " ", "type", "NFC", "type", "Strip",
                              "strip_left", 0, "strip_right", 1);
    json_t *space = json_pack("{s:s, s:s, s:s, s:b}", "type", "Metaspace", "replacement", "\xe2\x96\x81",
                              "prepend_scheme", scheme, "split", 1);
    json_t *cuts = json_pack("[O]", space);
    if (flag(config, "do_lower_case", false))
        json_array_insert_new(steps, 0, json_pack("{s:s}", "type", "Lowercase"));
    if (flag(config, "split_by_punct", false))
        json_array_insert_new(cuts, 0,
                              json_pack("{s:s, s:s}", "type", "Punctuation", "behavior", "Isolated"));
    return (json_object_set_new(root, "normalizer",
                                json_pack("{s:s, s:o}", "type", "Sequence", "normalizers", steps)) |
            json_object_set_new(root, "pre_tokenizer",
                                json_pack("{s:s, s:o}", "type", "Sequence", "pretokenizers", cuts)) |
            json_object_set_new(root, "decoder", space)) == 0;
}

/* Classes that keep what a file says of cutting bytes, but for the space before a text; and GPT-NeoX's puts no tokens around
 * one, unless it is told to. */
static bool adjust(json_t *root, const json_t *config, const char *class)
{
    json_t *cuts = json_object_get(root, "pre_tokenizer");
    bool neox = strcmp(class, "GPTNeoXTokenizer") == 0;
    bool ok = true;
    if (!neox && strcmp(class, "GPT2Tokenizer") != 0)
        return true;
    if (strcmp(tok_component_type(cuts), "ByteLevel") == 0)
        ok = json_object_set_new(cuts, "add_prefix_space",
                                 json_boolean(flag(config, "add_prefix_space", false))) == 0;
    if (ok && neox && !flag(config, "add_bos_token", false) && !flag(config, "add_eos_token", false))
        ok = json_object_set_new(root, "post_processor", json_null()) == 0;
    return ok;
}

static bool build(struct amended *a, const json_t *config, const struct tokenizer_class *class)
{
    json_t *root = a->root;
    const char *type = tok_component_type(json_object_get(root, "model"));
    if (strcmp(type, class->words ? "WordPiece" : class->pieces ? "Unigram" : "BPE") != 0)
        return true; /* the file is of another kind than its class, and counts */
    if (!(class->words    ? build_words(root, config, class)
          : class->pieces ? build_pieces(root, config)
                          : build_bytes(root, config)))
        return false;
    json_t *template = template_of(a, config, class);
    return !template || json_object_set_new(root, "post_processor", template) == 0;
}

/* ---- languages ---- */

/* Classes that put the token of the text's language around it. */
static const struct {
    const char *name, *usual;
    bool behind; /* and the end token before it; else it is in front */
} translators[] = {{"NllbTokenizer", "eng_Latn", false},
                   {"MBartTokenizer", "en_XX", true},
                   {"MBart50Tokenizer", "en_XX", false}};

static json_t *language_template(const char *first, const char *last, const char *more, json_t *specials)
{
    json_t *single = json_array(), *pair = json_array();
    for (int n = 1; n <= 2; n++) {
        json_t *pieces = n == 1 ? single : pair;
        if (*first)
            json_array_append_new(pieces, special_piece(first, 0));
        json_array_append_new(pieces, sequence_piece("A", 0));
        if (n == 2)
            json_array_append_new(pieces, sequence_piece("B", 0));
        json_array_append_new(pieces, special_piece(last, 0));
        if (*more)
            json_array_append_new(pieces, special_piece(more, 0));
    }
    return json_pack("{s:s, s:o, s:o, s:o}", "type", "TemplateProcessing", "single", single, "pair", pair,
                     "special_tokens", specials);
}

static bool surround(struct amended *a, const struct tokenizer_folder *f)
{
    size_t i = 0, n = sizeof translators / sizeof *translators;
    while (i < n && strcmp(f->class, translators[i].name) != 0)
        i++;
    if (i == n)
        return true;
    const char *language = named(f->config, "src_lang", translators[i].usual),
               *end = named(f->config, "eos_token", "</s>");
    json_int_t language_id = id_of(a, language), end_id = id_of(a, end);
    if (language_id < 0 || end_id < 0)
        return true; /* the file's own template counts */
    bool behind = translators[i].behind || flag(f->config, "legacy_behaviour", false);
    json_t *specials =
        json_pack("{s:{s:s,s:[I],s:[s]}, s:{s:s,s:[I],s:[s]}}", language, "id", language, "ids", language_id,
                  "tokens", language, end, "id", end, "ids", end_id, "tokens", end);
    json_t *template = behind ? language_template("", end, language, specials)
                              : language_template(language, end, "", specials);
    return template && json_object_set_new(a->root, "post_processor", template) == 0;
}

/* ---- small letters ---- */

static bool lowercases(const json_t *normalizer)
{
    const json_t *steps[COMPONENT_MAX_STEPS];
    struct complaint c = {NULL};
    int n = tok_component_steps(normalizer, "normalizers", steps, &c);
    for (int i = 0; i < n; i++)
        if (strcmp(tok_component_type(steps[i]), "Lowercase") == 0 ||
            tok_component_bool(steps[i], "lowercase", false))
            return true;
    return false;
}

static bool lowercase(json_t *root)
{
    json_t *normalizer = json_object_get(root, "normalizer");
    if (lowercases(normalizer))
        return true;
    json_t *first = json_pack("{s:s}", "type", "Lowercase");
    json_t *both = json_is_object(normalizer)
                       ? json_pack("{s:s, s:[o,O]}", "type", "Sequence", "normalizers", first, normalizer)
                       : first;
    return json_object_set_new(root, "normalizer", both) == 0;
}

/* ---- markers ---- */

static bool is_word(const char *text)
{
    for (; *text; text++)
        if (!isalnum((unsigned char)*text))
            return false;
    return true;
}

/* The marker, or else its first word, where it is a token that the pipeline would take apart. */
static bool mark(struct amended *a, const char *marker)
{
    char word[128];
    size_t n = strcspn(marker, " ");
    snprintf(word, sizeof word, "%.*s", (int)(n < sizeof word - 1 ? n : sizeof word - 1), marker);
    const char *const forms[] = {marker, word};
    for (size_t i = 0; i < 2; i++) {
        json_t *added = find_added(a, forms[i]);
        json_int_t id = id_of(a, forms[i]);
        if (added)
            return json_object_set_new(added, "normalized", json_false()) == 0 &&
                   json_object_set_new(added, "special", json_true()) == 0;
        if (id >= 0)
            return is_word(forms[i]) || add_token(a, forms[i], id, NULL, true);
    }
    return true;
}

bool tok_amend(json_t *root, const struct tokenizer_folder *folder)
{
    bool ok = set_type(root);
    if (!folder || !json_is_object(root))
        return ok;
    const struct tokenizer_class *class = class_of(folder->class);
    struct amended a = {0};
    ok = ok && amended_start(&a, root) && add_tokens(&a, folder) &&
         add_named(&a, folder, class ? class->tokens : NULL);
    if (class)
        ok = ok && build(&a, folder->config, class);
    ok = ok && adjust(root, folder->config, folder->class) && surround(&a, folder);
    for (size_t i = 0; i < 2 && ok; i++)
        ok = !folder->markers[i] || mark(&a, folder->markers[i]);
    ok = ok && !a.failed;
    amended_release(&a);
    return ok && (!folder->lowercases || lowercase(root));
}

/* ---- a SentencePiece model, for a class that makes a pipeline of its own ---- */

static bool add_pieces(json_t *root, json_t *vocab, const struct tok_vocab *pieces, const json_t *config)
{
    struct amended a;
    bool ok = amended_start(&a, root);
    for (size_t i = 0; i < pieces->n_tokens && ok; i++) {
        struct hone_text piece = pieces->tokens[i];
        int type = pieces->types ? pieces->types[i] : TOK_NORMAL;
        json_t *text = json_stringn(piece.data, piece.size);
        bool special = type == TOK_CONTROL || type == TOK_UNKNOWN;
        ok = text && (!special || add_token(&a, json_string_value(text), (json_int_t)i, NULL, true));
        ok = json_array_append_new(vocab,
                                   json_pack("[o, f]", text, pieces->scores ? pieces->scores[i] : 0)) == 0 &&
             ok;
        if (type == TOK_UNKNOWN)
            ok = json_object_set_new(json_object_get(root, "model"), "unk_id", json_integer((json_int_t)i)) ==
                     0 &&
                 ok;
    }
    const char *mask = named(config, "mask_token", "[MASK]");
    ok = ok && (id_of(&a, mask) >= 0 || add_token(&a, mask, (json_int_t)pieces->n_tokens, NULL, true)) &&
         !a.failed;
    amended_release(&a);
    return ok;
}

bool tok_spiece_read_in(struct hone_text model, const struct tokenizer_folder *folder,
                        struct tokenizer_file *out, struct hone_error *err)
{
    struct tokenizer_file raw;
    const struct spiece_options plain = {.family = SPIECE_T5, .extra_ids = 0, .add_bos = -1, .add_eos = -1};
    if (!tok_spiece_read(model, &plain, &raw, err))
        return false;
    json_t *vocab = json_array();
    json_t *root = json_pack("{s:{s:s, s:O, s:b}, s:[]}", "model", "type", "Unigram", "vocab", vocab,
                             "byte_fallback", 0, "added_tokens");
    bool made = root && add_pieces(root, vocab, &raw.vocab, folder->config);
    json_decref(vocab);
    tok_file_release(&raw);
    if (made)
        return tok_json_take(root, folder, out, err);
    json_decref(root);
    return hone_no_memory(err, "the tokenizer", 0) == HONE_OK;
}
