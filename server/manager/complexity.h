/* What a text is like, as far as counting tells: code or prose, and how hard the code is. A heuristic, for choosing a model:
 * cheap (one pass over at most COMPLEXITY_BYTES), the same for the same text, and explained number by number. */
#ifndef SERVER_MANAGER_COMPLEXITY_H
#define SERVER_MANAGER_COMPLEXITY_H

#include <hone.h>

/* Of a prompt that are looked at: a fraction of a millisecond of the network's thread. */
#define COMPLEXITY_BYTES 65536

/* Of code: */
enum complexity_part {
    COMPLEXITY_LINES,       /* that are not empty */
    COMPLEXITY_NESTING,     /* the deepest: brackets that are open at once, or steps of indentation */
    COMPLEXITY_IDENTIFIERS, /* distinct ones of two letters and more */
    COMPLEXITY_KEYWORDS,    /* of control: if, for, while, switch, try, match, async, ... */
    COMPLEXITY_BRACKETS,    /* that are open at the end: the text stops within something */
    COMPLEXITY_IMPORTS,     /* lines that begin with import, from, #include, use, require, ... */
    COMPLEXITY_PARTS,
};
extern const char *const complexity_names[COMPLEXITY_PARTS];

struct complexity {
    bool is_code;
    size_t bytes; /* of the text, all of it */
    size_t parts[COMPLEXITY_PARTS];
};

/* A score is the sum of each part times its weight. */
struct complexity_weights {
    double parts[COMPLEXITY_PARTS];
    double threshold; /* from this score on code is hard, where no rule says otherwise */
};
#define COMPLEXITY_WEIGHTS                                                                                   \
    {                                                                                                        \
        {0.2, 2, 0.5, 1, 1, 1}, 30                                                                           \
    }

void complexity_measure(struct hone_text text, struct complexity *out);
double complexity_score(const struct complexity *c, const struct complexity_weights *weights);

/* "lines 0.2, nesting 2, threshold 40": what is named, the rest stays. False: *bad is what is none, of *n bytes. */
bool complexity_read_weights(const char *text, struct complexity_weights *out, const char **bad, size_t *n);

#endif
