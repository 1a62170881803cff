#include "runtime/base/new_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum hone_status new_file_open(struct new_file *f, const char *path, struct hone_error *err)
{
    struct stat st;
    int fd = -1;
    *f = (struct new_file){.path = path};
    if (stat(path, &st) == 0 && !S_ISREG(st.st_mode))
        return hone_fail(err, HONE_FAILED, "%s: not a regular file", path);
    for (unsigned i = 0; fd < 0 && i < 1000; i++) {
        free(f->temp_path);
        if (asprintf(&f->temp_path, "%s.%d-%u.tmp", path, (int)getpid(), i) < 0) {
            f->temp_path = NULL;
            break;
        }
        fd = open(f->temp_path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
        if (fd < 0 && errno != EEXIST)
            break;
    }
    if (fd >= 0 && (f->stream = fdopen(fd, "wb")))
        return HONE_OK;
    hone_fail(err, HONE_FAILED, "%s: cannot be written: %s", path, strerror(errno));
    if (fd >= 0) {
        close(fd);
        unlink(f->temp_path);
    }
    free(f->temp_path);
    return HONE_FAILED;
}

enum hone_status new_file_close(struct new_file *f, int error, struct hone_error *err)
{
    enum hone_status status = HONE_OK;
    if (fclose(f->stream) != 0 && !error)
        error = errno;
    if (!error && rename(f->temp_path, f->path) < 0)
        error = errno;
    if (error) {
        status = hone_fail(err, HONE_FAILED, "%s: cannot be written: %s", f->path, strerror(error));
        unlink(f->temp_path);
    }
    free(f->temp_path);
    return status;
}
