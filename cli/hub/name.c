#include "cli/hub/name.h"
#include "cli/hub/fail.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#define PREFIX "hf:"

bool hub_name_is(const char *text)
{
    return strncmp(text, PREFIX, strlen(PREFIX)) == 0;
}

bool hub_is_hex(const char *text, size_t n)
{
    return strlen(text) == n && strspn(text, "0123456789abcdef") == n;
}

bool hub_is_inside(const char *path)
{
    const char *part = path;
    for (const char *p = path; *p; p++)
        if ((unsigned char)*p < 0x20 || *p == 0x7f || *p == '\\')
            return false;
    for (;;) {
        size_t n = strcspn(part, "/");
        if (n == 0 || n > 255 || (n == 1 && part[0] == '.') || (n == 2 && part[0] == '.' && part[1] == '.'))
            return false;
        if (part[n] == '\0')
            return true;
        part += n + 1;
    }
}

/* Hugging Face's own rule: letters, digits, and -, _, . that neither begin nor end a part nor come twice. */
static bool is_repo(const char *repo)
{
    size_t n_slashes = 0;
    if (!*repo || strlen(repo) > 192)
        return false;
    for (const char *p = repo; *p; p++) {
        char before = p > repo ? p[-1] : '/', after = p[1] ? p[1] : '/';
        n_slashes += *p == '/';
        if (*p == '/' && (before == '/' || after == '/'))
            return false;
        if (strchr("-.", *p) && (before == '/' || after == '/' || after == *p))
            return false;
        if (!isalnum((unsigned char)*p) && !strchr("-_./", *p))
            return false;
    }
    return n_slashes <= 1 && repo[0] != '/' && repo[strlen(repo) - 1] != '/';
}

static bool take(char *out, size_t size, const char *text, size_t n)
{
    if (n == 0 || n >= size)
        return false;
    memcpy(out, text, n);
    out[n] = '\0';
    return true;
}

enum hone_status hub_name_read(struct hub_name *out, const char *text, struct hone_error *err)
{
    const char *rest = text + (hub_name_is(text) ? strlen(PREFIX) : 0);
    size_t n = strcspn(rest, ":@");
    memset(out, 0, sizeof *out);
    bool ok = take(out->repo, sizeof out->repo, rest, n) && is_repo(out->repo);
    for (rest += n; ok && *rest; rest += n) {
        char kind = *rest++;
        n = strcspn(rest, ":@");
        char *word = kind == '@' ? out->revision : out->pick;
        ok = !*word && take(word, HUB_WORD_MAX, rest, n) && hub_is_inside(word);
    }
    if (!ok)
        return hub_fail(err, HONE_USAGE,
                        "'%s' is no name of a model: expected user/repo, with :FILE or :QUANTISATION and "
                        "@REVISION behind it where these matter",
                        text);
    out->has_revision = *out->revision;
    if (!out->has_revision)
        snprintf(out->revision, sizeof out->revision, "main");
    return HONE_OK;
}
