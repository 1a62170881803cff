/* The tokenizer of the folder under GGUF's tokenizer.ggml.* keys, and its pipeline as hone.tokenizer.pipeline. */
#include "runtime/load/import/vocabulary.h"

#include "runtime/base/files.h"
#include "runtime/base/text.h"
#include "runtime/load/import/keys.h"
#include "runtime/load/import/sentence/modules.h"
#include "tokenizer/files/amend.h"
#include "tokenizer/files/byte_vocab.h"
#include "tokenizer/files/classes.h"
#include "tokenizer/files/spiece.h"
#include "tokenizer/files/spiece_classes.h"
#include "tokenizer/files/tekken.h"
#include "tokenizer/files/tiktoken.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define WORD_START "\xe2\x96\x81" /* U+2581, as GGUF marks the words of a WordPiece vocabulary */

/* ---- reading ---- */

static bool flag(const json_t *config, const char *key, bool otherwise)
{
    const json_t *value = json_object_get(config, key);
    return json_is_boolean(value) ? json_is_true(value) : otherwise;
}

/* -1: it does not say. */
static int choice(const json_t *config, const char *key)
{
    const json_t *value = json_object_get(config, key);
    return json_is_boolean(value) ? json_is_true(value) : -1;
}

/* Which family's special tokens a SentencePiece model gets: as the tokenizer's class or the model's type is called. */
static enum spiece_family spiece_family(const struct folder *f, const json_t *config)
{
    static const struct {
        const char *prefix;
        enum spiece_family family;
    } families[] = {
        {"XLMRoberta", SPIECE_XLMR}, {"xlm-roberta", SPIECE_XLMR}, {"Llama", SPIECE_LLAMA},
        {"llama", SPIECE_LLAMA},     {"mistral", SPIECE_LLAMA},    {"Gemma", SPIECE_GEMMA},
        {"gemma", SPIECE_GEMMA},
    };
    const char *const names[] = {json_string_value(json_object_get(config, "tokenizer_class")),
                                 json_string_value(json_object_get(f->config, "model_type"))};
    for (size_t k = 0; k < 2; k++)
        for (size_t i = 0; names[k] && i < sizeof families / sizeof *families; i++)
            if (strncmp(names[k], families[i].prefix, strlen(families[i].prefix)) == 0)
                return families[i].family;
    return SPIECE_T5;
}

static struct spiece_options spiece_options(const struct folder *f, const json_t *config)
{
    const json_t *extra = json_object_get(config, "extra_ids");
    return (struct spiece_options){
        .family = spiece_family(f, config),
        .extra_ids = json_is_integer(extra) ? (int)json_integer_value(extra) : 100,
        .legacy = flag(config, "legacy", false),
        .add_bos = choice(config, "add_bos_token"),
        .add_eos = choice(config, "add_eos_token"),
        .added = json_object_get(config, "added_tokens_decoder"),
    };
}

/* Of families whose vocabularies came as tiktoken's files how text is cut up, which such files do not say: Llama 3's, and those of
 * Moonlight and Kimi K2, behind whose tokens there are 256 that may have a name, and two. */
static enum hone_status read_tiktoken(const struct folder *f, const char *name, struct hone_text text,
                                      const struct tokenizer_folder *about, struct tokenizer_file *out,
                                      struct hone_error *err)
{
    static const struct {
        const char *arch, *class;
        struct tiktoken_options how;
    } known[] = {{"llama", NULL, {.pre = "llama-bpe", .bos = "<|begin_of_text|>"}},
                 {"deepseek2", "TikTokenTokenizer", {.pre = "kimi-k2", .n_reserved = 258}}};
    struct hone_error why = {0};
    const char *named = json_string_value(json_object_get(about->config, "tokenizer_class"));
    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        struct tiktoken_options how = known[i].how;
        if (strcmp(f->arch->name, known[i].arch) != 0 ||
            (known[i].class && strcmp(about->class, known[i].class) != 0))
            continue;
        how.added = json_object_get(about->config, "added_tokens_decoder");
        return tok_tiktoken_read(text, &how, out, &why)
                   ? HONE_OK
                   : hone_fail(err, why.status, "%s/%s: %s", f->dir, name, why.message);
    }
    return hone_fail(
        err, HONE_BAD_MODEL,
        "%s/%s: this is tiktoken's form of a vocabulary, which does not say how text is cut up, and "
        "that of a model of type '%s' with the class '%.64s' is not known; save the tokenizer with "
        "transformers, as tokenizer.json",
        f->dir, name, f->form->type, named ? named : about->class);
}

