#include "server/routes.h"
#include "server/endpoints/endpoints.h"
#include "server/figures/traffic.h"

#include <string.h>

const char *const endpoint_names[] = {
    [ENDPOINT_EMBED] = "embed",
    [ENDPOINT_EMBED_TOKENS] = "embed_tokens",
    [ENDPOINT_EMBED_SPARSE] = "embed_sparse",
    [ENDPOINT_RERANK] = "rerank",
    [ENDPOINT_CLASSIFY] = "classify",
    [ENDPOINT_SIMILARITY] = "similarity",
    [ENDPOINT_COMPLETION] = "completion",
    [ENDPOINT_CHAT] = "chat",
    [ENDPOINT_NONE] = "none",
};

#define KEPT (ROUTE_JSON | ROUTE_KEPT)
#define LONG (ROUTE_JSON | ROUTE_LONG)

const struct route routes[] = {
    /* method, path, handler, dialect, endpoint, flags */
    {"GET", "/", dashboard_handle, DIALECT_HONE, ENDPOINT_NONE, ROUTE_OPEN},
    {"GET", "/dashboard", dashboard_handle, DIALECT_HONE, ENDPOINT_NONE, ROUTE_OPEN},
    {"GET", "/health", health_handle, DIALECT_HONE, ENDPOINT_NONE, ROUTE_OPEN},
    {"GET", "/livez", livez_handle, DIALECT_HONE, ENDPOINT_NONE, ROUTE_OPEN},
    {"GET", "/readyz", readyz_handle, DIALECT_HONE, ENDPOINT_NONE, ROUTE_OPEN},
    {"GET", "/openapi.json", openapi_handle, DIALECT_HONE, ENDPOINT_NONE, ROUTE_OPEN},
    {"GET", "/metrics", metrics_handle, DIALECT_HONE, ENDPOINT_NONE, 0},
    {"GET", "/metrics.json", metrics_json_handle, DIALECT_HONE, ENDPOINT_NONE, 0},
    {"GET", "/api/v1/admin/models", admin_models_handle, DIALECT_HONE, ENDPOINT_NONE, ROUTE_ADMIN},
    {"POST", "/api/v1/admin/models", admin_change_handle, DIALECT_HONE, ENDPOINT_NONE,
     ROUTE_ADMIN | ROUTE_JSON},
    {"POST", "/api/v1/embed", native_embed_handle, DIALECT_HONE, ENDPOINT_EMBED, KEPT},
    {"POST", "/api/v1/entities", entities_handle, DIALECT_HONE, ENDPOINT_CLASSIFY, KEPT},
    {"POST", "/api/v1/zero-shot", zero_shot_handle, DIALECT_HONE, ENDPOINT_CLASSIFY, KEPT},
    {"POST", "/api/v1/answer", answer_handle, DIALECT_HONE, ENDPOINT_CLASSIFY, KEPT},
    {"POST", "/api/v1/fill-mask", fill_masks_handle, DIALECT_HONE, ENDPOINT_CLASSIFY, KEPT},
    {"GET", "/v1/models", openai_models_handle, DIALECT_OPENAI, ENDPOINT_NONE, 0},
    {"GET", "/v1/models/", openai_model_handle, DIALECT_OPENAI, ENDPOINT_NONE, ROUTE_PREFIX},
    {"POST", "/v1/embeddings", openai_embeddings_handle, DIALECT_OPENAI, ENDPOINT_EMBED, KEPT},
    {"POST", "/rerank", rerank_handle, DIALECT_JINA, ENDPOINT_RERANK, KEPT},
    {"POST", "/v1/rerank", rerank_handle, DIALECT_JINA, ENDPOINT_RERANK, ROUTE_JSON},
    {"POST", "/v2/rerank", rerank_handle, DIALECT_COHERE, ENDPOINT_RERANK, ROUTE_JSON},
    {"POST", "/v1/embed", cohere_embed_handle, DIALECT_COHERE, ENDPOINT_EMBED, KEPT},
    {"POST", "/v2/embed", cohere_embed_handle, DIALECT_COHERE, ENDPOINT_EMBED, KEPT},
    {"POST", "/v1/score", score_handle, DIALECT_OPENAI, ENDPOINT_SIMILARITY, ROUTE_JSON},
    {"POST", "/", tei_root_handle, DIALECT_TEI, ENDPOINT_EMBED, ROUTE_JSON},
    {"POST", "/embed", tei_embed_handle, DIALECT_TEI, ENDPOINT_EMBED, KEPT},
    {"POST", "/embed_all", tei_embed_all_handle, DIALECT_TEI, ENDPOINT_EMBED_TOKENS, KEPT},
    {"POST", "/embed_sparse", tei_embed_sparse_handle, DIALECT_TEI, ENDPOINT_EMBED_SPARSE, KEPT},
    {"POST", "/predict", tei_predict_handle, DIALECT_TEI, ENDPOINT_CLASSIFY, KEPT},
    {"POST", "/similarity", tei_similarity_handle, DIALECT_TEI, ENDPOINT_SIMILARITY, KEPT},
    {"POST", "/tokenize", tokenize_handle, DIALECT_LLAMA, ENDPOINT_NONE, KEPT},
    {"POST", "/detokenize", llama_detokenize_handle, DIALECT_LLAMA, ENDPOINT_NONE, KEPT},
    {"POST", "/decode", tei_decode_handle, DIALECT_TEI, ENDPOINT_NONE, KEPT},
    {"GET", "/info", tei_info_handle, DIALECT_TEI, ENDPOINT_NONE, 0},
    {"POST", "/v1/completions", openai_completions_handle, DIALECT_OPENAI, ENDPOINT_COMPLETION, LONG},
    {"POST", "/v1/chat/completions", openai_chat_handle, DIALECT_OPENAI, ENDPOINT_CHAT, LONG},
    {"POST", "/v1/chat/completions/batch", openai_chats_handle, DIALECT_OPENAI, ENDPOINT_CHAT, LONG},
    {"POST", "/v1/responses", responses_handle, DIALECT_OPENAI, ENDPOINT_CHAT, LONG},
    {"POST", "/v1/messages", anthropic_messages_handle, DIALECT_ANTHROPIC, ENDPOINT_CHAT, LONG},
    {"POST", "/v1/messages/count_tokens", anthropic_count_tokens_handle, DIALECT_ANTHROPIC, ENDPOINT_NONE,
     LONG},
    {"POST", "/api/chat", ollama_chat_handle, DIALECT_OLLAMA, ENDPOINT_CHAT, LONG},
    {"POST", "/api/generate", ollama_generate_handle, DIALECT_OLLAMA, ENDPOINT_COMPLETION, LONG},
    {"POST", "/api/embed", ollama_embed_handle, DIALECT_OLLAMA, ENDPOINT_EMBED, ROUTE_JSON},
    {"POST", "/api/embeddings", ollama_embeddings_handle, DIALECT_OLLAMA, ENDPOINT_EMBED, ROUTE_JSON},
    {"GET", "/api/tags", ollama_tags_handle, DIALECT_OLLAMA, ENDPOINT_NONE, 0},
    {"GET", "/api/ps", ollama_ps_handle, DIALECT_OLLAMA, ENDPOINT_NONE, 0},
    {"GET", "/api/version", ollama_version_handle, DIALECT_OLLAMA, ENDPOINT_NONE, 0},
    {"POST", "/api/show", ollama_show_handle, DIALECT_OLLAMA, ENDPOINT_NONE, ROUTE_JSON},
    {"POST", "/completion", llama_completion_handle, DIALECT_LLAMA, ENDPOINT_COMPLETION, LONG},
    {"POST", "/infill", llama_infill_handle, DIALECT_LLAMA, ENDPOINT_COMPLETION, LONG},
    {"POST", "/apply-template", llama_apply_template_handle, DIALECT_LLAMA, ENDPOINT_NONE, LONG},
    {"POST", "/translate", translate_handle, DIALECT_HONE, ENDPOINT_COMPLETION, LONG},
    {"GET", "/languages", languages_handle, DIALECT_HONE, ENDPOINT_NONE, 0},
    {"POST", "/detect", detect_handle, DIALECT_HONE, ENDPOINT_NONE, ROUTE_JSON},
    {"GET", "/slots", llama_slots_handle, DIALECT_LLAMA, ENDPOINT_NONE, 0},
    {"GET", "/props", llama_props_handle, DIALECT_LLAMA, ENDPOINT_NONE, 0},
    {0},
};
const size_t n_routes = sizeof routes / sizeof *routes - 1;
_Static_assert(sizeof routes / sizeof *routes <= TRAFFIC_ROUTES, "each route is counted apart");

