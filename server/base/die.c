#include "base/die.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"

/* More than any line of a reason has. It is not allocated, because memory may have run out. */
#define LINE_SIZE 8192

void die(const char *reason)
{
    for (size_t len; *reason != '\0'; reason += len + (reason[len] != '\0')) {
        char line[LINE_SIZE];
        int line_len;

        len = strcspn(reason, "\n");
        line_len = snprintf(line, sizeof(line), "accountsd: %.*s\n", (int)len, reason);
        log_line(line, (size_t)line_len < sizeof(line) ? (size_t)line_len : sizeof(line) - 1);
    }
    log_close();
    _exit(EXIT_FAILURE);
}
