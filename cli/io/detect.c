#include "cli/io/detect.h"
#include "cli/io/codec.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

static const struct {
    const char *magic;
    size_t n;
    const char *what;
} foreign[] = {
    {"PAR1", 4,
     "a Parquet file; python3 -c 'import pandas; pandas.read_parquet(FILE).to_json(OUT, orient=\"records\", "
     "lines=True)' makes jsonl of it"},
    {"ARROW1", 6, "an Arrow file"},
    {"FEA1", 4, "a Feather file"},
    {"\xff\xff\xff\xff", 4, "an Arrow stream"},
    {"\x93NUMPY", 6, "a NumPy array, which holds no texts"},
    {"PK\3\4", 4, "a ZIP archive (NumPy's npz is one, and holds no texts)"},
    {"BZh", 3, "compressed by bzip2; gzip, zstd and xz are read"},
    {"GGUF", 4, "a model"},
    {"%PDF-", 5, "a PDF"},
    {"SQLite format 3", 15, "an SQLite database"},
    {"\x7f"
     "ELF",
     4, "a program"},
};

bool detect_encoding(const char *data, size_t n, char *why, size_t size)
{
    size_t n_nul[2] = {0, 0}, half = (n < 512 ? n : 512) / 2;
    for (size_t i = 0; i < 2 * half; i++)
        n_nul[i % 2] += data[i] == '\0';
    bool marked = n >= 2 && (memcmp(data, "\xff\xfe", 2) == 0 || memcmp(data, "\xfe\xff", 2) == 0);
    if (!marked &&
        (half < 4 || (n_nul[0] < half / 2 + 1 && n_nul[1] < half / 2 + 1) || (n_nul[0] && n_nul[1])))
        return true;
    snprintf(why, size, "this is UTF-16, expected UTF-8: iconv -f UTF-16 -t UTF-8 makes that of it");
    return false;
}

const char *detect_by_name(const char *name, const char *const *ends)
{
    size_t stem = 0;
    if (!name)
        return NULL;
    (void)codec_of_name(name, &stem);
    for (; *ends; ends += 2) {
        size_t k = strlen(ends[0]);
        if (stem > k && strncasecmp(name + stem - k, ends[0], k) == 0)
            return ends[1];
    }
    return NULL;
}

static const char *const names[] = {".jsonl", "jsonl", ".ndjson",  "jsonl",   ".csv", "csv",  ".tsv", "tsv",
                                    ".json",  "json",  ".parquet", "parquet", ".txt", "text", NULL};

/* Whether the first line is a JSON object or array, as no sentence is. */
static bool begins_with_json(const char *data, size_t n)
{
    const char *end = memchr(data, '\n', n);
    size_t size = end ? (size_t)(end - data) : n;
    if (n == 0 || (data[0] != '{' && data[0] != '['))
        return false;
    json_error_t error;
    json_t *json = json_loadb(data, size, JSON_ALLOW_NUL, &error);
    /* Of a line that is longer than what was looked at, as much as is there. */
    bool cut = !json && !end && json_error_code(&error) == json_error_premature_end_of_input;
    json_decref(json);
    return json || cut;
}

bool detect_format(enum input_format *out, const char *name, const char *data, size_t n, char *why,
                   size_t size)
{
    const char *word = detect_by_name(name, names);
    *out = INPUT_TEXT;
    for (size_t i = 0; i < sizeof foreign / sizeof *foreign; i++)
        if (n >= foreign[i].n && memcmp(data, foreign[i].magic, foreign[i].n) == 0) {
            snprintf(why, size, "this is %s", foreign[i].what);
            return false;
        }
    if (!detect_encoding(data, n, why, size))
        return false;
    if (n >= 3 && memcmp(data, "\xef\xbb\xbf", 3) == 0) {
        data += 3;
        n -= 3;
    }
    if (word && strcmp(word, "jsonl") == 0)
        *out = INPUT_JSONL;
    else if (word && strcmp(word, "csv") == 0)
        *out = INPUT_CSV;
    else if (word && strcmp(word, "tsv") == 0)
        *out = INPUT_TSV;
    else if (!word && begins_with_json(data, n))
        snprintf(why, size,
                 "its first line is JSON: say --input-format jsonl, or text where it is text all the same");
    else if (word && strcmp(word, "json") == 0)
        snprintf(why, size, "say whether it has a JSON value a line (--input-format jsonl) or is text");
    else if (word && strcmp(word, "parquet") == 0)
        snprintf(why, size, "it is named as Parquet, which hone does not read, and is none");
    else
        return true;
    return *out != INPUT_TEXT;
}
