/* Where hone keeps what it need not make twice: $XDG_CACHE_HOME/hone, or ~/.cache/hone. */
#ifndef RUNTIME_BASE_CACHE_FOLDER_H
#define RUNTIME_BASE_CACHE_FOLDER_H

#include <stdbool.h>

#define CACHE_PATH 4096 /* PATH_MAX of Linux */

/* The path of `name` in the folder, which need not exist. False where neither HOME nor XDG_CACHE_HOME names a place, or
 * the path is too long. */
bool cache_path(char path[CACHE_PATH], const char *name);

/* Makes the folders that the path names, from the first that is missing on. */
void cache_make_folders(const char *path);

#endif
