/* Reranking by a model that generates: how probable it finds it that a document answers a query. */
#ifndef RUNTIME_INFER_LLM_RERANK_H
#define RUNTIME_INFER_LLM_RERANK_H

#include "runtime/infer/model.h"

/* Whether the model has what it takes: the tokens of a chat, and "yes" and "no", as tokens or as its two labels. */
bool llm_rerank_can(const struct hone_model *model);

/* As hone_rerank. The form is that of Qwen3-Reranker (Zhang et al., 2025, arXiv:2506.05176); what all documents have in
 * front is computed once. */
enum hone_status llm_rerank(struct hone_model *model, struct hone_text query, const struct hone_text *docs,
                            size_t n_docs, const struct hone_run_options *run, float *out,
                            struct hone_stats *stats, struct hone_error *err);

#endif
