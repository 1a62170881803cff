/* What shells read to complete hone's commands, options and their values. */
#include "cli/help.h"
#include "cli/io/output.h"

#include <string.h>

/* ---- what the tables say ---- */

/* The commands whose first word is new: those of a group follow each other. */
static bool begins_word(const struct command *c)
{
    size_t n = strcspn(c->name, " ");
    return c == command_table || strncmp(c[-1].name, c->name, n) != 0 ||
           (c[-1].name[n] != ' ' && c[-1].name[n]);
}

static bool is_group(const struct command *c)
{
    return strchr(c->name, ' ') != NULL;
}

/* Whether a value is a path: what --help calls FILE, MODEL or alike. */
static bool is_path(const struct option_spec *s)
{
    static const char *const paths[] = {"FILE", "MODEL", "DIR", "FOLDER", "PATH", "[NAME=]MODEL", NULL};
    for (const char *const *p = paths; s->value && *p; p++)
        if (strcmp(*p, s->value) == 0)
            return true;
    return false;
}

static bool is_choice(const struct option_spec *s)
{
    return s->value && strchr(s->value, '|');
}

static void choices(struct output *o, const struct option_spec *s)
{
    for (const char *c = s->value; *c; c++)
        output_write(o, *c == '|' ? " " : c, 1);
}

/* The first of the phrases, without what a shell's quotes or zsh's specifications would take for their own. */
static void phrase(struct output *o, const char *text)
{
    size_t n = strcspn(text, ";:");
    for (size_t i = 0; i < n && i < 60; i++)
        output_write(o, strchr("'[]\\`$\"", text[i]) ? " " : text + i, 1);
    output_text(o, n > 60 ? "..." : "");
}

static void first_words(struct output *o)
{
    for (const struct command *c = command_table; c->name; c++)
        if (begins_word(c)) {
            output_text(o, c == command_table ? "" : " ");
            output_write(o, c->name, strcspn(c->name, " "));
        }
}

/* ---- bash ---- */

static void bash_options(struct output *o, const struct command *command)
{
    struct option_specs specs;
    options_of(command, &specs);
    output_format(o, "    '%s')\n        case $prev in\n", command->name);
    for (const struct option_spec *s = specs.items; s < specs.items + specs.n; s++)
        if (s->help && s->value) {
            output_format(o, "        --%s", s->name);
            if (s->letter)
                output_format(o, "|-%c", s->letter);
            output_text(o, is_choice(s) ? ") words='" : is_path(s) ? ") files=1" : ") return");
            if (is_choice(s)) {
                choices(o, s);
                output_text(o, "'");
            }
            output_text(o, " ;;\n");
        }
    output_text(o, "        *) options='");
    for (const struct option_spec *s = specs.items; s < specs.items + specs.n; s++)
        if (s->help)
            output_format(o, "--%s ", s->name);
    output_format(o, "' files=%d ;;\n        esac ;;\n", command->operand != NULL);
}

static void bash_groups(struct output *o)
{
    for (const struct command *c = command_table; c->name; c++)
        if (is_group(c) && begins_word(c)) {
            output_text(o, "    ");
            output_write(o, c->name, strcspn(c->name, " "));
            output_text(o, ") words='");
            for (const struct command *m = c; m->name && (m == c || !begins_word(m)); m++)
                output_format(o, "%s ", strchr(m->name, ' ') + 1);
            output_text(o, "' ;;\n");
        }
}

static void bash(struct output *o)
{
    output_text(o, "# Completes hone's commands in bash; made by 'hone help --completion bash'.\n"
                   "_hone()\n{\n"
                   "    local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD-1]}\n"
                   "    local command=${COMP_WORDS[1]} words= options= files=\n"
                   "    COMPREPLY=()\n"
                   "    if [ \"$COMP_CWORD\" = 1 ]; then\n"
                   "        words='");
    first_words(o);
    output_text(o, " --help --version'\n    elif [ \"$COMP_CWORD\" = 2 ] && [[ $cur != -* ]]; then\n    case "
                   "$command in\n    "
                   "help) words='");
    first_words(o);
    output_text(o, "' ;;\n");
    bash_groups(o);
    output_text(o, "    esac\n    fi\n"
                   "    if [ -z \"$words\" ]; then\n"
                   "    case $command in\n    ");
    bool first = true;
    for (const struct command *c = command_table; c->name; c++)
        if (is_group(c) && begins_word(c)) {
            output_text(o, first ? "" : "|");
            output_write(o, c->name, strcspn(c->name, " "));
            first = false;
        }
    output_text(o, ") command+=\" ${COMP_WORDS[2]}\" ;;\n    esac\n    case $command in\n");
    for (const struct command *c = command_table; c->name; c++)
        bash_options(o, c);
    output_text(o, "    esac\n    fi\n"
                   "    case $cur in -*) words=$options files= ;; esac\n"
                   "    [ \"$files\" != 1 ] || compopt -o default\n"
                   "    [ -z \"$words\" ] || mapfile -t COMPREPLY < <(compgen -W \"$words\" -- \"$cur\")\n"
                   "}\ncomplete -F _hone hone\n");
}

/* ---- zsh ---- */

