#include "runtime/base/utf8.h"
#include "tokenizer/files/amend.h"
#include "tokenizer/text/fail.h"

#include <string.h>

/* {"model": {"vocab": {token: line, ...}}}, of two lines that are the same the second; NULL: no text, or no memory. */
static json_t *read_lines(struct hone_text text)
{
    json_t *vocab = json_object();
    json_int_t n = 0;
    for (size_t at = 0; at < text.size && vocab; n++) {
        const char *line = text.data + at, *end = memchr(line, '\n', text.size - at);
        size_t size = end ? (size_t)(end - line) : text.size - at;
        at += size + 1;
        if (size && line[size - 1] == '\r')
            size--;
        if (json_object_setn_new(vocab, line, size, json_integer(n)) != 0) {
            json_decref(vocab);
            vocab = NULL;
        }
    }
    return vocab ? json_pack("{s:{s:s, s:o}}", "model", "type", "WordPiece", "vocab", vocab) : NULL;
}

bool tok_vocab_txt_read(struct hone_text lines, const struct tokenizer_folder *folder,
                        struct tokenizer_file *out, struct hone_error *err)
{
    *out = (struct tokenizer_file){0};
    json_t *root = read_lines(lines);
    if (root)
        return tok_json_take(root, folder, out, err);
    if (utf8_valid_prefix(lines.data, lines.size) == lines.size)
        return tok_no_memory(err);
    tok_fail(err, HONE_BAD_MODEL, "vocab.txt is no text in UTF-8");
    return false;
}
