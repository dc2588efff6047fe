#ifndef ACCOUNTSD_TESTS_FUZZ_H
#define ACCOUNTSD_TESTS_FUZZ_H

/* What a target of libFuzzer defines, and how it says that a property does not hold. A target holds more than
 * that nothing crashes: each property is one that the header of its module promises. */

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

/* Tries one input, beyond which AddressSanitizer lets nobody read. 0: it may go into the corpus; -1: not. */
int fuzz_one(const uint8_t *data, size_t size);

/* Ends the run, which keeps the input in a file. */
#define MUST(condition)                                                                                      \
    do {                                                                                                     \
        if (!(condition)) {                                                                                  \
            fprintf(stderr, "%s:%d: does not hold: %s\n", __FILE__, __LINE__, #condition);                   \
            abort();                                                                                         \
        }                                                                                                    \
    } while (0)

#endif
