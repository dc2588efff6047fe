#ifndef ACCOUNTSD_CPUS_H
#define ACCOUNTSD_CPUS_H

/* The number of processors that this process may use. A container may have fewer than the machine. */

#include <stddef.h>

/* The limit by affinity (taskset, cpuset) and by the CPU quota of the cgroups, rounded up; at least 1. */
long cpus_available(void);

/* The limit by the quota of the cgroups, version 2 or 1; 0 if there is none. root is the directory that has
 * /proc and /sys/fs/cgroup. */
long cpus_by_quota(const char *root);

#endif
