/* command.h - what the files of the command `duvisor` share.  One file per command; its
 * table of options drives the parser and the help text (cli/frame). */
#ifndef DV_COMMAND_COMMAND_H
#define DV_COMMAND_COMMAND_H

#include "frame/cli.h"
#include "machine/machine.h"

extern const cli_command dv_run_command;

/* ---- A machine from options that several commands have ---- */

typedef struct dv_setup {
    const char *image;  /* an ELF program, or firmware */
    const char *kernel; /* NULL: none */
    const char *initrd;
    const char *disk;
    const char *arguments; /* of the kernel */
    dv_machine_options machine;
    uint8_t *disk_bytes; /* kept by the machine; dv_setup_release frees it */
} dv_setup;

/* Keys of the options below. */
enum {
    DV_KEY_HARTS = CLI_KEY_LONG,
    DV_KEY_MEMORY,
    DV_KEY_KERNEL,
    DV_KEY_INITRD,
    DV_KEY_APPEND,
    DV_KEY_DISK,
    DV_KEY_QUANTUM,
    DV_KEY_PLAIN,
    DV_KEY_OWN /* the first that a command may use */
};

#define DV_SETUP_OPTIONS                                                             \
    {DV_KEY_HARTS, "harts", "N", "harts of the machine, 1 to 8 (default: 1)"},       \
        {DV_KEY_MEMORY, "memory", "SIZE", "its memory, such as 128M (the default)"}, \
        {DV_KEY_KERNEL, "kernel", "FILE",                                            \
         "a kernel image that the firmware IMAGE starts"},                           \
        {DV_KEY_INITRD, "initrd", "FILE", "the kernel's first file system"},         \
        {DV_KEY_APPEND, "append", "TEXT", "the kernel's arguments"},                 \
        {DV_KEY_DISK, "disk", "FILE",                                                \
         "a disk for virtio; what is written to it is lost at the end"},             \
        {DV_KEY_QUANTUM, "quantum", "N",                                             \
         "instructions that a hart may be ahead of the others (default:\n1000)"},    \
    {                                                                                \
        DV_KEY_PLAIN, "plain", NULL,                                                 \
            "decode each instruction anew: slow, for comparison"                     \
    }

dv_setup dv_setup_init(void);
/* Takes the value of an option above; CLI_SUCCESS, or an exit code after a message. */
int dv_setup_option(dv_setup *setup, int key, const char *value);
/* The machine with its images loaded; CLI_SUCCESS, or an exit code after a message. */
int dv_setup_machine(dv_setup *setup, dv_machine **out);
void dv_setup_release(dv_setup *setup);

#endif /* DV_COMMAND_COMMAND_H */
