#ifndef ACCOUNTSD_CPUS_H
#define ACCOUNTSD_CPUS_H

/* How many processors this process may use, which in a container are fewer than the machine has. */

#include <stddef.h>

/* By its affinity (taskset, cpuset) and by the CPU quota of its cgroups, rounded up; at least 1. */
long cpus_available(void);

/* By the quota of its cgroups alone, version 2 or 1, with /proc and /sys/fs/cgroup below root; 0 where there
 * is none. */
long cpus_by_quota(const char *root);

#endif
