#include "faults.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <libpq-fe.h>
#include <link.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <time.h>
#include <unicode/uclean.h>
#include <unistd.h>

#include "base/count.h"

/* The program's own malloc overrides AddressSanitizer's for all libraries too, and calls it. The linker
 * redirects calls of libpq here (--wrap). */

static struct faults *faults;

/* The libraries that end the process if an allocation fails, and their addresses in memory. */
static struct {
    const char *name;
    uintptr_t start, end;
} libraries[] = {{.name = "libh2o"}, {.name = "libicuuc"}, {.name = "libicui18n"}};

static int find_library(struct dl_phdr_info *info, size_t size, void *data)
{
    (void)size;
    (void)data;
    for (size_t i = 0; i < COUNT(libraries); i++) {
        if (strstr(info->dlpi_name, libraries[i].name) == NULL)
            continue;
        libraries[i].start = info->dlpi_addr;
        for (int k = 0; k < info->dlpi_phnum; k++) {
            uintptr_t end = info->dlpi_addr + info->dlpi_phdr[k].p_vaddr + info->dlpi_phdr[k].p_memsz;

            if (info->dlpi_phdr[k].p_type == PT_LOAD && end > libraries[i].end)
                libraries[i].end = end;
        }
    }
    return 0;
}

static bool is_of_library(uintptr_t caller)
{
    for (size_t i = 0; i < COUNT(libraries); i++) {
        if (caller >= libraries[i].start && caller < libraries[i].end)
            return true;
    }
    return false;
}

/* Overrides ICU's function: ICU keeps its own allocator, so that its callers can be identified. */
void u_setMemoryFunctions(const void *context, UMemAllocFn *allocate, UMemReallocFn *reallocate,
    UMemFreeFn *release, UErrorCode *status)
{
    (void)context, (void)allocate, (void)reallocate, (void)release, (void)status;
}

/* The sanitizer allocates when a thread starts, before the thread's function is called, and aborts if that
 * fails. */
static _Thread_local bool has_started;

