#include "cli/choice.h"

#include <string.h>

bool choice_has(const char *choices, const char *word)
{
    size_t n = strlen(word);
    for (const char *c = choices; c; c = strchr(c, '|') ? strchr(c, '|') + 1 : NULL)
        if (n > 0 && strncmp(c, word, n) == 0 && (c[n] == '|' || c[n] == '\0'))
            return true;
    return false;
}
