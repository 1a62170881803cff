/* What is asked where nobody brings texts: everyday questions, and to each a passage that answers it. */
#ifndef CLI_LOAD_QUESTIONS_H
#define CLI_LOAD_QUESTIONS_H

#include <stddef.h>

#define N_QUESTIONS 50

struct load_question {
    const char *question, *answer;
};

extern const struct load_question load_questions[N_QUESTIONS];

#endif
