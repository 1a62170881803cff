/* The languages of a model that translates: their tokens in its vocabulary, and where these stand. */
#ifndef RUNTIME_INFER_LANGUAGES_LANGUAGES_H
#define RUNTIME_INFER_LANGUAGES_LANGUAGES_H

#include "runtime/base/error.h"
#include "tokenizer/tokenizer.h"

#include <hone/generate.h>

struct gguf;

struct languages {
    size_t n;                   /* 0: the model names none */
    struct hone_language *list; /* [n] */
    char *text;                 /* what its codes point into */
    int32_t *ids;               /* [n] tokens; -1: the language is told by none */
    bool
        before_source; /* the token of the language to translate to begins the encoder's input; else the decoder's text */
    /* Where the template puts the token of the text's own language, and which that is; -1: it puts none. */
    enum { SOURCE_NOWHERE, SOURCE_FIRST, SOURCE_LAST } source_at;
};

/* HONE_BAD_MODEL: keys that do not fit together. After a failure too, languages_release. */
enum hone_status languages_load(struct languages *l, const struct gguf *g, const struct tokenizer *tokenizer,
                                struct hone_error *err);
void languages_release(struct languages *l);

/* Whether a token is that of one. */
bool languages_has(const struct languages *l, int32_t id);

/* The one that a code means, which may be the model's own or ISO 639-1's, and that is possible on that side. HONE_USAGE:
 * there is none; those that are possible are told. */
enum hone_status languages_find(const struct languages *l, struct hone_text code, bool from, const char *path,
                                size_t *i, struct hone_error *err);

/* names.c: of a model's code ("deu_Latn", "de_DE", "de") ISO 639-1's and the English name; false: it is not known. */
bool language_name(const char *code, const char **iso, const char **name);

#endif
