#include "server/manager/complexity.h"

#include "runtime/base/text.h"

#include <ctype.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

const char *const complexity_names[COMPLEXITY_PARTS] = {"lines",    "nesting",  "identifiers",
                                                        "keywords", "brackets", "imports"};

static bool is_word(int c)
{
    return isalnum(c) || c == '_';
}

static bool is_one_of(const char *word, size_t n, const char *const *words)
{
    for (; *words; words++)
        if (text_is((struct hone_text){word, n}, *words))
            return true;
    return false;
}

/* ---- code or prose ---- */

/* Signs that prose seldom has, of which one in CODE_SIGNS characters makes a text code; or a fence, or CODE_LINES that end as
 * statements do. On the READMEs and sources of this project: prose at most 1 in 34, sources at least 1 in 16. */
#define CODE_SIGNS 24
#define CODE_LINES 0.3

static bool ends_as_code(const char *line, size_t n)
{
    while (n > 0 && isspace((unsigned char)line[n - 1]))
        n--;
    return n > 0 && (strchr("{};", line[n - 1]) || (n > 1 && line[n - 1] == ':' && line[n - 2] == ')'));
}

static bool is_code(const char *s, size_t n)
{
    size_t signs = 0, dark = 0, lines = 0, code_lines = 0;
    for (size_t i = 0; i < n; i++) {
        dark += !isspace((unsigned char)s[i]);
        signs += s[i] && strchr("{}[]()=;<>+*&|_\\$@#", s[i]) != NULL;
    }
    for (const char *line = s, *end = s + n; line < end;) {
        const char *next = memchr(line, '\n', (size_t)(end - line));
        size_t length = (size_t)((next ? next : end) - line);
        lines += length > 0;
        code_lines += ends_as_code(line, length);
        line += length + 1;
    }
    bool fenced = memmem(s, n, "```", 3) != NULL;
    return fenced || (dark > 0 && signs * CODE_SIGNS >= dark) ||
           (code_lines > 0 && (double)code_lines >= CODE_LINES * (double)lines);
}

/* ---- its parts ---- */

/* Words that were seen, by their hash: a set that is never full. Two words of one hash are one, which is rare enough. */
struct seen {
    uint64_t slots[4096];
    size_t n;
};

static void see(struct seen *seen, const char *word, size_t n)
{
    uint64_t h = 0xcbf29ce484222325u;
    for (size_t i = 0; i < n; i++)
        h = (h ^ (unsigned char)word[i]) * 0x100000001b3u;
    h |= 1;
    const size_t size = sizeof seen->slots / sizeof *seen->slots;
    for (size_t at = h >> 20, k = 0; k < size && seen->n < size; k++) {
        uint64_t *slot = &seen->slots[(at + k) % size];
        if (*slot == h)
            return;
        if (*slot == 0) {
            *slot = h;
            seen->n++;
            return;
        }
    }
}

static void count_words(const char *s, size_t n, struct complexity *out)
{
    static const char *const control[] = {
        "if",    "else",   "elif",    "for",  "while", "do",       "switch", "case",  "match", "try",
        "catch", "except", "finally", "goto", "break", "continue", "yield",  "await", "async", "throw",
        "raise", "return", "defer",   "loop", "when",  "unless",   "until",  "with",  NULL};
    struct seen seen = {.n = 0};
    for (size_t i = 0; i < n;) {
        size_t length = 0;
        while (i + length < n && is_word((unsigned char)s[i + length]))
            length++;
        if (length == 0) {
            i++;
            continue;
        }
        if (is_one_of(s + i, length, control))
            out->parts[COMPLEXITY_KEYWORDS]++;
        else if (length > 1 && !isdigit((unsigned char)s[i]))
            see(&seen, s + i, length);
        i += length;
    }
    out->parts[COMPLEXITY_IDENTIFIERS] = seen.n;
}

static void count_brackets(const char *s, size_t n, struct complexity *out)
{
    size_t open = 0, deepest = 0;
    for (size_t i = 0; i < n; i++) {
        if (s[i] == '(' || s[i] == '[' || s[i] == '{')
            deepest = ++open > deepest ? open : deepest;
        else if ((s[i] == ')' || s[i] == ']' || s[i] == '}') && open > 0)
            open--;
    }
    out->parts[COMPLEXITY_BRACKETS] = open;
    out->parts[COMPLEXITY_NESTING] = deepest;
}

static bool is_import(const char *line, size_t n)
{
    static const char *const words[] = {"import", "from",    "include", "use",
                                        "using",  "require", "package", NULL};
    if (n > 0 && *line == '#') {
        line++;
        n--;
    }
    size_t length = 0;
    while (length < n && is_word((unsigned char)line[length]))
        length++;
    return length < n && strchr(" (<\"'\t", line[length]) && is_one_of(line, length, words);
}

/* A step of indentation is 4 spaces, or a tab. */
static void count_lines(const char *s, size_t n, struct complexity *out)
{
    for (const char *line = s, *end = s + n; line < end;) {
        const char *next = memchr(line, '\n', (size_t)(end - line));
        size_t length = (size_t)((next ? next : end) - line), at = 0, indent = 0;
        for (; at < length && (line[at] == ' ' || line[at] == '\t'); at++)
            indent += line[at] == '\t' ? 4 : 1;
        if (at < length) {
            size_t *nesting = &out->parts[COMPLEXITY_NESTING];
            out->parts[COMPLEXITY_LINES]++;
            out->parts[COMPLEXITY_IMPORTS] += is_import(line + at, length - at);
            *nesting = indent / 4 > *nesting ? indent / 4 : *nesting;
        }
        line += length + 1;
    }
}

void complexity_measure(struct hone_text text, struct complexity *out)
{
    size_t n = text.size < COMPLEXITY_BYTES ? text.size : COMPLEXITY_BYTES;
    *out = (struct complexity){.bytes = text.size};
    out->is_code = is_code(text.data, n);
    count_brackets(text.data, n, out);
    count_lines(text.data, n, out);
    count_words(text.data, n, out);
}

double complexity_score(const struct complexity *c, const struct complexity_weights *weights)
{
    double sum = 0;
    for (size_t i = 0; i < COMPLEXITY_PARTS; i++)
        sum += weights->parts[i] * (double)c->parts[i];
    return sum;
}

bool complexity_read_weights(const char *text, struct complexity_weights *out, const char **bad, size_t *n)
{
    *out = (struct complexity_weights)COMPLEXITY_WEIGHTS;
    bool said[COMPLEXITY_PARTS + 1] = {false}; /* the first is the threshold */
    for (const char *p = text; *p;) {
        p += strspn(p, " \t,");
        size_t length = strcspn(p, ",");
        struct hone_text name = {p, strcspn(p, " =,")};
        size_t i = 0;
        double *to = text_is(name, "threshold") ? &out->threshold : NULL;
        for (; i < COMPLEXITY_PARTS && !to; i++)
            if (text_is(name, complexity_names[i]))
                to = &out->parts[i];
        const char *value = p + name.size + strspn(p + name.size, " =");
        char *end = NULL;
        double x = to ? strtod(value, &end) : NAN;
        if (length > 0 && (!to || said[i] || end == value || end > p + length ||
                           strspn(end, " \t") != (size_t)(p + length - end) || !isfinite(x) || x < 0)) {
            *bad = p;
            *n = length;
            return false;
        }
        if (length > 0) {
            *to = x;
            said[i] = true;
        }
        p += length;
    }
    return true;
}
