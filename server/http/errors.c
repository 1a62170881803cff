#include "server/http/errors.h"

/* OpenAI's types: platform.openai.com/docs/guides/error-codes; TEI's: its openapi.json; llama.cpp's:
 * tools/server/README.md. */
static const struct {
    int status;
    int tei, jina; /* where these differ, else 0 */
    const char *openai, *code, *tei_type, *llama;
} problems[] = {
    [PROBLEM_SYNTAX] = {400, 0, 0, "invalid_request_error", NULL, "Validation", "invalid_request_error"},
    [PROBLEM_FIELD] = {400, 422, 422, "invalid_request_error", NULL, "Validation", "invalid_request_error"},
    [PROBLEM_EMPTY] = {400, 0, 422, "invalid_request_error", NULL, "Empty", "invalid_request_error"},
    [PROBLEM_BATCH] = {400, 413, 422, "invalid_request_error", NULL, "Validation", "invalid_request_error"},
    [PROBLEM_LENGTH] = {400, 413, 0, "invalid_request_error", "context_length_exceeded", "Validation",
                        "exceed_context_size_error"},
    [PROBLEM_KEY] = {401, 0, 0, "invalid_request_error", "invalid_api_key", "Unauthorized",
                     "authentication_error"},
    [PROBLEM_ORIGIN] = {403, 0, 0, "invalid_request_error", NULL, "Validation", "permission_error"},
    [PROBLEM_HOST] = {421, 0, 0, "invalid_request_error", NULL, "Validation", "invalid_request_error"},
    [PROBLEM_TYPE] = {415, 0, 0, "invalid_request_error", NULL, "Validation", "invalid_request_error"},
    [PROBLEM_PATH] = {404, 0, 0, "invalid_request_error", NULL, "NotFound", "not_found_error"},
    [PROBLEM_METHOD] = {405, 0, 0, "invalid_request_error", NULL, "Validation", "not_supported_error"},
    [PROBLEM_MODEL] = {404, 0, 0, "invalid_request_error", "model_not_found", "NotFound", "not_found_error"},
    [PROBLEM_TASK] = {400, 424, 0, "invalid_request_error", NULL, "Backend", "not_supported_error"},
    [PROBLEM_SLOW] = {408, 0, 0, "timeout_error", NULL, "Validation", "invalid_request_error"},
    [PROBLEM_BODY] = {413, 0, 0, "invalid_request_error", NULL, "Validation", "invalid_request_error"},
    [PROBLEM_TARGET] = {414, 0, 0, "invalid_request_error", NULL, "Validation", "invalid_request_error"},
    [PROBLEM_HEADERS] = {431, 0, 0, "invalid_request_error", NULL, "Validation", "invalid_request_error"},
    [PROBLEM_VERSION] = {505, 0, 0, "invalid_request_error", NULL, "Validation", "invalid_request_error"},
    [PROBLEM_BUSY] = {429, 0, 0, "rate_limit_error", "rate_limit_exceeded", "Overloaded",
                      "unavailable_error"},
    [PROBLEM_LATE] = {503, 0, 0, "server_error", "timeout", "Overloaded", "unavailable_error"},
    [PROBLEM_STOPPING] = {503, 0, 0, "server_error", NULL, "Unhealthy", "unavailable_error"},
    [PROBLEM_MEMORY] = {503, 0, 0, "server_error", NULL, "Overloaded", "unavailable_error"},
    [PROBLEM_FAILED] = {500, 424, 0, "server_error", NULL, "Backend", "server_error"},
};

int problem_status(enum problem problem, enum dialect dialect)
{
    if (dialect == DIALECT_TEI && problems[problem].tei)
        return problems[problem].tei;
    if (dialect == DIALECT_JINA && problems[problem].jina)
        return problems[problem].jina;
    return problems[problem].status;
}

static void write_nullable(struct reply_buffer *out, const char *text)
{
    if (text)
        reply_buffer_json_string(out, text);
    else
        reply_buffer_text(out, "null");
}

static void write_openai(struct reply_buffer *out, enum problem problem, const char *field,
                         const char *sentence)
{
    reply_buffer_text(out, "{\"error\":{\"message\":");
    reply_buffer_json_string(out, sentence);
    reply_buffer_format(out, ",\"type\":\"%s\",\"param\":", problems[problem].openai);
    write_nullable(out, field);
    reply_buffer_text(out, ",\"code\":");
    write_nullable(out, problems[problem].code);
    reply_buffer_text(out, "}}");
}

/* docs.anthropic.com/en/api/errors */
static const char *anthropic_type(int status)
{
    static const struct {
        int status;
        const char *type;
    } types[] = {{401, "authentication_error"}, {403, "permission_error"}, {404, "not_found_error"},
                 {413, "request_too_large"},    {429, "rate_limit_error"}, {503, "overloaded_error"}};
    for (size_t i = 0; i < sizeof types / sizeof *types; i++)
        if (types[i].status == status)
            return types[i].type;
    return status >= 500 ? "api_error" : "invalid_request_error";
}

void problem_write(struct reply_buffer *out, enum problem problem, enum dialect dialect, const char *field,
                   const char *sentence)
{
    switch (dialect) {
    case DIALECT_OPENAI:
        write_openai(out, problem, field, sentence);
        return;
    case DIALECT_LLAMA:
        reply_buffer_format(out, "{\"error\":{\"code\":%d,\"message\":", problem_status(problem, dialect));
        reply_buffer_json_string(out, sentence);
        reply_buffer_format(out, ",\"type\":\"%s\"}}", problems[problem].llama);
        return;
    case DIALECT_ANTHROPIC:
        reply_buffer_format(out, "{\"type\":\"error\",\"error\":{\"type\":\"%s\",\"message\":",
                            anthropic_type(problem_status(problem, dialect)));
        reply_buffer_json_string(out, sentence);
        reply_buffer_text(out, "}}");
        return;
    case DIALECT_COHERE:
        reply_buffer_text(out, "{\"message\":");
        break;
    case DIALECT_JINA:
        reply_buffer_text(out, "{\"detail\":");
        break;
    case DIALECT_HONE:
    case DIALECT_OLLAMA:
    case DIALECT_TEI:
        reply_buffer_text(out, "{\"error\":");
        break;
    }
    reply_buffer_json_string(out, sentence);
    if (dialect == DIALECT_TEI)
        reply_buffer_format(out, ",\"error_type\":\"%s\"", problems[problem].tei_type);
    reply_buffer_text(out, "}");
}

void problem_write_event(struct reply_buffer *out, enum problem problem, enum dialect dialect,
                         const char *sentence)
{
    bool lines = dialect == DIALECT_OLLAMA;
    reply_buffer_text(out, lines ? "" : dialect == DIALECT_ANTHROPIC ? "event: error\ndata: " : "data: ");
    problem_write(out, problem, dialect, NULL, sentence);
    reply_buffer_text(out, lines ? "\n" : "\n\n");
}

enum problem problem_of(enum hone_status status)
{
    switch (status) {
    case HONE_USAGE:
        return PROBLEM_FIELD;
    case HONE_REFUSED:
        return PROBLEM_LENGTH;
    case HONE_BUSY:
        return PROBLEM_BUSY;
    case HONE_LATE:
        return PROBLEM_LATE;
    case HONE_CANCELLED:
        return PROBLEM_STOPPING;
    default:
        return PROBLEM_FAILED;
    }
}
