#include "cli/help.h"
#include "cli/io/output.h"

#include <ctype.h>
#include <string.h>

#define HONE_RELEASED "2026-11-21"
#define LINE          72 /* bytes */

/* Text as roff takes it: no escapes, requests or hyphens of its own. */
static void put(struct output *o, const char *text)
{
    if (*text == '.' || *text == '\'')
        output_text(o, "\\&");
    for (; *text; text++) {
        if (*text == '\\')
            output_text(o, "\\e");
        else if (*text == '-')
            output_text(o, "\\-");
        else if (*text == '\'')
            output_text(o, "\\(aq");
        else
            output_write(o, text, 1);
    }
}

static void line(struct output *o, const char *request, const char *text)
{
    output_text(o, request);
    put(o, text);
    output_text(o, "\n");
}

/* A paragraph, in lines of moderate length. */
static void paragraph(struct output *o, const char *text, const char *end)
{
    char word[LINE];
    for (size_t at = 0; *text; text += strspn(text, " ")) {
        size_t n = strcspn(text, " ");
        size_t kept = n < sizeof word ? n : sizeof word - 1;
        memcpy(word, text, kept);
        word[kept] = '\0';
        text += kept;
        output_text(o, at == 0 ? "" : at + kept > LINE ? "\n" : " ");
        at = at + kept > LINE ? kept : at + kept + 1;
        put(o, word);
    }
    output_text(o, end);
    output_text(o, "\n");
}

static void option(struct output *o, const struct option_spec *s)
{
    char term[HELP_TERM_SIZE];
    help_term(s, term);
    output_text(o, ".TP\n");
    line(o, ".B ", term + strspn(term, " "));
    paragraph(o, s->help, ".");
}

static void synopsis(struct output *o, const struct command *command)
{
    struct option_specs specs;
    options_of(command, &specs);
    for (const struct option_spec *s = specs.items; s < specs.items + specs.n; s++)
        if (s->required) {
            char letter[] = {s->letter, '\0'};
            output_format(o, "\\-%s%s %s ", s->letter ? "" : "\\-", s->letter ? letter : s->name, s->value);
        }
    output_text(o, "[OPTION]...");
    line(o, command->operand ? " " : "", command->operand ? command->operand : "");
}

static void about(struct output *o, const struct command *command)
{
    for (const char *const *text = command->about; *text; text++) {
        if (text != command->about)
            output_text(o, ".PP\n");
        paragraph(o, *text, "");
    }
}

static void options(struct output *o, const struct command *command, bool common)
{
    struct option_specs specs;
    options_of(command, &specs);
    for (const struct option_spec *s = specs.items; s < specs.items + specs.n; s++)
        if (s->help && s->common == common)
            option(o, s);
}

static void command_section(struct output *o, const struct command *command)
{
    output_text(o, ".SS hone ");
    put(o, command->name);
    output_text(o, " ");
    synopsis(o, command);
    about(o, command);
    options(o, command, false);
}

static void example(struct output *o, const struct command *command)
{
    for (const char *const *text = command->examples; *text; text += 2) {
        output_text(o, ".TP\n");
        line(o, ".B ", text[0]);
        paragraph(o, text[1], "");
    }
}

static void examples(struct output *o)
{
    output_text(o, ".SH EXAMPLES\n");
    for (const struct command *c = command_table; c->name; c++)
        example(o, c);
}

static void variable(struct output *o, const char *name, const char *meaning)
{
    output_text(o, ".TP\n");
    line(o, ".B ", name);
    paragraph(o, meaning, "");
}

static void topics(struct output *o)
{
    for (const char *const *topic = help_topics; *topic; topic += 2) {
        output_text(o, ".SH ");
        for (const char *c = topic[0]; *c; c++)
            output_format(o, "%c", toupper((unsigned char)*c));
        output_text(o, "\n");
        paragraph(o, topic[1], "");
    }
}

static void environment(struct output *o)
{
    output_text(o, ".SH ENVIRONMENT\n");
    variable(o, "HONE_CPU",
             "The highest instruction set to use, if not the best one; another name is an error: scalar, "
             "avx2, avxvnni, avx512, "
             "avx512vnni, avx512bf16, amx; neon, dotprod, i8mm.");
    variable(o, "HONE_OPENBLAS",
             "The file of the OpenBLAS that --compute blas uses, if not the first one found.");
    variable(o, "XDG_CACHE_HOME",
             "Where profiles of hone tune and packed weights are kept, in a folder hone (~/.cache).");
    variable(o, "HONE_CACHE",
             "0: packed weights are neither used nor kept; 1: those of small models are, too.");
    variable(o, "NO_COLOR", "No colours on a terminal, if it is not empty.");
    variable(o, "TMPDIR",
             "Where an array for NumPy waits that goes down a pipe, and the ids of an npz (/tmp).");
}

static void program_page(struct output *o)
{
    output_text(o, ".TH HONE 1 " HONE_RELEASED " \"hone " HONE_VERSION "\" \"User commands\"\n"
                   ".SH NAME\nhone \\- run text models on the CPU: text to vectors, to rankings, to labels\n"
                   ".SH SYNOPSIS\n.B hone\n.I COMMAND\n[OPTION]... [FILE]\n.SH COMMANDS\n");
    for (const struct command *c = command_table; c->name; c++)
        command_section(o, c);
    output_text(o, ".SH COMMON OPTIONS\nThose of the following that mean something to a command.\n");
    struct option_specs common;
    options_of(NULL, &common);
    for (const struct option_spec *s = common.items; s < common.items + common.n; s++)
        if (s->help)
            option(o, s);
    topics(o);
    environment(o);
    examples(o);
}

/* "hone-bench-limits" of "bench limits". */
static void page_name(struct output *o, const struct command *command, int (*spell)(int))
{
    for (const char *c = "hone-"; *c; c++)
        output_format(o, "%s%c", *c == '-' ? "\\" : "", spell((unsigned char)*c));
    for (const char *c = command->name; *c; c++)
        output_format(o, "%s%c", *c == ' ' ? "\\" : "", *c == ' ' ? '-' : spell((unsigned char)*c));
}

static void command_page(struct output *o, const struct command *command)
{
    output_text(o, ".TH ");
    page_name(o, command, toupper);
    output_text(o, " 1 " HONE_RELEASED " \"hone " HONE_VERSION "\" \"User commands\"\n.SH NAME\n");
    page_name(o, command, tolower);
    line(o, " \\- ", command->summary);
    line(o, ".SH SYNOPSIS\n.B hone ", command->name);
    synopsis(o, command);
    output_text(o, ".SH DESCRIPTION\n");
    about(o, command);
    output_text(o, ".SH OPTIONS\n");
    options(o, command, false);
    options(o, command, true);
    if (*command->examples)
        output_text(o, ".SH EXAMPLES\n");
    example(o, command);
    output_text(o,
                ".SH SEE ALSO\n.BR hone (1),\nwhich tells of texts, models, exit status and environment\n");
}

enum hone_status help_show_man(const struct command *command)
{
    static struct output o;
    enum hone_status status = output_open(&o, NULL, false);
    if (status != HONE_OK)
        return status;
    if (command)
        command_page(&o, command);
    else
        program_page(&o);
    return output_close(&o, true);
}
