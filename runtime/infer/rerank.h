/* Reranking by how near what becomes of a document is to what becomes of the query, of a model that embeds. */
#ifndef RUNTIME_INFER_RERANK_H
#define RUNTIME_INFER_RERANK_H

#include "runtime/infer/tasks.h"

/* How two results are compared. */
struct comparison {
    enum similarity by;
    bool lengths; /* to be divided by */
    const struct kernels *kernels;
    float *query; /* [n_query, width]: of length 1, or the weights of words */
    size_t n_query, width;
    float *out; /* one a document */
};

/* What is to be computed of the query and of the documents, without texts and sinks, and how both are compared. asking and
 * reading: the models that read either; the same one unless it has routes. */
enum hone_status rerank_requests(const struct hone_model *asking, const struct hone_model *reading,
                                 const struct hone_run_options *run, struct request *query,
                                 struct request *documents, struct comparison *out, struct hone_error *err);

/* Sinks for results of documents (arg: a struct comparison whose query is there), of one vector each, and of one a token. */
void rerank_store_similarity(void *comparison, size_t i, const float *row, size_t n_rows);
void rerank_store_nearest(void *comparison, size_t i, const float *rows, size_t n_rows);

#endif
