#include "die.h"

#include <stdio.h>
#include <stdlib.h>

void die(const char *reason)
{
    fprintf(stderr, "accountsd: %s\n", reason);
    exit(EXIT_FAILURE);
}
