/* What \d, \w and \s are in regular expressions. ECMA-262 means ASCII (but for blanks), other readers Unicode. */
#ifndef RUNTIME_GENERATE_GRAMMAR_SCHEMA_NAMED_CHARS_H
#define RUNTIME_GENERATE_GRAMMAR_SCHEMA_NAMED_CHARS_H

#include "runtime/generate/grammar/rules.h"

/* name: 'd', 'w' or 's'. is_wide: what any reader takes for one, else what all do. [*n], sorted. */
const struct char_range *named_ranges(char name, bool is_wide, size_t *n);

#endif
