#include "base/die.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"

void die(const char *reason)
{
    for (size_t len; *reason != '\0'; reason += len + (reason[len] != '\0')) {
        char *line = NULL;
        int line_len;

        len = strcspn(reason, "\n");
        line_len = asprintf(&line, "accountsd: %.*s\n", (int)len, reason);
        if (line_len > 0)
            log_line(line, (size_t)line_len);
        free(line);
    }
    log_close();
    _exit(EXIT_FAILURE);
}
