#include "server/http/unique.h"

#include <string.h>
#include <sys/random.h>

void unique_write(struct reply_buffer *out, const char *prefix)
{
    unsigned char b[16] = {0};
    if (getrandom(b, sizeof b, 0) != (ssize_t)sizeof b)
        out->failed = true;
    b[6] = (unsigned char)(0x40 | (b[6] & 0x0f));
    b[8] = (unsigned char)(0x80 | (b[8] & 0x3f));
    reply_buffer_text(out, prefix);
    for (size_t i = 0; i < sizeof b; i++)
        reply_buffer_format(out, i == 4 || i == 6 || i == 8 || i == 10 ? "-%02x" : "%02x", b[i]);
}
