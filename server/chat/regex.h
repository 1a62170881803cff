/* Regular expressions as grammars, so that a whole text matches one. */
#ifndef SERVER_CHAT_REGEX_H
#define SERVER_CHAT_REGEX_H

#include <hone.h>

/* GBNF to be freed. Understood: literals, '.', classes, groups, '|', quantifiers (lazy ones are the same here), \d \w \s of
 * ASCII and their opposites, escapes; '^' at the beginning and '$' at the end, which are meant anyway. NULL: look-around,
 * back-references and the like, with a sentence that names the place; or no memory. */
char *regex_to_gbnf(struct hone_text regex, struct hone_error *err);

#endif
