#include "base/cpus.h"

#include <limits.h>
#include <sched.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define LINE_MAX_LEN 256

static long smaller(long a, long b)
{
    return a == 0 || (b != 0 && b < a) ? b : a;
}

/* Reads the first line of a file of a cgroup. False if there is none. */
static bool read_line(const char *dir, const char *name, char line[LINE_MAX_LEN])
{
    char path[2 * PATH_MAX];
    FILE *file;
    bool is_read;

    snprintf(path, sizeof(path), "%s/%s", dir, name);
    if ((file = fopen(path, "re")) == NULL)
        return false;
    is_read = fgets(line, LINE_MAX_LEN, file) != NULL;
    fclose(file);
    return is_read;
}

/* 0: no quota. The quota and the period have the same unit. */
static long cpus_of(long quota, long period)
{
    return quota > 0 && period > 0 ? (quota - 1) / period + 1 : 0;
}

static long quota_of_v2(const char *dir)
{
    char line[LINE_MAX_LEN];
    long quota, period;

    if (!read_line(dir, "cpu.max", line) || sscanf(line, "%ld %ld", &quota, &period) != 2)
        return 0;
    return cpus_of(quota, period);
}

static long quota_of_v1(const char *dir)
{
    char line[LINE_MAX_LEN];
    long quota, period;

    if (!read_line(dir, "cpu.cfs_quota_us", line) || sscanf(line, "%ld", &quota) != 1 ||
        !read_line(dir, "cpu.cfs_period_us", line) || sscanf(line, "%ld", &period) != 1)
        return 0;
    return cpus_of(quota, period);
}

/* The least quota of a cgroup and its ancestors. A container may see its own cgroup as the root, or be given
 * the host's path, which it does not have: a missing cgroup counts as no quota. */
static long least_quota(const char *top, const char *cgroup, long (*quota_of)(const char *dir))
{
    char dir[PATH_MAX];
    size_t top_len = strlen(top);
    long least;

    if ((size_t)snprintf(dir, sizeof(dir), "%s%s", top, cgroup) >= sizeof(dir))
        return quota_of(top);
    least = quota_of(dir);
    while (strlen(dir) > top_len) {
        *strrchr(dir, '/') = '\0';
        least = smaller(least, quota_of(dir));
    }
    return least;
}

static bool has_controller(const char *controllers, const char *name)
{
    size_t len = strlen(name);

    for (const char *at = controllers; (at = strstr(at, name)) != NULL; at += len) {
        if ((at == controllers || at[-1] == ',') && (at[len] == ',' || at[len] == '\0'))
            return true;
    }
    return false;
}

/* A line of /proc/self/cgroup is hierarchy:controllers:path. In version 2 the controllers are empty. */
static long quota_of_line(const char *root, char *line)
{
    char *controllers = strchr(line, ':'), *path = controllers != NULL ? strchr(controllers + 1, ':') : NULL;
    char top[PATH_MAX];

    if (path == NULL)
        return 0;
    *path++ = '\0';
    controllers++;
    path[strcspn(path, "\n")] = '\0';
    if (*controllers == '\0') {
        snprintf(top, sizeof(top), "%s/sys/fs/cgroup", root);
        return least_quota(top, path, quota_of_v2);
    }
    if (!has_controller(controllers, "cpu"))
        return 0;
    /* The mount point of the controller, or a link to it. */
    snprintf(top, sizeof(top), "%s/sys/fs/cgroup/cpu", root);
    return least_quota(top, path, quota_of_v1);
}

long cpus_by_quota(const char *root)
{
    char path[PATH_MAX], line[PATH_MAX + LINE_MAX_LEN];
    long least = 0;
    FILE *file;

    snprintf(path, sizeof(path), "%s/proc/self/cgroup", root);
    if ((file = fopen(path, "re")) == NULL)
        return 0;
    while (fgets(line, sizeof(line), file) != NULL)
        least = smaller(least, quota_of_line(root, line));
    fclose(file);
    return least;
}

/* sched_getaffinity fails if the machine has more processors than cpu_set_t can hold. */
static long cpus_by_affinity(void)
{
    cpu_set_t set;

    return sched_getaffinity(0, sizeof(set), &set) == 0 ? CPU_COUNT(&set) : sysconf(_SC_NPROCESSORS_ONLN);
}

long cpus_available(void)
{
    long cpus = smaller(cpus_by_affinity(), cpus_by_quota(""));

    return cpus > 0 ? cpus : 1;
}
