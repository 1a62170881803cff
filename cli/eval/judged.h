/* Judgements (qrels), runs, and the texts that both are about, each in a JSON object of objects: query, document, number. */
#ifndef CLI_EVAL_JUDGED_H
#define CLI_EVAL_JUDGED_H

#include <hone/hone.h>

#include <jansson.h>

/* {QUERY: {DOCUMENT: grade}} of "QUERY 0 DOCUMENT GRADE" (TREC) or "QUERY<tab>DOCUMENT<tab>GRADE" below a line of names
 * (BEIR). What is wrong has been reported, with file and line; *out is to be released in any case. */
enum hone_status judged_read_qrels(json_t **out, const char *path);
/* {QUERY: {DOCUMENT: score}} of "QUERY Q0 DOCUMENT RANK SCORE NAME". */
enum hone_status judged_read_run(json_t **out, const char *path);
/* {ID: text} of jsonl, csv or tsv with "_id" or "id", "text" and maybe "title", which stands before the text. wanted: the
 * ids that are needed, as keys; NULL: all. */
enum hone_status judged_read_texts(json_t **out, const char *path, const json_t *wanted);

#endif
