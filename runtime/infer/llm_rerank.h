/* Reranking by a model that generates: how probable it finds it that a document answers a query. */
#ifndef RUNTIME_INFER_LLM_RERANK_H
#define RUNTIME_INFER_LLM_RERANK_H

#include "runtime/infer/model.h"

/* Whether the model has what it takes: the tokens of a chat, and "yes" and "no", as tokens or as its two labels; or it reads
 * whole lists of documents (listwise.h). */
bool llm_rerank_can(const struct hone_model *model);

/* What hone_rerank is asked for once. */
struct llm_rerank_ask {
    struct hone_text query;
    const struct hone_text *docs; /* [n_docs] */
    size_t n_docs;
    const struct hone_run_options *run;
    float *out;         /* [n_docs] */
    uint32_t *n_tokens; /* [n_docs]: of a document with all that is around it; or NULL */
    bool *truncated;    /* [n_docs]: whether it was cut; or NULL */
};

/* Several of them together, each as hone_rerank has it; on_progress is that of the first. The form is that of Qwen3-Reranker (Zhang et al., 2025, arXiv:2506.05176); what all documents of
 * one have in front is computed once. */
enum hone_status llm_rerank(struct hone_model *model, const struct llm_rerank_ask *asks, size_t n_asks,
                            struct hone_stats *stats, struct hone_error *err);

#endif
