#include "cli/io/report.h"
#include "cli/io/output.h"
#include "cli/io/text.h"

#include <stdarg.h>
#include <stdio.h>
#include <unistd.h>

static bool as_json;
static const char *command;

void report_json(bool json)
{
    as_json = json;
}

void report_command(const char *name)
{
    command = name;
}

/* file: of the input, or NULL; number: its line, or 0 */
static void put_line(enum hone_status status, const char *file, size_t number, const char *sentence)
{
    /* Its buffer of 256 KB would be in the program's file if it began with values. */
    static struct output o;
    o.fd = STDERR_FILENO;
    o.name = "standard error";
    if (as_json) {
        output_format(&o, "{\"status\": %d, ", (int)status);
        if (file) {
            output_text(&o, "\"file\": ");
            text_write_json(&o, text_from(file));
            output_text(&o, ", ");
        }
        if (number)
            output_format(&o, "\"line\": %zu, ", number);
        output_format(&o, "\"%s\": ", status == HONE_OK ? "note" : "error");
        text_write_json(&o, text_from(sentence));
        output_text(&o, "}\n");
    } else {
        output_format(&o, "hone%s%s: ", command ? " " : "", command ? command : "");
        if (file) {
            text_write_plain(&o, text_from(file), SIZE_MAX);
            output_text(&o, ": ");
        }
        if (number)
            output_format(&o, "line %zu: ", number);
        text_write_plain(&o, text_from(sentence), SIZE_MAX);
        output_text(&o, "\n");
    }
    output_flush(&o);
}

enum hone_status report_error(enum hone_status status, const char *format, ...)
{
    char sentence[2048];
    va_list args;
    va_start(args, format);
    vsnprintf(sentence, sizeof sentence, format, args);
    va_end(args);
    put_line(status, NULL, 0, sentence);
    return status;
}

enum hone_status report_failure(const struct hone_error *err)
{
    put_line(err->status, NULL, 0, err->message);
    return err->status;
}

void report_refused(const char *file, size_t number, const char *why)
{
    put_line(HONE_REFUSED, file, number, why);
}

void report_note(const char *format, ...)
{
    char sentence[1024];
    va_list args;
    va_start(args, format);
    vsnprintf(sentence, sizeof sentence, format, args);
    va_end(args);
    put_line(HONE_OK, NULL, 0, sentence);
}
