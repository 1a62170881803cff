/* Stop strings in a stream of bytes (Knuth, Morris, Pratt, 1977), however the stream is cut into pieces. */
#ifndef RUNTIME_GENERATE_SAMPLING_STOP_H
#define RUNTIME_GENERATE_SAMPLING_STOP_H

#include "runtime/base/error.h"

#define STOP_MAX_STRINGS 64   /* each is followed byte by byte; OpenAI's protocol has 4 */
#define STOP_MAX_SIZE    1024 /* bytes each */

struct stop_string {
    char *bytes;
    uint16_t *shorter; /* [size] the longest proper beginning of bytes that ends the first i + 1 of them */
    size_t size, n_matched;
};

struct stop_strings {
    struct stop_string *list;
    size_t n;
};

/* Copies the strings. HONE_USAGE: one is empty, too long or not UTF-8, or there are too many. */
enum hone_status stop_strings_init(struct stop_strings *s, const struct hone_text *strings, size_t n,
                                   struct hone_error *err);
void stop_strings_release(struct stop_strings *s);

/* Takes the next bytes up to the end of the first stop string that is complete, of several that end there the longest,
 * and returns it: *n_taken bytes of data, it being the last of all that was ever taken. NULL: all of data was taken. */
const struct stop_string *stop_strings_feed(struct stop_strings *s, const char *data, size_t size,
                                            size_t *n_taken);

/* How many of the last bytes may be the beginning of a stop string. */
size_t stop_strings_held(const struct stop_strings *s);

#endif
