#include "base/memory.h"

#include <jansson.h>
#include <stdlib.h>
#include <unicode/uclean.h>

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

static void *require_block(const void *context, size_t size)
{
    (void)context;
    return memory_require(malloc(size));
}

static void *require_larger_block(const void *context, void *block, size_t size)
{
    (void)context;
    return memory_require(realloc(block, size));
}

static void free_block(const void *context, void *block)
{
    (void)context;
    free(block);
}

void memory_watch(void)
{
    UErrorCode status = U_ZERO_ERROR;

    json_set_alloc_funcs(allocate, free);
    u_setMemoryFunctions(NULL, require_block, require_larger_block, free_block, &status);
    if (U_FAILURE(status))
        die("ICU is in use already");
}

void memory_begin(void)
{
    ran_out = false;
}

bool memory_ran_out(void)
{
    return ran_out;
}
