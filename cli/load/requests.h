/* What is asked: texts for request number 0, 1, 2, ... of a kind, all different unless they are to be repeated. */
#ifndef CLI_LOAD_REQUESTS_H
#define CLI_LOAD_REQUESTS_H

#include "cli/load/dialect.h"
#include "cli/options.h"

struct load_requests {
    const struct load_dialect *dialect;
    const char *model; /* that requests name; NULL: none */
    size_t n_texts;    /* of a request; documents, where there is a query */
    size_t n_words;    /* of a text, about; 0: as long as it is */
    size_t max_tokens;
    bool repeat;
    uint64_t run; /* what is in no other run's texts */
    char **own;   /* instead of those that ship with hone */
    size_t n_own;
    char *file; /* that they lie in */
};

/* From --model, --texts, --words, --tokens, --repeat and --input. Failures are reported. */
enum hone_status load_requests_open(struct load_requests *r, const struct load_dialect *dialect,
                                    const struct options *options);
void load_requests_close(struct load_requests *r);

/* How many different questions there are. */
size_t load_requests_count(const struct load_requests *r);
/* struct load_part's: the body of a request, to be freed; NULL: no memory. arg: struct load_requests, which may be shared. */
char *load_requests_body(void *arg, size_t serial);

#endif
