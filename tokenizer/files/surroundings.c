/* What transformers' classes put around a text. A token that the vocabulary does not have leaves what the file says. */
#include "tokenizer/files/classes.h"
#include "tokenizer/files/parts.h"

#include <string.h>

static json_t *special_piece(const char *token, int type)
{
    return json_pack("{s:{s:s, s:i}}", "SpecialToken", "id", token, "type_id", type);
}

static json_t *sequence_piece(const char *name, int type)
{
    return json_pack("{s:{s:s, s:i}}", "Sequence", "id", name, "type_id", type);
}

static bool set(json_t *root, json_t *post_processor)
{
    return json_object_set_new(root, "post_processor", post_processor) == 0;
}

struct ends {
    const char *first, *last;
    json_int_t first_id, last_id;
};

/* Whether both are tokens. */
static bool find_ends(const json_t *root, const json_t *config, const char *const names[2],
                      const char *const usual[2], struct ends *e)
{
    e->first = tok_named_token(config, names[0], usual[0]);
    e->last = tok_named_token(config, names[1], usual[1]);
    e->first_id = *e->first ? tok_token_id(root, e->first) : -1;
    e->last_id = *e->last ? tok_token_id(root, e->last) : -1;
    return e->first_id >= 0 && e->last_id >= 0;
}

static bool find_cls_and_sep(const json_t *root, const json_t *config, const struct usual_tokens *usual,
                             struct ends *e)
{
    return find_ends(root, config, (const char *const[2]){"cls_token", "sep_token"},
                     (const char *const[2]){usual->cls, usual->sep}, e);
}

/* The object of a template's tokens, of which two may be one. */
static json_t *ids_of(const struct ends *e)
{
    json_t *ids =
        json_pack("{s:{s:s,s:[I],s:[s]}}", e->first, "id", e->first, "ids", e->first_id, "tokens", e->first);
    json_object_set_new(ids, e->last,
                        json_pack("{s:s,s:[I],s:[s]}", "id", e->last, "ids", e->last_id, "tokens", e->last));
    return ids;
}

/* first A last B last, the second text of segment 1. */
static json_t *bert_template(const struct ends *e)
{
    return json_pack("{s:s, s:[o,o,o], s:[o,o,o,o,o], s:o}", "type", "TemplateProcessing", "single",
                     special_piece(e->first, 0), sequence_piece("A", 0), special_piece(e->last, 0), "pair",
                     special_piece(e->first, 0), sequence_piece("A", 0), special_piece(e->last, 0),
                     sequence_piece("B", 1), special_piece(e->last, 1), "special_tokens", ids_of(e));
}

bool tok_surround_bert(json_t *root, const json_t *config, const struct usual_tokens *tokens)
{
    struct ends e;
    return !find_cls_and_sep(root, config, tokens, &e) || set(root, bert_template(&e));
}

/* Its own template has the usual tokens, whatever the configuration calls them, and what the file says goes before it. */
bool tok_surround_albert(json_t *root, const json_t *config, const struct usual_tokens *tokens)
{
    const json_t *own = json_object_get(root, "post_processor");
    struct ends e;
    if (own && !json_is_null(own))
        return true;
    bool found = find_cls_and_sep(root, config, tokens, &e);
    e.first = tokens->cls;
    e.last = tokens->sep;
    return !found || set(root, bert_template(&e));
}

static json_t *roberta_template(const struct ends *e, bool trim, bool prefix)
{
    return json_pack("{s:s, s:[s,I], s:[s,I], s:b, s:b}", "type", "RobertaProcessing", "sep", e->last,
                     e->last_id, "cls", e->first, e->first_id, "trim_offsets", (int)trim, "add_prefix_space",
                     (int)prefix);
}

bool tok_surround_mpnet(json_t *root, const json_t *config, const struct usual_tokens *tokens)
{
    struct ends e;
    return !find_cls_and_sep(root, config, tokens, &e) || set(root, roberta_template(&e, true, false));
}

bool tok_surround_roberta(json_t *root, const json_t *config, const struct usual_tokens *tokens)
{
    struct ends e;
    return !find_cls_and_sep(root, config, tokens, &e) ||
           set(root, roberta_template(&e, tok_flag(config, "trim_offsets", true),
                                      tok_flag(config, "add_prefix_space", false)));
}

