/* setup.c - a machine with its images, from options. */
#include "command/command.h"

#include "base/memory.h"
#include "io/file.h"
#include "rv/map.h"

#include <string.h>

enum { KERNEL_OFFSET = 2 << 20, MAX_IMAGE_BYTES = 1 << 30 };

dv_setup dv_setup_init(void)
{
    return (dv_setup){.machine = {.n_harts = 1, .ram_bytes = UINT64_C(128) << 20}};
}

int dv_setup_option(dv_setup *setup, int key, const char *value)
{
    size_t number = 0;
    int code = CLI_SUCCESS;
    switch (key) {
    case DV_KEY_HARTS:
        code = cli_parse_number("--harts", value, 1, DV_MAX_HARTS, &number);
        setup->machine.n_harts = (unsigned)number;
        break;
    case DV_KEY_MEMORY:
        code = cli_parse_size("--memory", value, &setup->machine.ram_bytes);
        break;
    case DV_KEY_KERNEL: setup->kernel = value; break;
    case DV_KEY_INITRD: setup->initrd = value; break;
    case DV_KEY_APPEND: setup->arguments = value; break;
    case DV_KEY_DISK: setup->disk = value; break;
    case DV_KEY_QUANTUM:
        code = cli_parse_number("--quantum", value, 1, 1000000, &number);
        setup->machine.quantum = number;
        break;
    case DV_KEY_PLAIN: setup->machine.is_plain = true; break;
    default: break;
    }
    return code;
}

static int load_file(const char *path, char **bytes, size_t *n_bytes)
{
    grt_error err = {0};
    grt_status status = grt_file_load(bytes, n_bytes, path, MAX_IMAGE_BYTES, &err);
    return status == GRT_OK ? CLI_SUCCESS : cli_fail_status(NULL, status, &err);
}

/* An ELF file goes where it says, anything else to `address`. */
static int put_image(dv_machine *m, const char *path, uint64_t address,
                     uint64_t *n_loaded)
{
    char *bytes;
    size_t n_bytes;
    int code = load_file(path, &bytes, &n_bytes);
    if (code) return code;
    grt_error err = {0};
    bool is_elf = n_bytes >= 4 && memcmp(bytes, "\177ELF", 4) == 0;
    grt_status status = is_elf ? dv_machine_load_elf(m, bytes, n_bytes, &err)
                               : dv_machine_put(m, address, bytes, n_bytes, &err);
    grt_free(bytes);
    if (n_loaded) *n_loaded = n_bytes;
    return status == GRT_OK ? CLI_SUCCESS : cli_fail_status(path, status, &err);
}

static int put_disk(dv_setup *setup, dv_machine *m)
{
    char *bytes;
    size_t n_bytes;
    int code = load_file(setup->disk, &bytes, &n_bytes);
    if (code) return code;
    setup->disk_bytes = (uint8_t *)bytes;
    grt_error err = {0};
    grt_status status = dv_machine_disk(m, setup->disk_bytes, n_bytes, &err);
    return status == GRT_OK ? CLI_SUCCESS : cli_fail_status(setup->disk, status, &err);
}

/* Places of the kernel and of its first file system are those of QEMU. */
static int load(dv_setup *setup, dv_machine *m)
{
    dv_boot boot = {.arguments = setup->arguments};
    uint64_t half = setup->machine.ram_bytes / 2, limit = UINT64_C(512) << 20;
    int code = put_image(m, setup->image, RV_RAM_BASE, NULL);
    if (code) return code;
    if (setup->kernel) {
        boot.kernel_address = RV_RAM_BASE + KERNEL_OFFSET;
        code = put_image(m, setup->kernel, boot.kernel_address, NULL);
        if (code) return code;
    }
    if (setup->initrd) {
        boot.initrd_address =
            RV_RAM_BASE + KERNEL_OFFSET + (half < limit ? half : limit);
        code = put_image(m, setup->initrd, boot.initrd_address, &boot.initrd_bytes);
        if (code) return code;
    }
    if (setup->disk) {
        code = put_disk(setup, m);
        if (code) return code;
    }
    grt_error err = {0};
    grt_status status = dv_machine_boot(m, &boot, &err);
    return status == GRT_OK ? CLI_SUCCESS : cli_fail_status(NULL, status, &err);
}

int dv_setup_machine(dv_setup *setup, dv_machine **out)
{
    grt_error err = {0};
    dv_machine *m;
    grt_status status = dv_machine_create(&m, &setup->machine, &err);
    if (status != GRT_OK) return cli_fail_status(NULL, status, &err);
    int code = load(setup, m);
    if (code) {
        dv_machine_free(m);
        return code;
    }
    *out = m;
    return CLI_SUCCESS;
}

void dv_setup_release(dv_setup *setup)
{
    grt_free(setup->disk_bytes);
}
