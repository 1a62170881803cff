/* Words of settings. */
#ifndef SERVER_MANAGER_WORDS_H
#define SERVER_MANAGER_WORDS_H

/* Without spaces before and behind, in its place. */
char *words_trim(char *text);

#endif