static enum hone_status read_file(const struct folder *f, const char *name,
                                  const struct tokenizer_folder *about, struct tokenizer_file *out,
                                  bool *found, struct hone_error *err)
{
    void *data;
    size_t size;
    struct hone_error why = {0};
    enum hone_status status = folder_map(f, name, &data, &size, err);
    *found = data != NULL;
    if (status != HONE_OK || !data)
        return status;
    struct hone_text text = {data, size};
    if (strcmp(name, "tiktoken.model") == 0 ||
        (strcmp(name, "tokenizer.model") == 0 && tok_is_tiktoken(text))) {
        status = read_tiktoken(f, name, text, about, out, err);
        unmap_file(data, size);
        return status;
    }
    struct spiece_options pieces = spiece_options(f, about->config);
    struct tokenizer_folder words = *about;
    if (strcmp(words.class, "MPNetTokenizer") != 0)
        words.class = "BertTokenizer";
    bool ok = strcmp(name, "spm.model") == 0        ? tok_spiece_read_in(text, about, out, &why)
              : strcmp(name, "vocab.txt") == 0      ? tok_vocab_txt_read(text, &words, out, &why)
              : strcmp(name, "tokenizer.json") == 0 ? tok_json_read_in(text, about, out, &why)
              : strcmp(name, "tekken.json") == 0    ? tok_tekken_read(text, out, &why)
              : tok_spiece_has_class(about->class)  ? tok_spiece_read_class(text, about, out, &why)
                                                    : tok_spiece_read(text, &pieces, out, &why);
    unmap_file(data, size);
    return ok ? HONE_OK : hone_fail(err, why.status, "%s/%s: %s", f->dir, name, why.message);
}

/* Of families whose SentencePiece models need more than what is in them: where there is no tokenizer.json. */
static enum hone_status check_pieces(const struct folder *f, const json_t *config, const char *class,
                                     struct hone_error *err)
{
    static const char *const archs[] = {"marian", "m2m100", "mbart", "pegasus"};
    void *data;
    size_t size;
    const char *model = vocabulary_read_model(f, config);
    enum hone_status status = folder_map(f, "tokenizer.json", &data, &size, err);
    unmap_file(data, size);
    bool needs = false;
    if (status == HONE_OK && !data && strcmp(class, "PLBartTokenizer") == 0)
        return hone_fail(err, HONE_BAD_MODEL,
                         "%s: a PLBartTokenizer, which there is no tokenizer.json of, is not supported",
                         f->dir);
    for (size_t i = 0; i < sizeof archs / sizeof *archs; i++)
        needs |= strcmp(f->arch->name, archs[i]) == 0 && !tok_spiece_has_class(class);
    if (status == HONE_OK && !data && needs)
        return hone_fail(err, HONE_BAD_MODEL,
                         "%s: there is no tokenizer.json%s%s%s; save the tokenizer with transformers, "
                         "which writes one",
                         f->dir, model ? ", nor " : "", model ? model : "", model ? " with vocab.json" : "");
    return status;
}

static enum hone_status read_plain(const struct folder *f, struct tokenizer_file *out, struct hone_error *err)
{
    bool found;
    enum hone_status status =
        read_file(f, "tokenizer.json", &(struct tokenizer_folder){.class = ""}, out, &found, err);
    return status != HONE_OK || found
               ? status
               : hone_fail(err, HONE_BAD_MODEL, "%s: there is no tokenizer.json", f->dir);
}

