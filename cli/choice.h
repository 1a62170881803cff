/* One word of several: "jsonl|csv|npy|npz". */
#ifndef CLI_CHOICE_H
#define CLI_CHOICE_H

#include <stdbool.h>

/* Whether `word` is one of `choices`, NUL-terminated, with | between them. NULL has none. Thread-safe. */
bool choice_has(const char *choices, const char *word);

#endif
