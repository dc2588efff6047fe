#ifndef ACCOUNTSD_TESTS_FUZZ_H
#define ACCOUNTSD_TESTS_FUZZ_H

/* What a libFuzzer target defines, and how it reports a violated property. A target checks more than the
 * absence of crashes: each property is one that the header of its module promises. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

/* Tries one input; AddressSanitizer forbids reads beyond it. 0: it may be added to the corpus; -1: not. */
int fuzz_one(const uint8_t *data, size_t size);

/* RFC 4648, section 5. Written apart from the server's, which it checks. */
bool fuzz_is_base64url(char c);

/* Ends the run; libFuzzer stores the input in a file. */
#define MUST(condition)                                                                                      \
    do {                                                                                                     \
        if (!(condition)) {                                                                                  \
            fprintf(stderr, "%s:%d: does not hold: %s\n", __FILE__, __LINE__, #condition);                   \
            abort();                                                                                         \
        }                                                                                                    \
    } while (0)

#endif