/* Of bytes, whatever files there are. */
static enum hone_status read_bytes(const struct folder *f, const struct tokenizer_folder *about,
                                   struct tokenizer_file *out, bool *found, struct hone_error *err)
{
    struct hone_error why = {0};
    *found = strcmp(about->class, "ByT5Tokenizer") == 0;
    return !*found || tok_byte_vocab_read(about->config, out, &why)
               ? HONE_OK
               : hone_fail(err, why.status, "%s/tokenizer_config.json: %s", f->dir, why.message);
}

static enum hone_status read_tokenizer(const struct folder *f, const json_t *config,
                                       struct tokenizer_file *out, struct hone_error *err)
{
    bool found = false;
    char class[64];
    json_t *added;
    static const char *const names[] = {"tokenizer.json",  "tekken.json",   "vocab.txt",
                                        "spm.model",       "spiece.model",  "sentencepiece.bpe.model",
                                        "tokenizer.model", "tiktoken.model"};
    if (folder_reads_plain_tokenizer(f))
        return read_plain(f, out, err);
    enum hone_status status = folder_json(f, "added_tokens.json", false, &added, err);
    if (status != HONE_OK)
        return status;
    const struct gguf_tensor *table = gguf_find_tensor(f->g, "token_embd.weight");
    const struct tokenizer_folder about = {
        .n_rows = table ? (size_t)table->dims[1] : 0,
        .class = vocabulary_read_class(f, config, class),
        .config = config,
        .added = added,
        .markers = {*f->markers[0] ? f->markers[0] : NULL, *f->markers[1] ? f->markers[1] : NULL},
        .lowercases = json_is_true(json_object_get(f->transformer, "do_lower_case")),
    };
    if (status == HONE_OK)
        status = read_bytes(f, &about, out, &found, err);
    if (status == HONE_OK && !found)
        status = vocabulary_read_pieces(f, config, out, &found, err);
    if (status == HONE_OK && !found)
        status = check_pieces(f, config, about.class, err);
    for (size_t i = 0; i < sizeof names / sizeof *names && status == HONE_OK && !found; i++)
        status = read_file(f, names[i], &about, out, &found, err);
    json_decref(added);
    if (status == HONE_OK && !found)
        status = vocabulary_read_bpe(f, config, out, &found, err);
    if (status == HONE_OK && !found)
        return hone_fail(err, HONE_BAD_MODEL,
                         "%s: there is no tokenizer.json, tekken.json, vocab.txt, vocab.json with "
                         "merges.txt, tiktoken.model or "
                         "SentencePiece model",
                         f->dir);
    return status;
}

static bool has_token(const struct tok_vocab *vocab, const char *text)
{
    size_t size = strlen(text), i = 0;
    while (i < vocab->n_tokens &&
           (vocab->tokens[i].size != size || memcmp(vocab->tokens[i].data, text, size) != 0))
        i++;
    return i < vocab->n_tokens;
}

/* A class makes a model of its own kind of any vocabulary, which cuts texts otherwise than tokenizer.json says. */
static enum hone_status check_kind(const struct folder *f, const json_t *config, const char *class,
                                   const struct tokenizer_file *t, struct hone_error *err)
{
    static const char *const around[] = {"cls_token", "sep_token"};
    const struct tokenizer_class *c = tok_class_find(class);
    const char *model = strcmp(t->ids.model, "bert") == 0 ? "WordPiece"
                        : strcmp(t->ids.model, "t5") == 0 ? "Unigram"
                                                          : "BPE";
    for (size_t i = 0; i < 2 && c && strcmp(class, "BertTokenizer") != 0; i++)
        if (c->surround && json_is_null(json_object_get(config, around[i])))
            return keys_refuse(
                f->keys, err,
                "%s/tokenizer_config.json: '%s' is null, and the 'tokenizer_class' %s puts that "
                "token at an end of each text",
                f->dir, around[i], class);
    const json_t *end = json_object_get(config, "eos_token");
    if (strcmp(class, "PegasusTokenizer") == 0 && json_is_null(end))
        return keys_refuse(f->keys, err,
                           "%s/tokenizer_config.json: 'eos_token' is null, and the 'tokenizer_class' %s puts "
                           "that token at the end of each text",
                           f->dir, class);
    if (tok_class_is_foreign(class))
        return keys_refuse(f->keys, err,
                           "%s: the 'tokenizer_class' %s, which reads its files in a way of its own, is not "
                           "supported",
                           f->dir, class);
    if (c && strcmp(model, c->model) != 0)
        return keys_refuse(f->keys, err,
                           "%s: the 'tokenizer_class' %s is of another kind than the vocabulary, which is %s",
                           f->dir, class, model);
    const char *language = tok_class_language(config, class);
    if (language && !has_token(&t->vocab, language))
        return keys_refuse(
            f->keys, err,
            "%s: the vocabulary has no token '%.64s' for the language of the 'tokenizer_class' %s", f->dir,
            language, class);
    return HONE_OK;
}

