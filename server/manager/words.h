/* Words of settings. */
#ifndef SERVER_MANAGER_WORDS_H
#define SERVER_MANAGER_WORDS_H

#include <stdbool.h>
#include <stddef.h>

/* Names that a line has said; they are the caller's. */
struct words_said {
    const char *names[16];
    size_t n;
};

/* Whether a name was said before, or more than there can be; from now on it was. */
bool words_again(struct words_said *said, const char *name);

/* Without spaces before and behind, in its place. */
char *words_trim(char *text);

#endif
