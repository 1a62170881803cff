#include "tokenizer/files/amend.h"

#include "tokenizer/component.h"
#include "tokenizer/files/classes.h"
#include "tokenizer/files/parts.h"
#include "tokenizer/files/spiece.h"
#include "tokenizer/files/token_list.h"

#include <ctype.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
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

const char *tok_usual_token(const char *class, const char *name)
{
    const struct tokenizer_class *c = tok_class_find(class);
    if (!c)
        return NULL;
    const char *const names[][2] = {{"unk_token", c->tokens->unk},   {"sep_token", c->tokens->sep},
                                    {"pad_token", c->tokens->pad},   {"cls_token", c->tokens->cls},
                                    {"mask_token", c->tokens->mask}, {"bos_token", c->tokens->bos},
                                    {"eos_token", c->tokens->eos}};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (strcmp(names[i][0], name) == 0)
            return names[i][1];
    return "";
}

/* A tokenizer.json, and what it is asked for of each token that a folder names. */
struct amended {
    json_t *root;
    struct token_list added;  /* its added_tokens */
    struct token_list pieces; /* of Unigram's vocabulary, a list; empty until somebody asks */
    json_int_t next;          /* the id of the next token that is added */
    size_t n_looked_at;       /* of that list, for them */
    bool failed;              /* there was no memory for pieces */
    bool plain_specials; /* special tokens are looked for as they are, whatever the folder says of them */
};

static struct hone_text text_of(const char *text)
{
    return (struct hone_text){text, strlen(text)};
}

static bool note_added(struct amended *a, json_t *token)
{
    const json_int_t id = json_integer_value(json_object_get(token, "id"));
    a->next = id >= a->next && id < INT32_MAX ? id + 1 : a->next;
    return tok_list_add(&a->added, text_of(tok_token_text(token)), id, token);
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
    if (a->pieces.by_text.n == 0 && a->n_looked_at < json_array_size(vocab)) {
        a->n_looked_at = json_array_size(vocab); /* of which none may be a text */
        list_pieces(a, vocab);
    }
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
        ok = tok_list_add(list, text_of(tok_named_token(config, usual_names[i], "")), 0, NULL);
    for (size_t i = 0; i < json_array_size(others) && ok; i++)
        ok = tok_list_add(list, text_of(tok_token_text(json_array_get(others, i))), 0, NULL);
    return ok;
}

/* A token that a folder lists. How it is looked for, the folder says before tokenizer.json; its id is that of the vocabulary, or
 * the next one, whatever number it stands under. */
static bool add_listed_token(struct amended *a, const char *content, const json_t *how, bool special)
{
    static const char *const flags[] = {"single_word", "lstrip", "rstrip", "normalized", "special"};
    json_t *known = find_added(a, content);
    bool ok = true;
    for (size_t i = 0; known && how && i < sizeof flags / sizeof *flags && ok; i++) {
        const json_t *flag = json_object_get(how, flags[i]);
        ok = !json_is_boolean(flag) ||
             json_object_set_new(known, flags[i], json_boolean(json_is_true(flag))) == 0;
    }
    if (known || !*content)
        return ok;
    json_int_t id = id_of(a, content);
    return add_token(a, content, id < 0 ? a->next : id, how, special);
}

struct numbered {
    json_int_t id;
    const json_t *token;
};

static int by_number(const void *a, const void *b)
{
    const struct numbered *x = a, *y = b;
    return (x->id > y->id) - (x->id < y->id);
}

/* Of added_tokens_decoder, in the order of their numbers, in which new ones get their ids. */
static bool add_numbered(struct amended *a, json_t *decoder)
{
    struct numbered *list = malloc((json_object_size(decoder) + 1) * sizeof *list);
    const char *key;
    json_t *value;
    size_t n = 0;
    bool ok = list != NULL;
    json_object_foreach (decoder, key, value)
        if (ok && (ok = sscanf(key, "%" JSON_INTEGER_FORMAT, &list[n].id) == 1))
            list[n++].token = value;
    if (n > 0)
        qsort(list, n, sizeof *list, by_number);
    for (size_t i = 0; i < n && ok; i++)
        ok = add_listed_token(a, tok_token_text(list[i].token),
                              json_is_object(list[i].token) ? list[i].token : NULL, false);
    free(list);
    return ok;
}

static int by_id(const void *a, const void *b)
{
    const json_int_t x = *(const json_int_t *)a, y = *(const json_int_t *)b;
    return (x > y) - (x < y);
}

/* The numbers that added tokens of tokenizer.json have, in order; to be freed. NULL: no memory. */
static json_int_t *taken_numbers(const struct amended *a, size_t *n)
{
    const json_t *list = json_object_get(a->root, "added_tokens");
    *n = json_array_size(list);
    json_int_t *ids = malloc((*n + 1) * sizeof *ids);
    for (size_t i = 0; ids && i < *n; i++)
        ids[i] = json_integer_value(json_object_get(json_array_get(list, i), "id"));
    if (ids && *n > 0)
        qsort(ids, *n, sizeof *ids, by_id);
    return ids;
}

/* Those of tokenizer_config.json's added_tokens_decoder, or where it has none, those of added_tokens.json, but for those whose
 * number an added token of tokenizer.json has. */
static bool add_tokens(struct amended *a, const struct tokenizer_folder *f)
{
    size_t n_taken;
    json_int_t *taken = taken_numbers(a, &n_taken);
    json_t *decoder = json_object_get(f->config, "added_tokens_decoder"), *value;
    const char *key;
    struct token_list specials = {0};
    bool ok = taken && list_specials(&specials, f->config) && add_numbered(a, decoder);
    json_object_foreach ((json_t *)(decoder ? NULL : f->added), key, value) {
        const json_int_t id = json_integer_value(value);
        ok = ok && (!json_is_integer(value) || bsearch(&id, taken, n_taken, sizeof id, by_id) ||
                    add_listed_token(a, key, NULL, tok_list_find(&specials, text_of(key)) != NULL));
    }
    free(taken);
    tok_list_release(&specials);
    return ok;
}

