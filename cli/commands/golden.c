#include "cli/commands/golden.h"
#include "cli/io/report.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

/* The program itself, as text; the build finds it in the source folder. */
__asm__(".section .rodata\n"
        "golden_script:\n"
        ".incbin \"cli/commands/golden.py\"\n"
        ".byte 0\n"
        ".previous\n");
extern const char golden_script[] __attribute__((visibility("hidden")));

static enum hone_status wait_for(pid_t child, const char *python)
{
    int how = 0;
    while (waitpid(child, &how, 0) < 0 && errno == EINTR)
        continue;
    if (WIFEXITED(how) && WEXITSTATUS(how) == 0)
        return HONE_OK;
    if (WIFEXITED(how) && WEXITSTATUS(how) == 127)
        return report_error(HONE_FAILED, "%s cannot be run; HONE_PYTHON names another Python", python);
    return report_error(HONE_FAILED,
                        "no golden file: %s failed; it needs transformers, torch and safetensors", python);
}

enum hone_status golden_write(const char *folder, const char *path)
{
    const char *named = getenv("HONE_PYTHON"), *python = named && *named ? named : "python3";
    pid_t child = fork();
    if (child < 0)
        return report_error(HONE_FAILED, "no other program can be started: %s", strerror(errno));
    if (child == 0) {
        execlp(python, python, "-c", golden_script, folder, path, (char *)NULL);
        _exit(127);
    }
    return wait_for(child, python);
}
