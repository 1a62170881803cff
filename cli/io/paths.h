/* Files as somebody names them. */
#ifndef CLI_IO_PATHS_H
#define CLI_IO_PATHS_H

#include <hone.h>

struct paths {
    char **items; /* [n] */
    size_t n;
};

/* Those that n names stand for: a name that is no file's, and has one of *?[ in it, is a pattern, whose files come sorted. So a
 * job may have more files than a command line has room for. What names nothing stays as it is, and cannot be opened. On failure,
 * which is reported, there is nothing to release. */
enum hone_status paths_expand(struct paths *p, char *const *names, size_t n);
void paths_release(struct paths *p);

#endif
