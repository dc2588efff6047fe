#include "die.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void die(const char *reason)
{
    for (size_t len; *reason != '\0'; reason += len + (reason[len] != '\0')) {
        len = strcspn(reason, "\n");
        fprintf(stderr, "accountsd: %.*s\n", (int)len, reason);
    }
    exit(EXIT_FAILURE);
}