/* A text that holds the token has it whole. One that the vocabulary does not have is added behind the others, where the model
 * has a row for it: else transformers fails at texts that hold it, and here they have what it is made of. */
static bool add_special(struct amended *a, const struct tokenizer_folder *f, const char *content,
                        const json_t *how)
{
    json_t *known = find_added(a, content);
    if (known && a->plain_specials)
        return json_object_update_new(known,
                                      json_pack("{s:b, s:b, s:b, s:b, s:b}", "single_word", 0, "lstrip", 0,
                                                "rstrip", 0, "normalized", 0, "special", 1)) == 0;
    if (!*content || known)
        return true;
    json_int_t id = id_of(a, content);
    bool is_new = id < 0;
    if (is_new)
        id = a->next;
    return (is_new && id >= (json_int_t)f->n_rows) ||
           add_token(a, content, id, json_is_object(how) && !a->plain_specials ? how : NULL, true);
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
        ok = add_special(a, f, tok_token_text(json_array_get(tokens, i)), json_array_get(tokens, i));
    json_object_foreach ((json_t *)tokens, name, token) {
        ok = ok && add_special(a, f, tok_token_text(token), token);
    }
    return ok;
}

/* Those that the configuration names, in transformers' order, which gives new ones their ids: the usual ones, those of a
 * model's own (image_token), and those of lists. */
static bool add_named(struct amended *a, const struct tokenizer_folder *f,
                      const struct tokenizer_class *class)
{
    const struct usual_tokens *usual = class ? class->tokens : NULL;
    const char *const names[][2] = {
        {"bos_token", usual ? usual->bos : ""},  {"eos_token", usual ? usual->eos : ""},
        {"unk_token", usual ? usual->unk : ""},  {"sep_token", usual ? usual->sep : ""},
        {"pad_token", usual ? usual->pad : ""},  {"cls_token", usual ? usual->cls : ""},
        {"mask_token", usual ? usual->mask : ""}};
    const char *key;
    json_t *value;
    json_t *spaces = json_pack("{s:b}", "lstrip", 1);
    bool ok = spaces != NULL;
    for (size_t i = 0; i < sizeof names / sizeof *names && ok; i++) {
        const json_t *how = json_object_get(f->config, names[i][0]);
        const char *content = how ? tok_token_text(how) : names[i][1];
        if (class && class->mask_takes_spaces && strcmp(names[i][0], "mask_token") == 0 &&
            !json_is_object(how))
            how = spaces;
        ok = add_special(a, f, content, how);
    }
    json_decref(spaces);
    json_object_foreach ((json_t *)f->config, key, value) {
        size_t n = strlen(key);
        if (ok && n > 6 && strcmp(key + n - 6, "_token") == 0 && !is_usual(key))
            ok = add_special(a, f, tok_token_text(value), value);
    }
    ok = ok && add_listed(a, f, json_object_get(f->config, "model_specific_special_tokens"));
    json_t *extra = tok_extra_tokens(f->config, f->class);
    ok = ok && extra && add_listed(a, f, extra);
    json_decref(extra);
    return ok;
}

/* ---- classes ---- */

/* Whether a part of the pipeline is over bytes. */
static bool has_bytes(const json_t *part)
{
    static const char *const lists[] = {"pretokenizers", "decoders"};
    bool found = strcmp(tok_component_type(part), "ByteLevel") == 0;
    for (size_t i = 0; i < 2; i++) {
        const json_t *steps = json_object_get(part, lists[i]);
        for (size_t k = 0; k < json_array_size(steps); k++)
            found = found || strcmp(tok_component_type(json_array_get(steps, k)), "ByteLevel") == 0;
    }
    return found;
}

/* Llama 3's folders name Llama 2's class, whose pipeline would not fit: transformers takes the file's. */
static const struct tokenizer_class *class_for(const json_t *root, const char *name)
{
    if (strcmp(name, "LlamaTokenizer") == 0 &&
        (has_bytes(json_object_get(root, "pre_tokenizer")) || has_bytes(json_object_get(root, "decoder"))))
        return NULL;
    return tok_class_find(name);
}

static bool apply(json_t *root, const json_t *config, const struct tokenizer_class *class)
{
    if (strcmp(tok_component_type(json_object_get(root, "model")), class->model) != 0)
        return true; /* refused by whoever reads the folder */
    return (!class->build || class->build(root, config)) &&
           (!class->surround || class->surround(root, config, class->tokens));
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
    const struct tokenizer_class *class = class_for(root, folder->class);
    struct amended a = {0};
    /* A class that makes its own pipeline has the tokens that the folder lists, and where it lists none, the file's. */
    if (class && class->build && json_is_object(json_object_get(folder->config, "added_tokens_decoder")))
        ok = ok && json_object_set_new(root, "added_tokens", json_array()) == 0;
    ok = ok && amended_start(&a, root);
    a.plain_specials = class && strcmp(class->name, "Qwen2Tokenizer") == 0;
    ok = ok && add_tokens(&a, folder) && add_named(&a, folder, class);
    if (class)
        ok = ok && apply(root, folder->config, class);
    ok = ok && tok_surround_language(root, folder->config, folder->class);
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
    const char *mask = tok_named_token(config, "mask_token", "[MASK]");
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
