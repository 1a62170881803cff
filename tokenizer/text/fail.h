/* The failures of functions that only say whether they succeeded: hone_fail's status and sentence, and false. */
#ifndef TOKENIZER_TEXT_FAIL_H
#define TOKENIZER_TEXT_FAIL_H

#include "runtime/base/error.h"

/* HONE_BAD_MODEL: of a tokenizer's own files; HONE_USAGE: of what it was asked. */
bool tok_fail(struct hone_error *err, enum hone_status status, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
bool tok_no_memory(struct hone_error *err);

#endif