static enum hone_status check_class(const struct folder *f, const json_t *config,
                                    const struct tokenizer_file *t, struct hone_error *err)
{
    char class[64];
    json_t *inputs = json_object_get(config, "model_input_names"), *name;
    bool masks = !json_is_array(inputs);
    size_t n;
    json_array_foreach (inputs, n, name)
        masks = masks || (json_is_string(name) && strcmp(json_string_value(name), "attention_mask") == 0);
    if (!masks)
        return keys_refuse(f->keys, err,
                           "%s/tokenizer_config.json: 'model_input_names' leaves out the attention_mask",
                           f->dir);
    vocabulary_read_class(f, config, class);
    return folder_reads_plain_tokenizer(f) ? HONE_OK : check_kind(f, config, class, t, err);
}

/* ---- writing ---- */

static struct hone_text gguf_token(const struct tok_vocab *vocab, size_t i, bool marks_words, char **next)
{
    struct hone_text token = vocab->tokens[i];
    bool word = !vocab->types || vocab->types[i] == TOK_NORMAL || vocab->types[i] == TOK_USER_DEFINED;
    if (!marks_words || !word)
        return (struct hone_text){token.data, token.size};
    if (token.size > 2 && text_begins(token, "##"))
        return (struct hone_text){token.data + 2, token.size - 2};
    char *marked = *next;
    memcpy(marked, WORD_START, 3);
    memcpy(marked + 3, token.data, token.size);
    *next += 3 + token.size;
    return (struct hone_text){marked, 3 + token.size};
}

/* The tokens in GGUF's form, and their types; rows of the embedding table past the vocabulary become unused tokens. */
static enum hone_status set_tokens(struct folder *f, const struct tokenizer_file *t, size_t n_rows,
                                   const char *const keys[2], struct hone_error *err)
{
    const struct tok_vocab *vocab = &t->vocab;
    bool marks_words = strcmp(t->ids.model, "bert") == 0;
    size_t bytes = 0;
    for (size_t i = 0; i < vocab->n_tokens; i++)
        bytes += vocab->tokens[i].size + 3;
    bytes += (n_rows - vocab->n_tokens) * 32;
    struct hone_text *tokens = calloc(n_rows + 1, sizeof *tokens);
    int32_t *types = calloc(n_rows + 1, sizeof *types);
    char *text = malloc(bytes + 1), *next = text;
    enum hone_status status = HONE_OK;
    if (!tokens || !types || !text)
        status = hone_no_memory(err, "the vocabulary", bytes);
    for (size_t i = 0; i < n_rows && status == HONE_OK; i++) {
        if (i < vocab->n_tokens) {
            tokens[i] = gguf_token(vocab, i, marks_words, &next);
            types[i] = vocab->types ? vocab->types[i] : TOK_NORMAL;
        } else {
            int n = snprintf(next, 32, "[PAD%zu]", i);
            tokens[i] = (struct hone_text){next, (size_t)n};
            types[i] = TOK_UNUSED;
            next += n;
        }
    }
    if (status == HONE_OK)
        status = folder_set(gguf_set_texts(f->g, keys[0], tokens, n_rows) &&
                                gguf_set_array(f->g, keys[1], GGUF_I32, types, n_rows),
                            keys[0], err);
    free(tokens);
    free(types);
    free(text);
    return status;
}

