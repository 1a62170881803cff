#include "tokenizer/stages/bytelevel.h"

#include "tokenizer/text/origins.h"

/* Bytes that are not printable Latin-1 come in three runs. */
uint32_t tok_bytelevel_point(unsigned char byte)
{
    if (byte <= 0x20)
        return 0x100u + byte;
    if (byte >= 0x7f && byte <= 0xa0)
        return 0x121u + byte - 0x7f;
    return byte == 0xad ? 0x143 : byte;
}

void tok_bytelevel_append(struct buffer *out, const char *data, size_t size)
{
    for (size_t i = 0; i < size; i++) {
        buffer_point(out, tok_bytelevel_point((unsigned char)data[i]));
        origins_note(out, i);
    }
}

int tok_bytelevel_byte(uint32_t point)
{
    if (point >= 0x100 && point <= 0x120)
        return (int)point - 0x100;
    if (point >= 0x121 && point <= 0x142)
        return (int)point - 0x121 + 0x7f;
    if (point == 0x143)
        return 0xad;
    return point < 0x100 && tok_bytelevel_point((unsigned char)point) == point ? (int)point : -1;
}
