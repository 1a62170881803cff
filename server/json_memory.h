/* Memory for jansson, which destroys the heap where it runs out while a text is read (2.14), and tells of it as of a text
 * that is no JSON. What a tree takes at most is put aside before it is made, and given back when it is needed. */
#ifndef SERVER_JSON_MEMORY_H
#define SERVER_JSON_MEMORY_H

#include <stdbool.h>
#include <stddef.h>

/* To be called once, before jansson is used. What it returns stays memory of malloc. */
void json_memory_init(void);

/* Puts so many bytes aside for what this thread reads next. false: they are not there. */
bool json_memory_begin(size_t bytes);

/* Values that are built and written later cannot tell of a lack of memory at each place: lists lack items then, and texts names.
 * So it is remembered, for this thread, from json_memory_watch on, and asked for before anything is made of them. */
void json_memory_watch(void);
bool json_memory_ran_out(void);

/* It has been read. false: memory ran out nevertheless. */
bool json_memory_end(void);

#endif
