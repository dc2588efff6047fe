#include "process.h"

#include <criterion/criterion.h>
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

size_t process_resident(pid_t pid)
{
    char path[64], line[256];
    size_t resident = 0;
    FILE *file;

    snprintf(path, sizeof(path), "/proc/%d/status", (int)pid);
    file = fopen(path, "r");
    cr_assert_not_null(file, "%s", path);
    while (fgets(line, sizeof(line), file) != NULL) {
        if (strncmp(line, "VmRSS:", 6) == 0)
            resident = strtoul(line + 6, NULL, 10);
    }
    fclose(file);
    cr_assert_gt(resident, 0);
    return resident;
}

size_t process_descriptors(pid_t pid)
{
    char path[64];
    size_t count = 0;
    DIR *dir;

    snprintf(path, sizeof(path), "/proc/%d/fd", (int)pid);
    dir = opendir(path);
    cr_assert_not_null(dir, "%s", path);
    while (readdir(dir) != NULL)
        count++;
    closedir(dir);
    return count;
}

void process_allow_descriptors(size_t count)
{
    struct rlimit limit;

    cr_assert_eq(getrlimit(RLIMIT_NOFILE, &limit), 0);
    limit.rlim_cur = count;
    cr_assert_eq(setrlimit(RLIMIT_NOFILE, &limit), 0, "no %zu files may be open", count);
}

bool is_soak(void)
{
    const char *soak = getenv("SOAK");

    return soak != NULL && strcmp(soak, "1") == 0;
}

long short_or_soak(long in_short, long in_soak)
{
    return is_soak() ? in_soak : in_short;
}

long now_us(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

void sleep_ms(long ms)
{
    nanosleep(&(struct timespec){.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000}, NULL);
}

long now_ms(void)
{
    return now_us() / 1000;
}

static int compare(const void *a, const void *b)
{
    long x = *(const long *)a, y = *(const long *)b;

    return (x > y) - (x < y);
}

long percentile(long *numbers, size_t count, size_t percent)
{
    qsort(numbers, count, sizeof(*numbers), compare);
    return numbers[count * percent / 100];
}
