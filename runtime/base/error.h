/* How the library reports a failure: a status and a sentence. */
#ifndef RUNTIME_BASE_ERROR_H
#define RUNTIME_BASE_ERROR_H

#include <hone/hone.h>

#include <stdarg.h>

/* Fills err (may be NULL) and returns status: `return hone_fail(err, HONE_BAD_MODEL, "%s: ...", path);`
 * The message is cut, never overrun; control characters in it are replaced by '?'. */
enum hone_status hone_fail(struct hone_error *err, enum hone_status status, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

enum hone_status hone_vfail(struct hone_error *err, enum hone_status status, const char *format,
                            va_list arguments);

/* The same for an allocation that failed: says what could not be held and how large it was. */
enum hone_status hone_no_memory(struct hone_error *err, const char *what, size_t size);

#endif
