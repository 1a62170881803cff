/* Models that other programs on this machine have fetched: Ollama and llama.cpp. They are read, never changed. */
#ifndef CLI_HUB_STORE_H
#define CLI_HUB_STORE_H

#include "cli/hub/fail.h"
#include "cli/hub/name.h"

/* Gets each: how a user names it (-m NAME), the file, its size, and its sha256 where the store tells it (else ""). false:
 * enough. */
typedef bool (*store_sink)(void *arg, const char *store, const char *name, const char *path, uint64_t size,
                           const char *sha256);
void store_each(store_sink sink, void *arg);

/* Whether a model is named as Ollama's are here: "ollama:NAME[:TAG]", and its file. HONE_BAD_MODEL: there is none. */
bool store_is_name(const char *text);
enum hone_status store_find(char path[HUB_PATH], const char *text, struct hone_error *err);

/* A file of llama.cpp's cache that is name's: fetched from that model, and of that quantisation or name. False: none. */
bool store_find_gguf(char path[HUB_PATH], const struct hub_name *name);
/* A file somewhere that has, as far as the store tells, that sha256, or that name and size. */
bool store_find_content(char path[HUB_PATH], const char *repo, const char *file, uint64_t size,
                        const char *sha256);

#endif
