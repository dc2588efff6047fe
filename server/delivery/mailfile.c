#include "delivery/mailfile.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define NAME_LEN 300

static bool write_all(int fd, const char *bytes, size_t len)
{
    while (len > 0) {
        ssize_t written = write(fd, bytes, len);

        if (written < 0 && errno == EINTR)
            continue;
        if (written < 0)
            return false;
        bytes += written;
        len -= (size_t)written;
    }
    return true;
}

/* Only the owner may read the file, because it contains a code. */
static bool write_temporary(int directory, const char *name, const struct envelope *envelope)
{
    int fd = openat(directory, name, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600);
    bool written = fd >= 0 && write_all(fd, envelope->message, envelope->len) && fsync(fd) == 0;
    int problem = errno;

    if (fd >= 0 && close(fd) != 0 && written) {
        written = false;
        problem = errno;
    }
    errno = problem;
    return written;
}

void mailfile_write(const char *directory, const struct envelope *envelope, struct transport_result *result)
{
    char aside[NAME_LEN], name[NAME_LEN], reason[TRANSPORT_REASON_MAX];
    int fd = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

    snprintf(aside, sizeof(aside), ".%.200s.%d.part", envelope->id, (int)getpid());
    snprintf(name, sizeof(name), "%.200s.eml", envelope->id);
    *result = (struct transport_result){.outcome = OUTCOME_SENT, .stage = STAGE_FILE};
    if (fd < 0 || !write_temporary(fd, aside, envelope) || renameat(fd, aside, fd, name) != 0 ||
        fsync(fd) != 0) {
        int len =
            snprintf(reason, sizeof(reason), "cannot write into %.300s: %s", directory, strerror(errno));

        result->outcome = OUTCOME_FAILED;
        result->is_unavailable = true;
        transport_set_reason(result, reason, (size_t)len);
        if (fd >= 0)
            unlinkat(fd, aside, 0);
    }
    if (fd >= 0)
        close(fd);
}
