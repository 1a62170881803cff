#include "tokenizer/files/protobuf.h"

#include <string.h>

enum { VARINT = 0, FIXED64 = 1, BYTES = 2, FIXED32 = 5 };

static uint64_t read_varint(struct protobuf *p)
{
    uint64_t value = 0;
    for (unsigned shift = 0; shift < 64 && p->left.size; shift += 7) {
        unsigned char c = (unsigned char)*p->left.data++;
        p->left.size--;
        value |= (uint64_t)(c & 0x7f) << shift;
        if (c < 0x80)
            return value;
    }
    p->bad = true;
    return 0;
}

/* `size` bytes; NULL: there are fewer. */
static const char *read_bytes(struct protobuf *p, uint64_t size)
{
    const char *data = p->left.data;
    if (size > p->left.size) {
        p->bad = true;
        return NULL;
    }
    p->left.data += size;
    p->left.size -= size;
    return data;
}

static uint64_t read_fixed(struct protobuf *p, size_t size)
{
    const char *data = read_bytes(p, size);
    uint64_t value = 0;
    for (size_t i = 0; data && i < size; i++)
        value |= (uint64_t)(unsigned char)data[i] << 8 * i;
    return value;
}

bool tok_protobuf_next(struct protobuf *p, struct protobuf_field *out)
{
    *out = (struct protobuf_field){0};
    if (p->bad || !p->left.size)
        return false;
    uint64_t key = read_varint(p);
    out->number = key >> 3;
    switch (key & 7) {
    case VARINT:
        out->value = read_varint(p);
        break;
    case FIXED64:
        out->value = read_fixed(p, 8);
        break;
    case FIXED32:
        out->value = read_fixed(p, 4);
        break;
    case BYTES:
        out->text.size = read_varint(p);
        out->text.data = read_bytes(p, out->text.size);
        break;
    default:
        p->bad = true;
    }
    return !p->bad;
}
