/* Reading protobuf messages, field by field (https://protobuf.dev/programming-guides/encoding). */
#ifndef TOKENIZER_FILES_PROTOBUF_H
#define TOKENIZER_FILES_PROTOBUF_H

#include "tokenizer/tokenizer.h"

struct protobuf {
    struct hone_text left; /* what was not read yet */
    bool bad;              /* not a message */
};

struct protobuf_field {
    uint64_t number;
    uint64_t value;        /* of a varint, or of 4 or 8 bytes */
    struct hone_text text; /* a string, bytes, or a message in it; NULL otherwise */
};

/* The next field; false at the end, or with `bad` set. */
bool tok_protobuf_next(struct protobuf *p, struct protobuf_field *out);

#endif