/* OpenAI's paths also go without /v1, since many clients are given the server's address alone. */
static bool is_at(const struct route *r, const char *path)
{
    if (r->flags & ROUTE_PREFIX)
        return strncmp(r->path, path, strlen(r->path)) == 0;
    bool short_too = r->dialect == DIALECT_OPENAI && strncmp(r->path, "/v1/", 4) == 0;
    return strcmp(r->path, path) == 0 || (short_too && strcmp(r->path + 3, path) == 0);
}

const struct route *route_find(const char *method, const char *path, const struct route **other)
{
    const char *wanted = strcmp(method, "HEAD") == 0 ? "GET" : method;
    *other = NULL;
    for (const struct route *r = routes; r->path; r++) {
        if (!is_at(r, path))
            continue;
        if (strcmp(r->method, wanted) == 0)
            return r;
        *other = r;
    }
    return NULL;
}

const char *route_methods(const struct route *route)
{
    bool get = false, post = false;
    for (const struct route *r = routes; r->path; r++) {
        bool same = strcmp(r->path, route->path) == 0;
        get |= same && strcmp(r->method, "GET") == 0;
        post |= same && strcmp(r->method, "POST") == 0;
    }
    return get && post ? "GET, HEAD, POST" : get ? "GET, HEAD" : "POST";
}
