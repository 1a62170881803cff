/* Text that grows, as answers are written into. After a lack of memory it takes nothing more, and `failed` tells. */
#ifndef SERVER_HTTP_REPLY_BUFFER_H
#define SERVER_HTTP_REPLY_BUFFER_H

#include <hone.h>

struct reply_buffer {
    char *data; /* to be freed; no NUL at the end */
    size_t size, capacity;
    bool failed;
};

void reply_buffer_write(struct reply_buffer *b, const void *data, size_t size);
void reply_buffer_text(struct reply_buffer *b, const char *text);
void reply_buffer_format(struct reply_buffer *b, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* As a JSON string, quotes included; what is not UTF-8 becomes U+FFFD. */
void reply_buffer_json_text(struct reply_buffer *b, struct hone_text text);
void reply_buffer_json_string(struct reply_buffer *b, const char *text);

/* As a JSON number that reads back as the same float32; null for what is not finite. */
void reply_buffer_json_float(struct reply_buffer *b, float x);
/* Of a logit the score. */
void reply_buffer_json_sigmoid(struct reply_buffer *b, float logit);
/* [1,2,3] */
void reply_buffer_json_floats(struct reply_buffer *b, const float *values, size_t n);
/* A JSON string: the bytes in base 64 (RFC 4648). */
void reply_buffer_json_base64(struct reply_buffer *b, const void *data, size_t size);

void reply_buffer_release(struct reply_buffer *b);

#endif
