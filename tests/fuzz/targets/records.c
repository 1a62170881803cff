/* Files that commands read: texts, jsonl, csv and tsv, compressed or not, TREC's judgements and runs, and lines of hone score.
 * The first byte says which. Each is refused with a report, or its texts lie in the window. */
#include "cli/io/records.h"
#include "cli/eval/judged.h"
#include "cli/jobs/score_line.h"
#include "tests/fuzz/harness.h"

#include <string.h>

static const struct records columns = {
    .columns = {"text"}, .n_columns = 1, .pair = "b", .keep = true, .chats = true};

static void read_window(struct lines *l, bool by_columns)
{
    FUZZ_CHECK(l->n <= LINES_MAX_TEXTS);
    if (by_columns)
        records_find(&columns, l);
    else
        lines_split_pairs(l);
    for (size_t i = 0; i < l->n; i++) {
        uint8_t sum = 0;
        FUZZ_CHECK(l->numbers[i] > 0 && (!l->refused[i] || l->texts[i].size == 0));
        for (size_t k = 0; k < l->texts[i].size; k++)
            sum ^= (uint8_t)l->texts[i].data[k];
        for (size_t k = 0; k < l->pairs[i].size; k++)
            sum ^= (uint8_t)l->pairs[i].data[k];
        *(volatile uint8_t *)&sum = sum;
    }
}

/* format: NULL: as the content tells. */
static void read_lines(const char *path, const enum input_format *format)
{
    static struct lines l;
    char *paths[] = {(char *)path};
    size_t n = 0;
    memset(&l, 0, sizeof l);
    if (lines_open(&l, paths, 1, format) != HONE_OK)
        return;
    while (lines_next(&l)) {
        FUZZ_CHECK(l.first == n);
        n += l.n;
        read_window(&l, l.format != INPUT_TEXT);
    }
    lines_close(&l);
}

static void read_judged(unsigned which, const char *path)
{
    json_t *out = NULL;
    enum hone_status status = which == 0   ? judged_read_qrels(&out, path)
                              : which == 1 ? judged_read_run(&out, path)
                                           : judged_read_texts(&out, path, NULL);
    FUZZ_CHECK(status != HONE_OK || json_is_object(out));
    json_decref(out);
}

static void read_score(const uint8_t *data, size_t size)
{
    struct score_line line;
    const struct hone_model_info info = {.task = HONE_TASK_CLASSIFY, .n_labels = 1, .n_dims = 4};
    memset(&line, 0, sizeof line);
    /* No model: a prompt is refused behind its fields, since this one classifies. */
    FUZZ_CHECK(score_line_read(&line, (struct hone_text){(const char *)data, size}, NULL, &info) ||
               *line.why);
    score_line_release(&line);
}

void fuzz_input(const uint8_t *data, size_t size)
{
    static const enum input_format formats[] = {INPUT_TEXT, INPUT_JSONL, INPUT_CSV, INPUT_TSV};
    enum { N_FORMATS = sizeof formats / sizeof *formats };
    if (size == 0)
        return;
    unsigned which = data[0] % (N_FORMATS + 5);
    const char *path = fuzz_file(data + 1, size - 1);
    if (which < N_FORMATS)
        read_lines(path, &formats[which]);
    else if (which == N_FORMATS)
        read_lines(path, NULL);
    else if (which < N_FORMATS + 4)
        read_judged(which - N_FORMATS - 1, path);
    else
        read_score(data + 1, size - 1);
}

/* 'H' is 72, from where on letters stand for what the first byte says. */
FUZZ_SEEDS(
    FUZZ_TEXT("Hone\ttwo\r\nthree\n\n"),
    FUZZ_TEXT("I{\"text\": \"a\", \"b\": \"c\", \"id\": 3}\n\n{\"messages\": [{\"role\": \"user\", "
              "\"content\": \"x\"}]}\n"),
    FUZZ_TEXT("Jid,text,b\n1,\"a \"\"b\"\"\nc\",d\r\n2,\xef\xbb\xbf,\n"),
    FUZZ_TEXT("Kid\ttext\tb\n1\ta\tc\n"), FUZZ_TEXT("L\xef\xbb\xbfid,text\n1,a\n"),
    FUZZ_TEXT("L\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\x03\x4b\x4c\xe2\x4a\x06\x00\x49\xe1\xa4\x03\x04\x00\x00"
              "\x00"),
    FUZZ_TEXT("Mq1 0 d1 2\nq1 0 d2 0\n"), FUZZ_TEXT("Mquery-id\tcorpus-id\tscore\nq1\td1\t1\n"),
    FUZZ_TEXT("Nq1 Q0 d1 1 3.5 name\nq1 Q0 d2 2 -1e-3 name\n"),
    FUZZ_TEXT("O{\"_id\": \"d1\", \"title\": \"t\", \"text\": \"x\"}\n"),
    FUZZ_TEXT("P{\"query\": \"q\", \"documents\": [\"a\", \"b\"], \"priority\": \"bulk\"}"),
    FUZZ_TEXT("P{\"texts\": [\"a\", \"b\"], \"id\": null}"))

/* Where all of it is one JSON value. */
size_t fuzz_shape(uint8_t *data, size_t size, size_t capacity)
{
    size_t n = size > 1 ? fuzz_shape_json(data + 1, size - 1, capacity - 1) : 0;
    return n ? n + 1 : 0;
}
