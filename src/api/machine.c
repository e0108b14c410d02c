/* machine.c - grt_kernel_describe: what this machine runs, and why. */
#include "api/structs.h"
#include "base/cpu.h"
#include "compute/cpu/kernels/kernels.h"

#include <string.h>

/* The variant that is chosen for an operation is the first whose needs are met. */
static int a_better_one_runs(size_t i, const grt_kernel_entry *entry)
{
    for (size_t earlier = i; earlier-- > 0;) {
        grt_kernel_entry other;
        if (!grt_kernels_entry(earlier, &other) ||
            strcmp(other.operation, entry->operation) != 0)
            return 0;
        if ((other.needs & ~grt_cpu_features()) == 0) return 1;
    }
    return 0;
}

grt_status grt_kernel_describe(size_t i, grt_kernel_info *out)
{
    grt_kernel_entry entry;
    if (!grt_kernels_entry(i, &entry)) return GRT_E_INVALID_ARG;
    const char *reason = NULL;
    if (entry.needs & ~grt_cpu_features_found())
        reason = "this CPU lacks it";
    else if (entry.needs & ~grt_cpu_features())
        reason = "capped by GRT_ISA";
    else if (a_better_one_runs(i, &entry))
        reason = "a better one runs";
    grt_kernel_info info = {.operation = entry.operation,
                            .isa = entry.isa,
                            .is_chosen = reason == NULL,
                            .reason = reason};
    grt_give_struct(out, &info, sizeof(info));
    return GRT_OK;
}
