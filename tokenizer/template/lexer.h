/* A template's source as tokens, with Jinja's rules for white space as transformers sets them: trim_blocks and
 * lstrip_blocks (https://jinja.palletsprojects.com/en/stable/templates/#whitespace-control). */
#ifndef TOKENIZER_TEMPLATE_LEXER_H
#define TOKENIZER_TEMPLATE_LEXER_H

#include "tokenizer/template/value.h"

enum token_kind {
    TOKEN_END,
    TOKEN_TEXT,        /* between the tags; value */
    TOKEN_BLOCK_BEGIN, /* {% */
    TOKEN_BLOCK_END,
    TOKEN_PRINT_BEGIN, /* {{ */
    TOKEN_PRINT_END,
    TOKEN_NAME,
    TOKEN_STRING, /* value */
    TOKEN_NUMBER, /* value */
    TOKEN_OPERATOR
};

struct token {
    enum token_kind kind;
    uint32_t line;
    struct hone_text source; /* as written */
    struct jinja_value value;
};

/* Cuts the source (valid UTF-8) into tokens, the last of which is TOKEN_END. Tokens, names and strings live in the
 * arena. NULL on failure, with a sentence. */
struct token *jinja_lex(struct arena *arena, struct hone_text source, struct hone_error *err);

#endif
