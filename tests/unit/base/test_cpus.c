#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/count.h"
#include "base/cpus.h"

/* CPU quotas, from files as kernels provide them. */

#define FILES 6

struct file {
    const char *path;
    const char *text;
};

static const struct {
    const char *name;
    long cpus;
    struct file files[FILES];
} cases[] = {
    {"no cgroups at all", 0, {{NULL, NULL}}},
    {"version 2, no limit", 0, {{"proc/self/cgroup", "0::/\n"}, {"sys/fs/cgroup/cpu.max", "max 100000\n"}}},
    {"version 2, two", 2, {{"proc/self/cgroup", "0::/\n"}, {"sys/fs/cgroup/cpu.max", "200000 100000\n"}}},
    {"version 2, rounded up", 2,
        {{"proc/self/cgroup", "0::/\n"}, {"sys/fs/cgroup/cpu.max", "150000 100000\n"}}},
    {"version 2, a little more than one", 2,
        {{"proc/self/cgroup", "0::/\n"}, {"sys/fs/cgroup/cpu.max", "100001 100000\n"}}},
    {"version 2, less than one", 1,
        {{"proc/self/cgroup", "0::/\n"}, {"sys/fs/cgroup/cpu.max", "1000 100000\n"}}},
    {"version 2, without a file at the top", 3,
        {{"proc/self/cgroup", "0::/system.slice/accountsd.service\n"},
            {"sys/fs/cgroup/system.slice/accountsd.service/cpu.max", "300000 100000\n"}}},
    {"version 2, an outer cgroup has less", 4,
        {{"proc/self/cgroup", "0::/a/b/c\n"}, {"sys/fs/cgroup/cpu.max", "800000 100000\n"},
            {"sys/fs/cgroup/a/cpu.max", "400000 100000\n"}, {"sys/fs/cgroup/a/b/cpu.max", "max 100000\n"},
            {"sys/fs/cgroup/a/b/c/cpu.max", "600000 100000\n"}}},
    {"version 2, a path of the host's", 2,
        {{"proc/self/cgroup", "0::/kubepods/pod1/x\n"}, {"sys/fs/cgroup/cpu.max", "200000 100000\n"}}},
    {"version 2, nonsense", 0, {{"proc/self/cgroup", "0::/\n"}, {"sys/fs/cgroup/cpu.max", "many\n"}}},
    {"version 1, no limit", 0,
        {{"proc/self/cgroup", "4:cpu,cpuacct:/\n"}, {"sys/fs/cgroup/cpu/cpu.cfs_quota_us", "-1\n"},
            {"sys/fs/cgroup/cpu/cpu.cfs_period_us", "100000\n"}}},
    {"version 1, two and a half", 3,
        {{"proc/self/cgroup", "9:name=systemd:/\n4:cpuacct,cpu:/docker/1\n0::/\n"},
            {"sys/fs/cgroup/cpu/docker/1/cpu.cfs_quota_us", "125000\n"},
            {"sys/fs/cgroup/cpu/docker/1/cpu.cfs_period_us", "50000\n"}}},
    {"version 1, a path of the host's", 2,
        {{"proc/self/cgroup", "1:cpu:/docker/1\n"}, {"sys/fs/cgroup/cpu/cpu.cfs_quota_us", "200000\n"},
            {"sys/fs/cgroup/cpu/cpu.cfs_period_us", "100000\n"}}},
    {"version 1, a controller of another name", 0,
        {{"proc/self/cgroup", "3:cpuset:/\n2:cpuacct:/\n"},
            {"sys/fs/cgroup/cpu/cpu.cfs_quota_us", "200000\n"},
            {"sys/fs/cgroup/cpu/cpu.cfs_period_us", "100000\n"}}},
    {"lines that are none", 0, {{"proc/self/cgroup", "\n0\n0:\n:\n::\n"}}},
};

static void write_file(const char *root, const struct file *file)
{
    char path[256];
    FILE *out;

    snprintf(path, sizeof(path), "%s/%s", root, file->path);
    for (char *at = path + strlen(root) + 1; (at = strchr(at, '/')) != NULL; *at++ = '/') {
        *at = '\0';
        mkdir(path, 0700);
    }
    out = fopen(path, "w");
    cr_assert_not_null(out, "%s", path);
    fputs(file->text, out);
    fclose(out);
}

Test(cpus, follow_the_quota_of_the_cgroups)
{
    for (size_t i = 0; i < COUNT(cases); i++) {
        char root[] = "/tmp/accountsd-cpus-XXXXXX", command[64];
        long cpus;

        cr_assert_not_null(mkdtemp(root));
        for (size_t f = 0; f < FILES && cases[i].files[f].path != NULL; f++)
            write_file(root, &cases[i].files[f]);
        cpus = cpus_by_quota(root);
        cr_expect_eq(cpus, cases[i].cpus, "%s: %ld, not %ld", cases[i].name, cpus, cases[i].cpus);
        snprintf(command, sizeof(command), "rm -r %s", root);
        cr_assert_eq(system(command), 0);
    }
}
