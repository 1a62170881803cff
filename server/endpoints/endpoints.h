/* The handlers of all endpoints, by the file they are in (server/routes.c has their paths; server/http/http.h says what a
 * handler does). */
#ifndef SERVER_ENDPOINTS_ENDPOINTS_H
#define SERVER_ENDPOINTS_ENDPOINTS_H

#include "server/http/http.h"

/* health.c */
void health_handle(struct http_request *r);
void livez_handle(struct http_request *r);
void readyz_handle(struct http_request *r);

/* admin.c */
void admin_models_handle(struct http_request *r);
void admin_change_handle(struct http_request *r);

/* native.c */
void native_embed_handle(struct http_request *r);

/* entities.c, zero_shot.c */
void entities_handle(struct http_request *r);
void zero_shot_handle(struct http_request *r);

/* answer.c */
void answer_handle(struct http_request *r);

/* fill_masks.c */
void fill_masks_handle(struct http_request *r);
void translate_handle(struct http_request *r); /* LibreTranslate's */
void languages_handle(struct http_request *r);
void detect_handle(struct http_request *r);

/* openai_models.c */
void openai_models_handle(struct http_request *r);
void openai_model_handle(struct http_request *r);

/* openai_embeddings.c */
void openai_embeddings_handle(struct http_request *r);
void cohere_embed_handle(struct http_request *r);

/* rerank.c */
void rerank_handle(struct http_request *r);

/* score.c */
void score_handle(struct http_request *r);

/* tei.c, tei_predict.c */
void tei_root_handle(struct http_request *r);
void tei_embed_handle(struct http_request *r);
void tei_embed_all_handle(struct http_request *r);
void tei_embed_sparse_handle(struct http_request *r);
void tei_similarity_handle(struct http_request *r);
void tei_predict_handle(struct http_request *r);

/* tokenize.c */
void tokenize_handle(struct http_request *r);
void llama_detokenize_handle(struct http_request *r);
void tei_decode_handle(struct http_request *r);

/* info.c */
void tei_info_handle(struct http_request *r);

/* openai_completions.c, openai_chat.c */
void openai_completions_handle(struct http_request *r);
void openai_chat_handle(struct http_request *r);
void openai_chats_handle(struct http_request *r);

/* server/generate/: responses.c, anthropic.c, ollama.c */
void responses_handle(struct http_request *r);
void anthropic_messages_handle(struct http_request *r);
void anthropic_count_tokens_handle(struct http_request *r);
void ollama_chat_handle(struct http_request *r);
void ollama_generate_handle(struct http_request *r);

/* ollama_models.c, ollama_embed.c */
void ollama_tags_handle(struct http_request *r);
void ollama_ps_handle(struct http_request *r);
void ollama_version_handle(struct http_request *r);
void ollama_show_handle(struct http_request *r);
void ollama_embed_handle(struct http_request *r);
void ollama_embeddings_handle(struct http_request *r);

/* llama_completion.c, llama_server.c */
void llama_completion_handle(struct http_request *r);
void llama_infill_handle(struct http_request *r);
void llama_apply_template_handle(struct http_request *r);
void llama_props_handle(struct http_request *r);
void llama_slots_handle(struct http_request *r);

/* dashboard.c */
void dashboard_handle(struct http_request *r);

/* openapi.c */
void openapi_handle(struct http_request *r);

/* metrics.c, metrics_json.c */
void metrics_handle(struct http_request *r);
void metrics_json_handle(struct http_request *r);

#endif
