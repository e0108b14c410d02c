/* test_linux_limits.c - memory and CPUs that control groups leave, on made-up trees. */
#include "test.h"

#include "os/linux_limits.h"
#include "os/os.h"

#include <errno.h>
#include <ftw.h>
#include <sched.h>
#include <sys/stat.h>
#include <unistd.h>

static char root[] = "/tmp/grating_limits_XXXXXX";

static int remove_one(const char *path, const struct stat *found, int kind,
                      struct FTW *at)
{
    (void)found, (void)kind, (void)at;
    return strcmp(path, root) == 0 ? 0 : remove(path);
}

static int empty_tree(void **state)
{
    (void)state;
    return nftw(root, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

static int make_root(void **state)
{
    (void)state;
    return mkdtemp(root) ? 0 : -1;
}

static int remove_root(void **state)
{
    return empty_tree(state) != 0 || rmdir(root) != 0;
}

/* Writes a file of the tree, and the directories above it. */
static void put(const char *path, const char *text)
{
    char name[600];
    int n = snprintf(name, sizeof(name), "%s%s", root, path);
    assert_true(n > 0 && (size_t)n < sizeof(name));
    for (char *at = name + strlen(root) + 1; (at = strchr(at, '/')); at++) {
        *at = '\0';
        assert_true(mkdir(name, 0700) == 0 || errno == EEXIST);
        *at = '/';
    }
    FILE *file = fopen(name, "w");
    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
    assert_int_equal(fclose(file), 0);
}

static const char v2_mount[] =
    "22 1 8:1 / / rw,relatime shared:1 - ext4 /dev/sda1 rw\n"
    "30 23 0:26 / /sys/fs/cgroup rw,nosuid shared:9 - cgroup2 cgroup2 rw,nsdelegate\n";

static void assert_bytes(uint64_t wanted)
{
    uint64_t found = grt_linux_cgroup_bytes(root);
    if (found != wanted)
        fail_msg("%llu bytes, not %llu", (unsigned long long)found,
                 (unsigned long long)wanted);
}

static void test_no_files_are_no_limit(void **state)
{
    (void)state;
    assert_bytes(UINT64_MAX);
    assert_true(grt_linux_cgroup_cpus(root) == SIZE_MAX);
    put("/proc/self/cgroup", "0::/a\n");
    assert_bytes(UINT64_MAX);
    put("/proc/self/mountinfo", v2_mount);
    assert_bytes(UINT64_MAX);
    assert_true(grt_linux_cgroup_cpus(root) == SIZE_MAX);
}

static void test_every_group_above_counts(void **state)
{
    (void)state;
    put("/proc/self/cgroup", "0::/slice/service/leaf\n");
    put("/proc/self/mountinfo", v2_mount);
    put("/sys/fs/cgroup/slice/service/leaf/memory.max", "max\n");
    put("/sys/fs/cgroup/slice/service/leaf/memory.current", "5000\n");
    assert_bytes(UINT64_MAX);
    put("/sys/fs/cgroup/slice/service/memory.max", "100000\n");
    put("/sys/fs/cgroup/slice/service/memory.current", "30000\n");
    assert_bytes(70000);
    put("/sys/fs/cgroup/slice/memory.max", "200000\n");
    put("/sys/fs/cgroup/slice/memory.current", "180000\n");
    assert_bytes(20000);
    /* a group beside them does not */
    put("/sys/fs/cgroup/slice/other/memory.max", "1\n");
    assert_bytes(20000);
    put("/sys/fs/cgroup/memory.max", "50000\n"); /* of a container, seen as the top */
    put("/sys/fs/cgroup/memory.current", "45000\n");
    assert_bytes(5000);
}

static void test_files_that_go_first_count_as_free(void **state)
{
    (void)state;
    put("/proc/self/cgroup", "0::/a\n");
    put("/proc/self/mountinfo", v2_mount);
    put("/sys/fs/cgroup/a/memory.max", "100000\n");
    put("/sys/fs/cgroup/a/memory.current", "90000\n");
    put("/sys/fs/cgroup/a/memory.stat",
        "anon 10\ntotal_inactive_file 1\ninactive_anon 7\ninactive_file 50000\n");
    assert_bytes(60000);
    put("/sys/fs/cgroup/a/memory.stat", "inactive_file 95000\n"); /* a moment later */
    assert_bytes(100000);
    put("/sys/fs/cgroup/a/memory.high", "40000\n");
    put("/sys/fs/cgroup/a/memory.stat", "inactive_file 80000\n");
    assert_bytes(30000);
    put("/sys/fs/cgroup/a/memory.current", "140000\n"); /* above what it may have */
    assert_bytes(0);
}

static void test_version_1_and_both(void **state)
{
    (void)state;
    put("/proc/self/cgroup",
        "12:cpu,cpuacct:/jobs/one\n7:xmemory:/no\n4:memory:/jobs/one\n"
        "1:name=systemd:/x\n0::/system\n");
    put("/proc/self/mountinfo",
        "25 18 0:21 / /sys/fs/cgroup/cpu rw - cgroup cgroup rw,cpu,cpuacct\n"
        "26 18 0:22 / /sys/fs/cgroup/memory rw shared:3 master:1 - cgroup cgroup "
        "rw,memory\n"
        "27 18 0:23 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw\n");
    put("/sys/fs/cgroup/memory/jobs/one/memory.limit_in_bytes",
        "9223372036854771712\n"); /* as the kernel writes none */
    put("/sys/fs/cgroup/memory/jobs/memory.limit_in_bytes", "60000\n");
    put("/sys/fs/cgroup/memory/jobs/memory.usage_in_bytes", "50000\n");
    put("/sys/fs/cgroup/memory/jobs/memory.stat",
        "inactive_file 9\ntotal_inactive_file 20000\n");
    assert_bytes(30000);
    put("/sys/fs/cgroup/unified/system/memory.max", "1000\n");
    assert_bytes(1000);
    put("/sys/fs/cgroup/cpu/jobs/one/cpu.cfs_quota_us", "-1\n");
    put("/sys/fs/cgroup/cpu/jobs/one/cpu.cfs_period_us", "100000\n");
    assert_true(grt_linux_cgroup_cpus(root) == SIZE_MAX);
    put("/sys/fs/cgroup/cpu/jobs/cpu.cfs_quota_us", "250000\n");
    put("/sys/fs/cgroup/cpu/jobs/cpu.cfs_period_us", "100000\n");
    assert_int_equal(grt_linux_cgroup_cpus(root), 3);
}

/* A container sees its own group as the mount's root, under the path outside. */
static void test_mounts_that_show_a_part(void **state)
{
    (void)state;
    put("/proc/self/cgroup", "4:memory:/docker/abc/inner\n");
    put("/proc/self/mountinfo",
        "26 18 0:22 /docker/ab /elsewhere ro - cgroup cgroup rw,memory\n"
        "27 18 0:22 /docker/abc /my\\040groups ro - cgroup cgroup rw,memory\n");
    put("/my groups/memory.limit_in_bytes", "5000\n");
    put("/my groups/memory.usage_in_bytes", "1000\n");
    put("/elsewhere/memory.limit_in_bytes", "3\n");
    assert_bytes(4000);
    put("/my groups/inner/memory.limit_in_bytes", "700\n");
    assert_bytes(700);
    /* a group that is not below the mount: its outermost has to do */
    put("/proc/self/cgroup", "4:memory:/../other\n");
    put("/proc/self/mountinfo",
        "27 18 0:22 / /my\\040groups ro - cgroup cgroup rw,memory\n");
    assert_bytes(4000);
}

static void assert_cpus(const char *quota, size_t wanted)
{
    put("/sys/fs/cgroup/a/cpu.max", quota);
    if (grt_linux_cgroup_cpus(root) != wanted)
        fail_msg("%s is %zu CPUs, not %zu", quota, grt_linux_cgroup_cpus(root), wanted);
}

static void test_quotas_are_rounded_up(void **state)
{
    (void)state;
    put("/proc/self/cgroup", "0::/a\n");
    put("/proc/self/mountinfo", v2_mount);
    assert_cpus("max 100000\n", SIZE_MAX);
    assert_cpus("200000 100000\n", 2);
    assert_cpus("200001 100000\n", 3);
    assert_cpus("1000 100000\n", 1);
    assert_cpus("0 100000\n", 1);
    assert_cpus("50000", SIZE_MAX); /* no period: not understood */
    assert_cpus("50000 0\n", SIZE_MAX);
    assert_cpus("800000 100000\n", 8);
    put("/sys/fs/cgroup/cpu.max", "150000 50000\n");
    assert_int_equal(grt_linux_cgroup_cpus(root), 3);
}

/* Whatever stands in the files, an answer comes, and the limit that can be read holds.
 */
static void test_lines_that_make_no_sense(void **state)
{
    (void)state;
    char *big = malloc(20001);
    assert_non_null(big);
    memset(big, 'x', 20000);
    memcpy(big + 19980, "\n0::/a\n\0", 8);
    put("/proc/self/cgroup", big);
    put("/proc/self/mountinfo", v2_mount);
    put("/sys/fs/cgroup/a/memory.max", "1000\n");
    assert_bytes(1000);
    static const char *const lines[] = {"",
                                        "\n\n",
                                        "0",
                                        "0:",
                                        "::",
                                        "0::",
                                        "0::/",
                                        "0::a/b/c",
                                        "9:memory",
                                        "9:memory:",
                                        "- ",
                                        " - ",
                                        "- cgroup2",
                                        "1 2 3 / - cgroup2",
                                        "1 2 3 / /sys/fs/cgroup - cgroup2",
                                        "1 2 3 4 5 6 - cgroup2 7 8",
                                        "1 2 3 / \\777\\04 rw - cgroup2 cgroup2 rw",
                                        "1 2 3 / / rw - cgroup2 c rw"};
    for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++)
        for (size_t j = 0; j < sizeof(lines) / sizeof(lines[0]); j++) {
            put("/proc/self/cgroup", lines[i]);
            put("/proc/self/mountinfo", lines[j]);
            uint64_t found = grt_linux_cgroup_bytes(root);
            assert_true(found == UINT64_MAX || found == 1000);
            assert_true(grt_linux_cgroup_cpus(root) == SIZE_MAX);
        }
    free(big);
    assert_true(grt_linux_number(root, "/proc/none", "A:") == UINT64_MAX);
    put("/proc/self/status", "Name:\tVmRSS: 7\nVmRSS:\t  12 kB\n");
    assert_int_equal(grt_linux_number(root, "/proc/self/status", "VmRSS:"), 12);
}

/* Of this machine: those of the affinity, unless a quota gives fewer. */
static void test_usable_cpus(void **state)
{
    (void)state;
    cpu_set_t all, one;
    size_t quota = grt_linux_cgroup_cpus("");
    assert_int_equal(sched_getaffinity(0, sizeof(all), &all), 0);
    size_t wanted = (size_t)CPU_COUNT(&all);
    assert_int_equal(grt_os_usable_cpus(), quota < wanted ? quota : wanted);
    CPU_ZERO(&one);
    for (int cpu = 0; cpu < CPU_SETSIZE && CPU_COUNT(&one) == 0; cpu++)
        if (CPU_ISSET(cpu, &all)) CPU_SET(cpu, &one);
    assert_int_equal(sched_setaffinity(0, sizeof(one), &one), 0);
    assert_int_equal(grt_os_usable_cpus(), 1);
    assert_int_equal(sched_setaffinity(0, sizeof(all), &all), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(test_no_files_are_no_limit, empty_tree),
        cmocka_unit_test_teardown(test_every_group_above_counts, empty_tree),
        cmocka_unit_test_teardown(test_files_that_go_first_count_as_free, empty_tree),
        cmocka_unit_test_teardown(test_version_1_and_both, empty_tree),
        cmocka_unit_test_teardown(test_mounts_that_show_a_part, empty_tree),
        cmocka_unit_test_teardown(test_quotas_are_rounded_up, empty_tree),
        cmocka_unit_test_teardown(test_lines_that_make_no_sense, empty_tree),
        cmocka_unit_test(test_usable_cpus),
    };
    return cmocka_run_group_tests(tests, make_root, remove_root);
}