/* A special token is a string or an object with its content. */
static bool set_special(struct folder *f, const struct tok_vocab *vocab, const json_t *config,
                        const char *name, const char *key)
{
    const json_t *value = json_object_get(config, name);
    if (json_is_object(value))
        value = json_object_get(value, "content");
    if (!json_is_string(value))
        return true;
    struct hone_text token = {json_string_value(value), json_string_length(value)};
    for (size_t i = 0; i < vocab->n_tokens; i++)
        if (text_equal(vocab->tokens[i], token))
            return gguf_set_u32(f->g, key, (uint32_t)i);
    return true;
}

/* A tokenizer that names no end token has the one that the model ends a text with. */
static bool set_end(struct folder *f)
{
    static const char key[] = "tokenizer.ggml.eos_token_id";
    const struct gguf_value *ends = gguf_find(f->g, "hone.end_token_ids");
    return !ends || gguf_find(f->g, key) || gguf_set_u32(f->g, key, (uint32_t)gguf_int_at(ends, 0));
}

/* The template gives the second text of a pair the second segment, unless the configuration names the model's inputs
 * and leaves segments out, or it is of a class that never gives any. Sentence Transformers takes what the tokenizer hands over by itself: without such a list
 * that is the class's to say. */
static bool uses_segments(const struct folder *f, const json_t *config)
{
    static const char *const classes[] = {"BertTokenizer", "ElectraTokenizer", "DebertaV2Tokenizer",
                                          "DebertaTokenizer"};
    static const char *const without[] = {"AlbertTokenizer", "RemBertTokenizer", "BigBirdTokenizer"};
    char class[64];
    json_t *names = json_object_get(config, "model_input_names"), *name;
    size_t i;
    json_array_foreach (names, i, name)
        if (json_is_string(name) && strcmp(json_string_value(name), "token_type_ids") == 0)
            return true;
    vocabulary_read_class(f, config, class);
    for (i = 0; i < sizeof without / sizeof *without; i++)
        if (strcmp(class, without[i]) == 0)
            return false;
    if (names || !f->modules->listed)
        return !names;
    for (i = 0; i < sizeof classes / sizeof *classes; i++)
        if (strcmp(class, classes[i]) == 0)
            return true;
    return false;
}

static enum hone_status check_rows(const struct folder *f, const struct gguf_tensor *table, size_t n_tokens,
                                   struct hone_error *err)
{
    size_t n_rows = (size_t)table->dims[1];
    if (n_rows < n_tokens)
        return hone_fail(err, HONE_BAD_MODEL,
                         "%s: the vocabulary has %zu tokens, but tensor '%s' has %zu rows", f->dir, n_tokens,
                         table->name, n_rows);
    return n_rows <= n_tokens + (1 << 20)
               ? HONE_OK
               : hone_fail(err, HONE_BAD_MODEL, "%s: tensor '%s' has %zu rows for a vocabulary of %zu",
                           f->dir, table->name, n_rows, n_tokens);
}

/* Where it is another vocabulary that is written. */
static enum hone_status import_target(struct folder *f, const json_t *config, struct hone_error *err)
{
    static const char *const keys[] = {"hone.target.tokens", "hone.target.token_types"};
    const struct gguf_tensor *table = gguf_find_tensor(f->g, "dec.token_embd.weight");
    struct tokenizer_file t = {0};
    bool found;
    enum hone_status status = vocabulary_read_target(f, config, &t, &found, err);
    if (status != HONE_OK || !found)
        return status;
    table = table ? table : gguf_find_tensor(f->g, "token_embd.weight");
    status = check_rows(f, table, t.vocab.n_tokens, err);
    if (status == HONE_OK)
        status = set_tokens(f, &t, (size_t)table->dims[1], keys, err);
    if (status == HONE_OK)
        status =
            folder_set(gguf_set_text(f->g, "hone.target.pipeline", t.pipeline), "hone.target.pipeline", err);
    tok_file_release(&t);
    return status;
}