static void zsh_option(struct output *o, const struct option_spec *s)
{
    output_text(o, "            '");
    if (s->letter)
        output_format(o, "(-%c --%s)'{-%c,--%s}'", s->letter, s->name, s->letter, s->name);
    else
        output_format(o, "--%s", s->name);
    output_text(o, "[");
    phrase(o, s->help);
    output_text(o, "]");
    if (is_choice(s)) {
        output_text(o, ":value:(");
        choices(o, s);
        output_text(o, ")");
    } else if (s->value) {
        output_text(o, is_path(s) ? ":file:_files" : ":value:");
    }
    output_text(o, "' \\\n");
}

static void zsh_members(struct output *o, const struct command *first, const char *indent)
{
    for (const struct command *c = first; c->name && (c == first || !begins_word(c)); c++) {
        output_format(o, "%s'%s:", indent, strchr(c->name, ' ') + 1);
        phrase(o, c->summary);
        output_text(o, "'\n");
    }
}

static void zsh_words(struct output *o)
{
    output_text(o, "    if (( CURRENT == 2 )); then\n        commands=(\n");
    for (const struct command *c = command_table; c->name; c++)
        if (begins_word(c)) {
            output_text(o, "            '");
            output_write(o, c->name, strcspn(c->name, " "));
            output_text(o, ":");
            phrase(o, is_group(c) ? "several commands" : c->summary);
            output_text(o, "'\n");
        }
    output_text(o, "        )\n        _describe command commands\n        return\n    fi\n    "
                   "name=$words[2]\n    case $name in\n");
    for (const struct command *c = command_table; c->name; c++)
        if (is_group(c) && begins_word(c)) {
            output_text(o, "    ");
            output_write(o, c->name, strcspn(c->name, " "));
            output_text(o, ")\n        if (( CURRENT == 3 )); then\n            commands=(\n");
            zsh_members(o, c, "                ");
            output_text(
                o, "            )\n            _describe command commands\n            return\n        fi\n"
                   "        name+=\" $words[3]\"\n        shift words\n        (( CURRENT-- )) ;;\n");
        }
    output_text(o, "    esac\n    shift words\n    (( CURRENT-- ))\n");
}

static void zsh(struct output *o)
{
    output_text(o,
                "#compdef hone\n# Completes hone's commands in zsh; made by 'hone help --completion zsh'.\n"
                "_hone() {\n    local -a commands\n    local name\n");
    zsh_words(o);
    output_text(o, "    case $name in\n");
    for (const struct command *c = command_table; c->name; c++) {
        struct option_specs specs;
        options_of(c, &specs);
        output_format(o, "    '%s')\n        _arguments -s \\\n", c->name);
        for (const struct option_spec *s = specs.items; s < specs.items + specs.n; s++)
            if (s->help)
                zsh_option(o, s);
        output_text(o, c->operand ? "            '*:file:_files' ;;\n" : "            ':' ;;\n");
    }
    output_text(o, "    esac\n}\n_hone \"$@\"\n");
}

/* ---- fish ---- */

static void fish_condition(struct output *o, const struct command *c)
{
    size_t n = strcspn(c->name, " ");
    output_text(o, "complete -c hone -n '__fish_seen_subcommand_from ");
    output_write(o, c->name, n);
    if (is_group(c))
        output_format(o, "; and __fish_seen_subcommand_from %s", strchr(c->name, ' ') + 1);
    output_text(o, "'");
}

static void fish_options(struct output *o, const struct command *c)
{
    struct option_specs specs;
    options_of(c, &specs);
    for (const struct option_spec *s = specs.items; s < specs.items + specs.n; s++) {
        if (!s->help)
            continue;
        fish_condition(o, c);
        output_format(o, " -l %s", s->name);
        if (s->letter)
            output_format(o, " -s %c", s->letter);
        if (is_choice(s)) {
            output_text(o, " -x -a '");
            choices(o, s);
            output_text(o, "'");
        } else if (s->value) {
            output_text(o, is_path(s) ? " -r -F" : " -x");
        }
        output_text(o, " -d '");
        phrase(o, s->help);
        output_text(o, "'\n");
    }
}

static void fish(struct output *o)
{
    output_text(o, "# Completes hone's commands in fish; made by 'hone help --completion fish'.\n"
                   "complete -c hone -n __fish_use_subcommand -f -a '");
    first_words(o);
    output_text(o, "'\n");
    for (const struct command *c = command_table; c->name; c++) {
        if (is_group(c)) {
            size_t n = strcspn(c->name, " ");
            output_text(o, "complete -c hone -f -n '__fish_seen_subcommand_from ");
            output_write(o, c->name, n);
            output_format(o, "' -a %s -d '", strchr(c->name, ' ') + 1);
            phrase(o, c->summary);
            output_text(o, "'\n");
        }
        fish_options(o, c);
    }
}

enum hone_status help_show_completion(const char *shell)
{
    static struct output o;
    enum hone_status status = output_open(&o, NULL, false);
    if (status != HONE_OK)
        return status;
    (strcmp(shell, "bash") == 0 ? bash : strcmp(shell, "zsh") == 0 ? zsh : fish)(&o);
    return output_close(&o, true);
}
