/* How much memory a text of JSON takes as a tree, found out before it is made: a few bytes may become a hundred times as
 * many, and who makes a tree of them without memory may crash (jansson 2.14 does). */
#ifndef SERVER_HTTP_WEIGH_H
#define SERVER_HTTP_WEIGH_H

#include <stddef.h>

#define JSON_MAX_DEPTH 128 /* beyond it readers and writers, which call themselves, would need much stack */

struct weight {
    size_t bytes; /* at most, beside the text */
    size_t depth; /* of lists and objects in each other */
};

/* Of what is no JSON, too, until something is seen that ends it. */
struct weight weigh_json(const char *text, size_t n);

#endif
