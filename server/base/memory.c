#include "base/memory.h"

#include <jansson.h>
#include <stdlib.h>

#include "base/die.h"

static _Thread_local bool ran_out;

static void *allocate(size_t size)
{
    void *block = malloc(size);

    ran_out = ran_out || block == NULL;
    return block;
}

void *memory_require(void *block)
{
    if (block == NULL)
        die("memory ran out");
    return block;
}

void memory_watch(void)
{
    json_set_alloc_funcs(allocate, free);
}

void memory_begin(void)
{
    ran_out = false;
}

bool memory_ran_out(void)
{
    return ran_out;
}
