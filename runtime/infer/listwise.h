/* Reranking by a model that reads the query and all documents in one prompt ("last but not late interaction": Wang et al.,
 * jina-reranker-v3, 2025, arXiv:2509.25085). A marker stands behind each document and one behind the query, at the end; what a
 * document is worth is the cosine of what the steps behind the layers make of both markers' hidden states. */
#ifndef RUNTIME_INFER_LISTWISE_H
#define RUNTIME_INFER_LISTWISE_H

#include "runtime/infer/llm_rerank.h"

bool listwise_can(const struct hone_model *model);

/* HONE_BAD_MODEL where the file says it is such a model, but lacks a marker or the steps. */
enum hone_status listwise_check(const struct hone_model *model, struct hone_error *err);

/* The caller holds the model's lock. Lists that are too long for one prompt are read in several, as the model's own code parts
 * them, and compared with the mean of what became of the query in each. */
enum hone_status listwise_rank(struct hone_model *model, const struct llm_rerank_ask *ask,
                               struct hone_stats *stats, struct hone_error *err);

#endif
