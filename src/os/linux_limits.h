/* linux_limits.h - what Linux's files say about memory and CPUs.
 *
 * `root` is put before every path: "" for the machine's own files; tests have made-up
 * trees. */
#ifndef GRT_OS_LINUX_LIMITS_H
#define GRT_OS_LINUX_LIMITS_H

#include <stddef.h>
#include <stdint.h>

/* The number after `key` at the start of a line of a file, or UINT64_MAX. */
uint64_t grt_linux_number(const char *root, const char *path, const char *key);

/* Bytes that the control groups of this process, up to the outermost that is seen, let
 * it take yet: the least of them.  What they hold of files and would drop first
 * (inactive_file) counts as free.  UINT64_MAX: no limit. */
uint64_t grt_linux_cgroup_bytes(const char *root);

/* CPUs that the quotas of those groups give, rounded up; SIZE_MAX: no quota. */
size_t grt_linux_cgroup_cpus(const char *root);

#endif /* GRT_OS_LINUX_LIMITS_H */
