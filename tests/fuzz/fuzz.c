#include "fuzz.h"

#include <sanitizer/asan_interface.h>
#include <string.h>

/* Room after the input. libFuzzer reads the operands of strncasecmp to their full length, even if the
 * comparison ends earlier; code compiled with AddressSanitizer cannot read this room. */
#define SLACK 256

bool fuzz_is_base64url(char c)
{
    return c != '\0' && strchr("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_", c) != NULL;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    uint8_t *copy = calloc(1, size + SLACK);
    int verdict;

    memcpy(copy, data, size);
    ASAN_POISON_MEMORY_REGION(copy + size, SLACK);
    verdict = fuzz_one(copy, size);
    ASAN_UNPOISON_MEMORY_REGION(copy + size, SLACK);
    free(copy);
    return verdict;
}
