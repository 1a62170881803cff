/* Words for the person at the terminal, on standard error: one line each, with control characters replaced.
 * With --json-errors every line is a JSON object instead: {"status": 3, "error": "..."} for an error, with "line" for
 * a refused input line, and {"status": 0, "note": "..."} for a remark. Not thread-safe. */
#ifndef CLI_IO_REPORT_H
#define CLI_IO_REPORT_H

#include <hone.h>

/* Chooses JSON, and the command's name that sentences begin with ("hone embed: ..."; NULL: "hone: ..."). */
void report_json(bool json);
void report_command(const char *name);

/* Tells of a failure and returns its status: `return report_error(HONE_USAGE, "...");` */
enum hone_status report_error(enum hone_status status, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* The same for one the library told of. */
enum hone_status report_failure(const struct hone_error *err);

/* Line `number` (from 1) of the input was refused, and why. file: NULL where there is but one. */
void report_refused(const char *file, size_t number, const char *why);

void report_note(const char *format, ...) __attribute__((format(printf, 1, 2)));

#endif
