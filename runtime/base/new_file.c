#include "runtime/base/new_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* A name beside the file that nobody has. */
static bool make_name(struct new_file *f, unsigned i)
{
    free(f->temp_path);
    if (asprintf(&f->temp_path, "%s.%d-%u.tmp", f->path, (int)getpid(), i) >= 0)
        return true;
    f->temp_path = NULL;
    return false;
}

static int open_nameless(const char *path)
{
    char *copy = strdup(path), *slash = copy ? strrchr(copy, '/') : NULL;
    if (slash)
        slash[slash == copy] = '\0';
    int fd = copy ? open(slash ? copy : ".", O_TMPFILE | O_WRONLY | O_CLOEXEC, 0666) : -1;
    free(copy);
    return fd;
}

static int open_named(struct new_file *f)
{
    int fd = -1;
    for (unsigned i = 0; fd < 0 && i < 1000 && make_name(f, i); i++) {
        fd = open(f->temp_path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
        if (fd < 0 && errno != EEXIST)
            break;
    }
    return fd;
}

enum hone_status new_file_open(struct new_file *f, const char *path, struct hone_error *err)
{
    struct stat st;
    *f = (struct new_file){.path = path};
    if (stat(path, &st) == 0 && !S_ISREG(st.st_mode))
        return hone_fail(err, HONE_FAILED, "%s: not a regular file", path);
    int fd = open_nameless(path);
    if (fd < 0)
        fd = open_named(f);
    if (fd >= 0 && (f->stream = fdopen(fd, "wb")))
        return HONE_OK;
    hone_fail(err, HONE_FAILED, "%s: cannot be written: %s", path, strerror(errno));
    if (fd >= 0) {
        close(fd);
        if (f->temp_path)
            unlink(f->temp_path);
    }
    free(f->temp_path);
    return HONE_FAILED;
}

/* A link cannot take the place of a file, but a rename can: so it gets a name beside first. */
static int give_name(struct new_file *f)
{
    char self[32];
    snprintf(self, sizeof self, "/proc/self/fd/%d", fileno(f->stream));
    for (unsigned i = 0; i < 1000; i++) {
        if (!make_name(f, i))
            return ENOMEM;
        if (linkat(AT_FDCWD, self, AT_FDCWD, f->temp_path, AT_SYMLINK_FOLLOW) == 0)
            return 0;
        if (errno != EEXIST)
            break;
    }
    int error = errno;
    free(f->temp_path);
    f->temp_path = NULL;
    return error;
}

enum hone_status new_file_close(struct new_file *f, int error, struct hone_error *err)
{
    enum hone_status status = HONE_OK;
    if (fflush(f->stream) != 0 && !error)
        error = errno;
    if (!error && !f->temp_path)
        error = give_name(f);
    if (fclose(f->stream) != 0 && !error)
        error = errno;
    if (!error && rename(f->temp_path, f->path) < 0)
        error = errno;
    if (error) {
        status = hone_fail(err, HONE_FAILED, "%s: cannot be written: %s", f->path, strerror(error));
        if (f->temp_path)
            unlink(f->temp_path);
    }
    free(f->temp_path);
    return status;
}
