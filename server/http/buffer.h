/* Text that grows, as answers are written into. After a lack of memory it takes nothing more, and `failed` tells. */
#ifndef SERVER_HTTP_BUFFER_H
#define SERVER_HTTP_BUFFER_H

#include <hone/hone.h>

struct buffer {
    char *data; /* to be freed; no NUL at the end */
    size_t size, capacity;
    bool failed;
};

void buffer_write(struct buffer *b, const void *data, size_t size);
void buffer_text(struct buffer *b, const char *text);
void buffer_format(struct buffer *b, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* As a JSON string, quotes included; what is not UTF-8 becomes U+FFFD. */
void buffer_json_text(struct buffer *b, struct hone_text text);
void buffer_json_string(struct buffer *b, const char *text);

/* As a JSON number that reads back as the same float32; null for what is not finite. */
void buffer_json_float(struct buffer *b, float x);
/* [1,2,3] */
void buffer_json_floats(struct buffer *b, const float *values, size_t n);
/* A JSON string: the bytes in base 64 (RFC 4648). */
void buffer_json_base64(struct buffer *b, const void *data, size_t size);

void buffer_release(struct buffer *b);

#endif
