#include "fuzz.h"

#include <sanitizer/asan_interface.h>
#include <string.h>

/* What follows the input. libFuzzer looks at the operands of strncasecmp to their full length, also where the
 * comparison ended before; what is compiled for AddressSanitizer may not read it. */
#define SLACK 256

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
