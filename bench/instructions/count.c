/* A plugin of QEMU's user-mode emulators that counts the instructions a program executes and tells how many at its end. What of
 * the interface is used (QEMU's docs/devel/tcg-plugins) is declared here, since Debian's packages bring no header for it.
 *
 *   qemu-aarch64 -plugin build/instructions.so -d plugin PROGRAM ... */
#include <inttypes.h>
#include <stdio.h>

#define PUBLIC __attribute__((visibility("default")))

struct qemu_plugin_tb;
struct qemu_info_t;

extern void qemu_plugin_register_vcpu_tb_trans_cb(uint64_t id,
                                                  void (*f)(uint64_t id, struct qemu_plugin_tb *tb));
extern void qemu_plugin_register_vcpu_tb_exec_cb(struct qemu_plugin_tb *tb,
                                                 void (*f)(unsigned cpu, void *data), int registers,
                                                 void *data);
extern void qemu_plugin_register_atexit_cb(uint64_t id, void (*f)(uint64_t id, void *data), void *data);
extern size_t qemu_plugin_tb_n_insns(const struct qemu_plugin_tb *tb);
extern void qemu_plugin_outs(const char *text);

PUBLIC int qemu_plugin_version = PLUGIN_VERSION;
PUBLIC int qemu_plugin_install(uint64_t id, const struct qemu_info_t *info, int argc, char **argv);

static _Atomic uint64_t executed;

/* size: the instructions of the block that begins. */
static void count(unsigned cpu, void *size)
{
    (void)cpu;
    executed += (uintptr_t)size;
}

static void block_translated(uint64_t id, struct qemu_plugin_tb *tb)
{
    (void)id;
    qemu_plugin_register_vcpu_tb_exec_cb(tb, count, 0, (void *)qemu_plugin_tb_n_insns(tb));
}

static void tell(uint64_t id, void *data)
{
    char text[64];
    (void)id;
    (void)data;
    snprintf(text, sizeof text, "instructions: %" PRIu64 "\n", executed);
    qemu_plugin_outs(text);
}

int qemu_plugin_install(uint64_t id, const struct qemu_info_t *info, int argc, char **argv)
{
    (void)info;
    (void)argc;
    (void)argv;
    qemu_plugin_register_vcpu_tb_trans_cb(id, block_translated);
    qemu_plugin_register_atexit_cb(id, tell, NULL);
    return 0;
}