__attribute__((constructor)) static void share_faults(void)
{
    has_started = true;
    const char *path = getenv(FAULTS_FILE);
    int fd = path != NULL ? open(path, O_RDWR | O_CLOEXEC) : -1;
    void *page;

    if (fd < 0)
        return;
    page = mmap(NULL, sizeof(*faults), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    close(fd);
    dl_iterate_phdr(find_library, NULL);
    if (page != MAP_FAILED)
        faults = page;
}

static bool fails(enum faults_kind kind, const void *caller)
{
    Dl_info info;

    if (!has_started || faults == NULL || atomic_load(&faults->kind) != (int)kind)
        return false;
    if (is_of_library((uintptr_t)caller))
        return false;
    if (atomic_fetch_sub(&faults->success_count, 1) > 0 || atomic_fetch_sub(&faults->failure_count, 1) <= 0)
        return false;
    if (atomic_fetch_add(&faults->failed, 1) == 0 && dladdr(caller, &info) != 0)
        snprintf(faults->caller, sizeof(faults->caller), "%s+0x%zx (%s)", info.dli_fname,
            (size_t)((uintptr_t)caller - (uintptr_t)info.dli_fbase),
            info.dli_sname != NULL ? info.dli_sname : "?");
    return true;
}

#define ALLOCATES(name, parameters, arguments)                                                               \
    void *__interceptor_##name parameters;                                                                   \
    void *name parameters                                                                                    \
    {                                                                                                        \
        if (fails(FAULTS_ALLOCATION, __builtin_return_address(0))) {                                         \
            errno = ENOMEM;                                                                                  \
            return NULL;                                                                                     \
        }                                                                                                    \
        return __interceptor_##name arguments;                                                               \
    }

ALLOCATES(malloc, (size_t size), (size))
ALLOCATES(calloc, (size_t count, size_t size), (count, size))
ALLOCATES(realloc, (void *block, size_t size), (block, size))

/* The wall clock. */
int clock_gettime(clockid_t id, struct timespec *now)
{
    int failed = (int)syscall(SYS_clock_gettime, id, now);

    if (id == CLOCK_REALTIME && faults != NULL)
        now->tv_sec += atomic_load(&faults->clock_step_seconds);
    return failed;
}

/* libh2o reads the wall clock by this function. */
int gettimeofday(struct timeval *restrict now, void *restrict zone)
{
    struct timespec real;

    (void)zone;
    clock_gettime(CLOCK_REALTIME, &real);
    now->tv_sec = real.tv_sec;
    now->tv_usec = real.tv_nsec / 1000;
    return 0;
}

/* Only libh2o writes with this function. */
ssize_t writev(int fd, const struct iovec *parts, int count)
{
    if (faults != NULL && atomic_load(&faults->is_output_blocked)) {
        errno = EAGAIN;
        return -1;
    }
    return syscall(SYS_writev, fd, parts, count);
}

char *__interceptor_strdup(const char *text);
char *strdup(const char *text)
{
    return fails(FAULTS_ALLOCATION, __builtin_return_address(0)) ? NULL : __interceptor_strdup(text);
}

/* failure: what libpq returns when the call fails, by its manual. */
#define WRAP(type, name, parameters, arguments, failure)                                                     \
    type __real_##name parameters;                                                                           \
    type __wrap_##name parameters;                                                                           \
    type __wrap_##name parameters                                                                            \
    {                                                                                                        \
        return fails(FAULTS_LIBPQ, __builtin_return_address(0)) ? (failure) : __real_##name arguments;       \
    }

/* An answer is lost. That there is no further one is not an answer, and cannot be lost. */
static PGresult *lose_result(PGconn *pg, PGresult *result)
{
    if (result == NULL)
        return NULL;
    PQclear(result);
    return PQmakeEmptyPGresult(pg, PGRES_FATAL_ERROR);
}

PGresult *__real_PQgetResult(PGconn *pg);

WRAP(PGconn *, PQconnectStartParams, (const char *const *keywords, const char *const *values, int expand),
    (keywords, values, expand), NULL)
WRAP(PostgresPollingStatusType, PQconnectPoll, (PGconn * pg), (pg), PGRES_POLLING_FAILED)
WRAP(int, PQsendQuery, (PGconn * pg, const char *sql), (pg, sql), 0)
WRAP(int, PQsendPrepare, (PGconn * pg, const char *name, const char *sql, int count, const Oid *types),
    (pg, name, sql, count, types), 0)
WRAP(int, PQsetnonblocking, (PGconn * pg, int nonblocking), (pg, nonblocking), -1)
WRAP(int, PQsocket, (const PGconn *pg), (pg), -1)
WRAP(int, PQsendQueryPrepared,
    (PGconn * pg, const char *name, int count, const char *const *values, const int *lengths,
        const int *formats, int format),
    (pg, name, count, values, lengths, formats, format), 0)
WRAP(int, PQsendQueryParams,
    (PGconn * pg, const char *sql, int count, const Oid *types, const char *const *values, const int *lengths,
        const int *formats, int format),
    (pg, sql, count, types, values, lengths, formats, format), 0)
WRAP(int, PQflush, (PGconn * pg), (pg), -1)
WRAP(int, PQconsumeInput, (PGconn * pg), (pg), 0)
WRAP(PGresult *, PQgetResult, (PGconn * pg), (pg), lose_result(pg, __real_PQgetResult(pg)))

struct thread {
    void *(*run)(void *);
    void *data;
};

static void *run_thread(void *data)
{
    struct thread thread = *(struct thread *)data;

    has_started = true;
    free(data);
    return thread.run(thread.data);
}

int __real_pthread_create(pthread_t *id, const pthread_attr_t *attributes, void *(*run)(void *), void *data);
int __wrap_pthread_create(pthread_t *id, const pthread_attr_t *attributes, void *(*run)(void *), void *data);
int __wrap_pthread_create(pthread_t *id, const pthread_attr_t *attributes, void *(*run)(void *), void *data)
{
    struct thread *thread = __interceptor_malloc(sizeof(*thread));

    *thread = (struct thread){run, data};
    return __real_pthread_create(id, attributes, run_thread, thread);
}
