#include "cli/help.h"
#include "cli/io/output.h"
#include "cli/io/report.h"

#include <stdio.h>
#include <string.h>

#define WIDTH       79 /* a terminal of 80 columns breaks no line */
#define TERM_INDENT 2
#define HELP_INDENT 26
#define NAME_INDENT 17

const char *const help_topics[] = {
    "Texts",
    "FILE holds a text a line, or is jsonl, csv or tsv (--input-format); several files are one input. "
    "Without FILE, or with "
    "-, texts are read from standard input. gzip, zstd and xz are decompressed. Bytes are taken as they are, "
    "but for the "
    "line break (LF or CR LF) and a byte order mark. An empty line is an empty text; one of jsonl asks for "
    "nothing. "
    "Invalid UTF-8 is read with U+FFFD in place of each invalid part; UTF-16 and files of other kinds are "
    "refused. A "
    "line longer than 64 MiB is refused.",
    "Models",
    "MODEL is a GGUF file, a Hugging Face folder (config.json, tokenizer.json, model.safetensors), or a "
    "name: "
    "hf:USER/REPO of a model of Hugging Face's hub, which is fetched where it is not there, or ollama:NAME. "
    "hone pull "
    "--help tells more. A folder is read anew each time; hone convert makes a file of it that opens faster.",
    "Exit status",
    "0: done. 1: failed while running. 2: wrong usage. 3: the model cannot be used. 4: done, but some inputs "
    "were "
    "refused; each is named on standard error with its line number.",
    NULL,
};

/* Writes words at column *at, breaking lines before WIDTH and beginning each new one at `indent`. */
static void wrap(struct output *o, const char *text, size_t indent, size_t *at)
{
    while (*text) {
        size_t word = strcspn(text, " ");
        if (*at > indent && *at + 1 + word > WIDTH) {
            output_format(o, "\n%*s", (int)indent, "");
            *at = indent;
        } else if (*at > indent) {
            output_text(o, " ");
            ++*at;
        }
        output_write(o, text, word);
        *at += word;
        text += word;
        text += strspn(text, " ");
    }
}

static void paragraph(struct output *o, const char *text, size_t indent)
{
    size_t at = indent;
    output_format(o, "%*s", (int)indent, "");
    wrap(o, text, indent, &at);
    output_text(o, "\n");
}

/* A term at TERM_INDENT and its text at `indent`, on the next line where the term is too long. */
static void entry(struct output *o, const char *term, const char *text, size_t indent)
{
    output_format(o, "%*s%s", TERM_INDENT, "", term);
    if (TERM_INDENT + strlen(term) + 2 > indent)
        output_format(o, "\n%*s", (int)indent, "");
    else
        output_format(o, "%*s", (int)(indent - TERM_INDENT - strlen(term)), "");
    size_t at = indent;
    wrap(o, text, indent, &at);
    output_text(o, "\n");
}

void help_term(const struct option_spec *option, char out[HELP_TERM_SIZE])
{
    char letter[] = {'-', option->letter, ',', ' ', '\0'};
    snprintf(out, HELP_TERM_SIZE, "%s--%s%s%s", option->letter ? letter : "    ", option->name,
             option->value ? " " : "", option->value ? option->value : "");
}

static void usage_line(struct output *o, const struct command *command)
{
    char start[80], piece[80];
    size_t indent = (size_t)snprintf(start, sizeof start, "usage: hone %s", command->name), at = indent;
    output_text(o, start);
    output_text(o, " ");
    indent = ++at;
    struct option_specs specs;
    options_of(command, &specs);
    for (const struct option_spec *s = specs.items; s < specs.items + specs.n; s++)
        if (s->required) {
            char letter[] = {s->letter, '\0'};
            snprintf(piece, sizeof piece, "-%s%s %s", s->letter ? "" : "-", s->letter ? letter : s->name,
                     s->value);
            wrap(o, piece, indent, &at);
        }
    wrap(o, "[OPTION]...", indent, &at);
    if (command->operand)
        wrap(o, command->operand, indent, &at);
    output_text(o, "\n");
}

static void options_list(struct output *o, const struct command *command, bool common)
{
    char term[HELP_TERM_SIZE];
    struct option_specs specs;
    options_of(command, &specs);
    for (const struct option_spec *s = specs.items; s < specs.items + specs.n; s++)
        if (s->help && s->common == common) {
            help_term(s, term);
            entry(o, term, s->help, HELP_INDENT);
        }
}

static bool has_own_options(const struct command *command)
{
    struct option_specs specs;
    options_of(command, &specs);
    for (const struct option_spec *s = specs.items; s < specs.items + specs.n; s++)
        if (s->help && !s->common)
            return true;
    return false;
}

static void show_command(struct output *o, const struct command *command)
{
    usage_line(o, command);
    for (const char *const *text = command->about; *text; text++) {
        output_text(o, "\n");
        paragraph(o, *text, 0);
    }
    if (has_own_options(command)) {
        output_text(o, "\nOptions:\n");
        options_list(o, command, false);
    }
    output_text(o, "\nCommon options:\n");
    options_list(o, command, true);
    if (*command->examples)
        output_text(o, "\nExamples:\n");
    for (const char *const *text = command->examples; *text; text += 2) {
        output_format(o, "  %s\n", text[0]);
        paragraph(o, text[1], 6);
    }
}

static void show_program(struct output *o)
{
    output_text(o, "usage: hone COMMAND [OPTION]... [FILE]\n\n");
    paragraph(o, "Runs text models on the CPU: text to vectors, to rankings, to labels, to more text.", 0);
    output_text(o, "\nCommands:\n");
    for (const struct command *c = command_table; c->name; c++)
        entry(o, c->name, c->summary, NAME_INDENT);
    for (const char *const *topic = help_topics; *topic; topic += 2) {
        output_format(o, "\n%s:\n", topic[0]);
        paragraph(o, topic[1], 2);
    }
    output_text(o, "\n'hone COMMAND --help' tells more. 'hone --version' tells the version, with -v\nalso "
                   "the libraries that it found.\n");
}

enum hone_status help_show(const struct command *command)
{
    static struct output o;
    enum hone_status status = output_open(&o, NULL, false);
    if (status != HONE_OK)
        return status;
    if (command)
        show_command(&o, command);
    else
        show_program(&o);
    return output_close(&o, true);
}

bool help_has_group(const char *word)
{
    for (const struct command *c = command_table; c->name; c++)
        if (command_is_in(c, word))
            return true;
    return false;
}

enum hone_status help_show_group(const char *word)
{
    static struct output o;
    enum hone_status status = output_open(&o, NULL, false);
    if (status != HONE_OK)
        return status;
    output_format(&o, "usage: hone %s COMMAND [OPTION]...\n\nCommands:\n", word);
    for (const struct command *c = command_table; c->name; c++)
        if (command_is_in(c, word))
            entry(&o, c->name, c->summary, NAME_INDENT);
    output_format(&o, "\n'hone %s COMMAND --help' tells more.\n", word);
    return output_close(&o, true);
}

enum hone_status help_run(const struct options *options)
{
    int n_words = 1;
    if (options->completion)
        return help_show_completion(options->completion);
    if (!options->operand)
        return options->man ? help_show_man(NULL) : help_show(NULL);
    const struct command *command = command_find(options->operands, options->n_operands, &n_words);
    if (options->n_operands > n_words)
        return report_error(HONE_USAGE, "one argument too many: %s", options->operands[n_words]);
    if (!command && help_has_group(options->operand))
        return help_show_group(options->operand);
    if (!command)
        return command_unknown(options->operand);
    return options->man ? help_show_man(command) : help_show(command);
}
