/* Files that commands read: texts, jsonl, csv and tsv, compressed or not, TREC's judgements and runs, lines of hone score, and
 * what it left when it was ended: rows, a NUL, and what they were made from; the same of --resume. The first byte says which. Each is refused with a
 * report, or its texts lie in the window. */
#include "cli/io/records.h"
#include "cli/eval/judged.h"
#include "cli/jobs/checkpoint.h"
#include "cli/jobs/job.h"
#include "cli/jobs/resume.h"
#include "cli/jobs/score_line.h"
#include "tests/fuzz/harness.h"

#include <string.h>
#include <unistd.h>

static const struct command score = {.name = "score"};
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

/* "=" at the beginning stands for what such a run writes. */
static void write_job(const char *path, const struct options *options, struct hone_text text)
{
    if (text.size == 0 || *text.data != '=') {
        fuzz_write(path, text.data, text.size);
        return;
    }
    json_t *job = job_describe(options);
    char *line = json_dumps(job, JSON_COMPACT), *whole = NULL;
    FUZZ_CHECK(line && asprintf(&whole, "%s\n%.*s", line, (int)text.size - 1, text.data + 1) >= 0);
    fuzz_write(path, whole, strlen(whole));
    free(whole);
    free(line);
    json_decref(job);
}

/* What is gone on with: rows that were there are neither lost nor counted twice. */
static void resume(const uint8_t *data, size_t size)
{
    static struct lines l;
    static struct output o;
    char rows[FUZZ_PATH], job[FUZZ_PATH], input[FUZZ_PATH];
    struct hone_text rest = {(const char *)data, size}, first = fuzz_part(&rest, 0);
    const struct options options = {.command = &score, .output = fuzz_place(rows, "rows")};
    const enum input_format format = INPUT_TEXT;
    struct resume r;
    char *paths[] = {input};
    fuzz_write(rows, first.data, first.size);
    write_job(fuzz_place(job, "rows.job"), &options, rest);
    fuzz_write(fuzz_place(input, "input"), "a\n\nc\n", 5);
    if (resume_open(&r, &o, &options, RESUME_INDEX) != HONE_OK)
        return;
    FUZZ_CHECK(r.n_rows <= r.n_done && lseek(o.fd, 0, SEEK_CUR) <= (off_t)first.size);
    memset(&l, 0, sizeof l);
    FUZZ_CHECK(lines_open(&l, paths, 1, &format) == HONE_OK);
    while (lines_next(&l) && resume_check(&r, &o, &l) == HONE_OK)
        for (size_t i = 0; i < l.n; i++)
            FUZZ_CHECK(resume_has(&r, &l, i) == (l.index[i] < r.n_done));
    resume_mark(&r);
    (void)resume_n_refused(&r);
    lines_close(&l);
    close(o.fd);
    resume_close(&r);
}

/* The same of any output: of its bytes no more counts than is there and vouched for, and every record is met once. */
static void go_on(const uint8_t *data, size_t size)
{
    static struct lines l;
    static struct output o;
    char name[FUZZ_PATH], part[FUZZ_PATH], job[FUZZ_PATH], input[FUZZ_PATH];
    struct hone_text rest = {(const char *)data, size}, first = fuzz_part(&rest, 0);
    const struct options options = {.command = &score, .output = fuzz_place(name, "out")};
    const enum input_format format = INPUT_TEXT;
    struct checkpoint c;
    char *paths[] = {input};
    enum hone_status status = HONE_OK;
    fuzz_write(fuzz_place(part, "out.part"), first.data, first.size);
    write_job(fuzz_place(job, "out.job"), &options, rest);
    fuzz_write(fuzz_place(input, "input"), "a\n\nc\nd\n", 7);
    if (checkpoint_open(&c, &o, &options, 0) != HONE_OK)
        return;
    FUZZ_CHECK(o.size <= first.size);
    memset(&l, 0, sizeof l);
    FUZZ_CHECK(lines_open(&l, paths, 1, &format) == HONE_OK);
    l.until = c.n_had;
    while (status == HONE_OK && lines_next(&l))
        FUZZ_CHECK(checkpoint_has(&c, &l, &status) == (l.first + l.n <= c.n_had));
    if (status == HONE_OK && checkpoint_end(&c, &l) == HONE_OK)
        FUZZ_CHECK(checkpoint_mark(&c, 0) == HONE_OK && c.done.n >= c.n_had);
    lines_close(&l);
    checkpoint_close(&c);
    (void)output_close(&o, false);
}

void fuzz_input(const uint8_t *data, size_t size)
{
    static const enum input_format formats[] = {INPUT_TEXT, INPUT_JSONL, INPUT_CSV, INPUT_TSV};
    enum { N_FORMATS = sizeof formats / sizeof *formats };
    if (size == 0)
        return;
    unsigned which = data[0] % (N_FORMATS + 7);
    const char *path = fuzz_file(data + 1, size - 1);
    if (which < N_FORMATS)
        read_lines(path, &formats[which]);
    else if (which == N_FORMATS)
        read_lines(path, NULL);
    else if (which < N_FORMATS + 4)
        read_judged(which - N_FORMATS - 1, path);
    else if (which == N_FORMATS + 4)
        read_score(data + 1, size - 1);
    else if (which == N_FORMATS + 5)
        resume(data + 1, size - 1);
    else
        go_on(data + 1, size - 1);
}

/* 'B' is 66, from where on letters stand for what the first byte says. */
FUZZ_SEEDS(
    FUZZ_TEXT("Bone\ttwo\r\nthree\n\n"),
    FUZZ_TEXT("C{\"text\": \"a\", \"b\": \"c\", \"id\": 3}\n\n{\"messages\": [{\"role\": \"user\", "
              "\"content\": \"x\"}]}\n"),
    FUZZ_TEXT("Did,text,b\n1,\"a \"\"b\"\"\nc\",d\r\n2,\xef\xbb\xbf,\n"),
    FUZZ_TEXT("Eid\ttext\tb\n1\ta\tc\n"), FUZZ_TEXT("F\xef\xbb\xbfid,text\n1,a\n"),
    FUZZ_TEXT("F\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\x03\x4b\x4c\xe2\x4a\x06\x00\x49\xe1\xa4\x03\x04\x00\x00"
              "\x00"),
    FUZZ_TEXT("Gq1 0 d1 2\nq1 0 d2 0\n"), FUZZ_TEXT("Gquery-id\tcorpus-id\tscore\nq1\td1\t1\n"),
    FUZZ_TEXT("Hq1 Q0 d1 1 3.5 name\nq1 Q0 d2 2 -1e-3 name\n"),
    FUZZ_TEXT("I{\"_id\": \"d1\", \"title\": \"t\", \"text\": \"x\"}\n"),
    FUZZ_TEXT("J{\"query\": \"q\", \"documents\": [\"a\", \"b\"], \"priority\": \"bulk\"}"),
    FUZZ_TEXT("J{\"texts\": [\"a\", \"b\"], \"id\": null}"),
    FUZZ_TEXT("K{\"index\": 0, \"a\": 1}\n{\"index\": 2}\n{\"ind\0=3 1f 0 0 0\n4 2e 0 0 0\n"),
    FUZZ_TEXT("K{\"index\": 0}\n\0{\"hone\": \"0\"}\n1 0 0 0 0\n"), FUZZ_TEXT("Lrow\n\0=1 0 4 0 0\n"))

/* Where all of it is one JSON value. */
size_t fuzz_shape(uint8_t *data, size_t size, size_t capacity)
{
    return size > 1 ? fuzz_shape_within(data, size, capacity, 1, size - 1, fuzz_shape_json) : 0;
}
