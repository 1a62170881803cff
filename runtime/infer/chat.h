/* A model's chat templates, each read once, when it is first asked for. */
#ifndef RUNTIME_INFER_CHAT_H
#define RUNTIME_INFER_CHAT_H

struct chat_templates;

/* NULL: no memory. */
struct chat_templates *chat_templates_new(void);
void chat_templates_free(struct chat_templates *t);

#endif
