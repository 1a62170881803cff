#include "server/manager/words.h"

#include <ctype.h>
#include <string.h>

char *words_trim(char *text)
{
    while (isspace((unsigned char)*text))
        text++;
    size_t n = strlen(text);
    while (n > 0 && isspace((unsigned char)text[n - 1]))
        text[--n] = '\0';
    return text;
}

bool words_again(struct words_said *said, const char *name)
{
    for (size_t i = 0; i < said->n; i++)
        if (strcmp(said->names[i], name) == 0)
            return true;
    if (said->n == sizeof said->names / sizeof *said->names)
        return true;
    said->names[said->n++] = name;
    return false;
}
