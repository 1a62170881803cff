/* Sentences about what went wrong. */
#ifndef SERVER_HTTP_FAIL_H
#define SERVER_HTTP_FAIL_H

#include <hone.h>

/* Leaves status and sentence in *err (NULL is allowed) and returns the status. */
enum hone_status fail(struct hone_error *err, enum hone_status status, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* The same, with what errno says behind the sentence. */
enum hone_status fail_errno(struct hone_error *err, enum hone_status status, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

#endif
