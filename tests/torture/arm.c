#include "arm.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

struct faults *faults_share(char path[FAULTS_PATH_SIZE])
{
    struct faults *faults;
    int fd;

    snprintf(path, FAULTS_PATH_SIZE, "/tmp/accountsd-faults-XXXXXX");
    fd = mkstemp(path);
    cr_assert_geq(fd, 0);
    cr_assert_eq(ftruncate(fd, sizeof(*faults)), 0);
    faults = mmap(NULL, sizeof(*faults), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    cr_assert_neq(faults, MAP_FAILED);
    close(fd);
    setenv(FAULTS_FILE, path, 1);
    return faults;
}

void faults_unshare(struct faults *faults, const char *path)
{
    munmap(faults, sizeof(*faults));
    unlink(path);
}

void faults_arm(struct faults *faults, enum faults_kind kind, long success_count, long failure_count)
{
    atomic_store(&faults->failed, 0);
    atomic_store(&faults->success_count, success_count);
    atomic_store(&faults->failure_count, failure_count);
    *faults->caller = '\0';
    atomic_store(&faults->kind, kind);
}

long faults_disarm(struct faults *faults)
{
    atomic_store(&faults->kind, FAULTS_NONE);
    return atomic_load(&faults->failed);
}