static enum hone_status write_vocab(struct folder *f, const struct tokenizer_file *t, const json_t *config,
                                    struct hone_error *err)
{
    static const char *const special[][2] = {
        {"bos_token", "tokenizer.ggml.bos_token_id"},     {"eos_token", "tokenizer.ggml.eos_token_id"},
        {"unk_token", "tokenizer.ggml.unknown_token_id"}, {"sep_token", "tokenizer.ggml.seperator_token_id"},
        {"pad_token", "tokenizer.ggml.padding_token_id"}, {"cls_token", "tokenizer.ggml.cls_token_id"},
        {"mask_token", "tokenizer.ggml.mask_token_id"},
    };
    static const char *const keys[] = {"tokenizer.ggml.tokens", "tokenizer.ggml.token_type"};
    char class[64];
    const struct gguf_tensor *table = gguf_find_tensor(f->g, "token_embd.weight");
    size_t n_rows = (size_t)table->dims[1];
    enum hone_status status = check_rows(f, table, t->vocab.n_tokens, err);
    if (status == HONE_OK)
        status = folder_set(gguf_set_string(f->g, "tokenizer.ggml.model", t->ids.model),
                            "tokenizer.ggml.model", err);
    if (status == HONE_OK)
        status = folder_set(!*t->ids.pre || gguf_set_string(f->g, "tokenizer.ggml.pre", t->ids.pre),
                            "tokenizer.ggml.pre", err);
    if (status == HONE_OK)
        status = set_tokens(f, t, n_rows, keys, err);
    if (status == HONE_OK)
        status = vocabulary_set_model(f, &t->vocab, n_rows, err);
    if (status == HONE_OK)
        status = vocabulary_set_pieces(f, &t->vocab, err);
    if (status == HONE_OK)
        status = import_languages(f, config, err);
    if (status == HONE_OK)
        status = folder_set(gguf_set_text(f->g, "hone.tokenizer.pipeline",
                                          (struct hone_text){t->pipeline.data, t->pipeline.size}),
                            "hone.tokenizer.pipeline", err);
    if (status == HONE_OK)
        status =
            folder_set(gguf_set_bool(f->g, "hone.segments", uses_segments(f, config)), "hone.segments", err);
    if (status == HONE_OK)
        status = vocabulary_set_template(f, t, err);
    for (size_t i = 0; i < sizeof special / sizeof *special && status == HONE_OK; i++)
        if (!gguf_find(f->g, special[i][1]))
            status = folder_set(set_special(f, &t->vocab, config, special[i][0], special[i][1]),
                                special[i][1], err);
    if (status == HONE_OK)
        status = vocabulary_set_special(f, vocabulary_read_class(f, config, class), config, &t->vocab, err);
    if (status == HONE_OK && strcmp(t->ids.model, "bert") == 0)
        status = vocabulary_set_words(f, t, err);
    return status == HONE_OK ? folder_set(set_end(f), "tokenizer.ggml.eos_token_id", err) : status;
}

enum hone_status import_tokenizer(struct folder *f, struct hone_error *err)
{
    json_t *config;
    struct tokenizer_file t = {0};
    enum hone_status status = vocabulary_read_config(f, &config, err);
    if (status == HONE_OK)
        status = import_span_tokens(f, config, err);
    if (status == HONE_OK)
        status = read_tokenizer(f, config, &t, err);
    if (status == HONE_OK)
        status = import_span_label(f, &t.vocab, err);
    if (status == HONE_OK)
        status = check_class(f, config, &t, err);
    const char *side = json_string_value(json_object_get(config, "truncation_side"));
    if (side)
        t.vocab.truncate_left = strcmp(side, "left") == 0;
    if (status == HONE_OK && folder_weights_by_name(f))
        status = folder_import_named_weights(f, &t.vocab, err);
    if (status == HONE_OK && folder_is_model2vec(f))
        status = folder_import_characters(f, &t.vocab, err);
    if (status == HONE_OK)
        status = write_vocab(f, &t, config, err);
    if (status == HONE_OK)
        status = import_target(f, config, err);
    if (status == HONE_OK && f->drops_unknown && t.ids.unk >= 0)
        status = folder_set(gguf_set_u32(f->g, "hone.dropped_token_id", (uint32_t)t.ids.unk),
                            "hone.dropped_token_id", err);
    tok_file_release(&t);
    json_decref(config);
    return status;
}