/* first A last last B last, all of one segment. */
static json_t *doubled_template(const struct ends *e)
{
    return json_pack("{s:s, s:[o,o,o], s:[o,o,o,o,o,o], s:o}", "type", "TemplateProcessing", "single",
                     special_piece(e->first, 0), sequence_piece("A", 0), special_piece(e->last, 0), "pair",
                     special_piece(e->first, 0), sequence_piece("A", 0), special_piece(e->last, 0),
                     special_piece(e->last, 0), sequence_piece("B", 0), special_piece(e->last, 0),
                     "special_tokens", ids_of(e));
}

bool tok_surround_xlmr(json_t *root, const json_t *config, const struct usual_tokens *tokens)
{
    struct ends e;
    return !find_ends(root, config, (const char *const[2]){"bos_token", "eos_token"},
                      (const char *const[2]){tokens->bos, tokens->eos}, &e) ||
           set(root, doubled_template(&e));
}

/* DeBERTa's first version. */
bool tok_surround_deberta(json_t *root, const json_t *config, const struct usual_tokens *tokens)
{
    struct ends e;
    return !find_cls_and_sep(root, config, tokens, &e) || set(root, doubled_template(&e));
}

/* A last; and of two texts, where both_end, A last B last, or else A B last. */
static bool surround_end(json_t *root, const json_t *config, const char *usual, bool both_end)
{
    const char *last = tok_named_token(config, "eos_token", usual);
    json_int_t id = *last ? tok_token_id(root, last) : -1;
    json_t *pair =
        json_pack("[o,o,o]", sequence_piece("A", 0), sequence_piece("B", 0), special_piece(last, 0));
    if (both_end)
        json_array_insert_new(pair, 1, special_piece(last, 0));
    if (id < 0) {
        json_decref(pair);
        return true;
    }
    return set(root, json_pack("{s:s, s:[o,o], s:o, s:{s:{s:s,s:[I],s:[s]}}}", "type", "TemplateProcessing",
                               "single", sequence_piece("A", 0), special_piece(last, 0), "pair", pair,
                               "special_tokens", last, "id", last, "ids", id, "tokens", last));
}

bool tok_surround_t5(json_t *root, const json_t *config, const struct usual_tokens *tokens)
{
    return surround_end(root, config, tokens->eos, true);
}

bool tok_surround_pegasus(json_t *root, const json_t *config, const struct usual_tokens *tokens)
{
    return surround_end(root, config, tokens->eos, false);
}

bool tok_surround_nothing(json_t *root, const json_t *config, const struct usual_tokens *tokens)
{
    (void)config;
    (void)tokens;
    return set(root, json_null());
}

/* ---- languages ---- */

/* Classes that put the token of the text's language around it. */
static const struct {
    const char *name, *usual;
    bool behind; /* and the end token before it; else it is in front, */
    bool told;   /* unless the configuration says otherwise */
} translators[] = {{"NllbTokenizer", "eng_Latn", false, true},
                   {"MBartTokenizer", "en_XX", true, false},
                   {"MBart50Tokenizer", "en_XX", false, false}};

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

const char *tok_class_language(const json_t *config, const char *class)
{
    for (size_t i = 0; i < sizeof translators / sizeof *translators; i++)
        if (strcmp(class, translators[i].name) == 0)
            return tok_named_token(config, "src_lang", translators[i].usual);
    return NULL;
}

bool tok_surround_language(json_t *root, const json_t *config, const char *class)
{
    size_t i = 0, n = sizeof translators / sizeof *translators;
    while (i < n && strcmp(class, translators[i].name) != 0)
        i++;
    if (i == n)
        return true;
    const char *language = tok_class_language(config, class),
               *end = tok_named_token(config, "eos_token", "</s>");
    json_int_t language_id = tok_token_id(root, language), end_id = tok_token_id(root, end);
    if (language_id < 0 || end_id < 0)
        return true; /* refused by whoever reads the folder */
    bool behind =
        translators[i].behind || (translators[i].told && tok_flag(config, "legacy_behaviour", false));
    json_t *specials =
        json_pack("{s:{s:s,s:[I],s:[s]}, s:{s:s,s:[I],s:[s]}}", language, "id", language, "ids", language_id,
                  "tokens", language, end, "id", end, "ids", end_id, "tokens", end);
    json_t *template = behind ? language_template("", end, language, specials)
                              : language_template(language, end, "", specials);
    return template && json_object_set_new(root, "post_processor", template) == 0;
}
