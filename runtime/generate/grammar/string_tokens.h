/* What a token is inside of a JSON string, where it begins between two characters. */
#ifndef RUNTIME_GENERATE_GRAMMAR_STRING_TOKENS_H
#define RUNTIME_GENERATE_GRAMMAR_STRING_TOKENS_H

#include "runtime/base/error.h"

/* The rules that it follows. Escapes are of whole characters: halves of pairs of UTF-16 do not stand alone. */
#define STRING_TOKEN_RULES                                                                                   \
    "plain ::= [^\"\\\\\\x00-\\x1f\\x7f]\n"                                                                  \
    "hex ::= [0-9a-fA-F]\n"                                                                                  \
    "escaped ::= \"\\\\\" ([\"\\\\/bfnrt] | \"u\" ([0-9a-cA-CeEfF] hex{3} | [dD] ([0-7] hex{2}"              \
    " | [89abAB] hex{2} \"\\\\u\" [dD] [c-fC-F] hex{2})))\n"                                                 \
    "char ::= plain | escaped\n"

enum string_token {
    STRING_TOKEN_INSIDE, /* all of it is characters of the string, or the beginning of one at its end */
    STRING_TOKEN_CLOSES, /* it has the closing quote in it */
    STRING_TOKEN_NEVER   /* it cannot come */
};

/* escapes: there may be some. *n: characters, that at the end that is not whole counted too; or those before the quote.
 * *size: bytes up to the quote, and with it. */
enum string_token string_token_look(struct hone_text token, bool escapes, size_t *n, size_t *size);

/* How many characters a token is, one at its end that is not whole counted too; 0: it does not begin between two, or is none. */
size_t string_token_length(struct hone_text token);

#endif
