#include "telemetry/process.h"

#include <dirent.h>
#include <errno.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#define STAT_MAX 1024

static void write_number(FILE *out, const char *name, const char *type, const char *help, double value)
{
    fprintf(out, "# HELP %s %s\n# TYPE %s %s\n%s %.15g\n", name, help, name, type, name, value);
}

/* Whether errno means that the system lacks or forbids a file, whose metrics are then left out. */
static bool is_unavailable(void)
{
    return errno == ENOENT || errno == EACCES || errno == EMFILE || errno == ENFILE;
}

/* The start time of the system in seconds since 1970; 0 if unknown. *is_complete is set to false if memory
 * ran out. */
static unsigned long long boot_time(bool *is_complete)
{
    FILE *file = fopen("/proc/stat", "re");
    char line[STAT_MAX];
    unsigned long long seconds = 0;

    if (file == NULL) {
        *is_complete = *is_complete && is_unavailable();
        return 0;
    }
    while (fgets(line, sizeof(line), file) != NULL && sscanf(line, "btime %llu", &seconds) != 1)
        ;
    fclose(file);
    return seconds;
}

/* proc(5), /proc/self/stat: fields 14, 15, 20, 22, 23 and 24. */
static bool write_stat(FILE *out)
{
    static const char format[] =
        ") %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %llu %llu %*d %*d %*d %*d %llu "
        "%*d %llu %llu %llu";
    FILE *file = fopen("/proc/self/stat", "re");
    char line[STAT_MAX] = "";
    /* The command name in parentheses may itself contain parentheses. */
    const char *rest = file != NULL && fgets(line, sizeof(line), file) != NULL ? strrchr(line, ')') : NULL;
    unsigned long long user, system, threads, start, virtual_bytes, resident_pages, boot;
    bool is_complete = file != NULL || is_unavailable();
    double tick = (double)sysconf(_SC_CLK_TCK), page = (double)sysconf(_SC_PAGESIZE);

    if (file != NULL)
        fclose(file);
    if (rest == NULL ||
        sscanf(rest, format, &user, &system, &threads, &start, &virtual_bytes, &resident_pages) != 6)
        return is_complete;
    boot = boot_time(&is_complete);
    write_number(out, "process_cpu_seconds_total", "counter", "User and system CPU time spent.",
        (double)(user + system) / tick);
    write_number(out, "process_threads", "gauge", "Threads of the process.", (double)threads);
    write_number(out, "process_virtual_memory_bytes", "gauge", "Virtual memory size.", (double)virtual_bytes);
    write_number(out, "process_resident_memory_bytes", "gauge", "Resident memory size.",
        (double)resident_pages * page);
    if (boot != 0)
        write_number(out, "process_start_time_seconds", "gauge", "Start time, in seconds since 1970.",
            (double)boot + (double)start / tick);
    return is_complete;
}

static bool write_descriptors(FILE *out)
{
    DIR *dir = opendir("/proc/self/fd");
    bool is_complete = dir != NULL || is_unavailable();
    struct rlimit limit;
    unsigned count = 0;

    if (dir != NULL) {
        for (const struct dirent *entry; (entry = readdir(dir)) != NULL;)
            count += entry->d_name[0] != '.';
        closedir(dir);
        /* One of them is the directory's own. */
        write_number(out, "process_open_fds", "gauge", "Open file descriptors.", count - 1);
    }
    if (getrlimit(RLIMIT_NOFILE, &limit) == 0)
        write_number(
            out, "process_max_fds", "gauge", "File descriptors that may be open.", (double)limit.rlim_cur);
    return is_complete;
}

bool process_write_metrics(FILE *out)
{
    bool has_stat = write_stat(out), has_descriptors = write_descriptors(out);

    return has_stat && has_descriptors;
}
