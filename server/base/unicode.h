#ifndef ACCOUNTSD_UNICODE_H
#define ACCOUNTSD_UNICODE_H

/* Sets of characters, of one version of Unicode whatever ICU is installed, and the same in the database
 * (internal.in_domain() and its like). Pure. */

#include <stdbool.h>
#include <stdint.h>

enum unicode_set {
    /* Beyond ASCII: what no address has. */
    UNICODE_NOT_IN_ADDRESS,
    /* Beyond ASCII: what IDNA 2008 allows in a label. */
    UNICODE_IN_DOMAIN,
    /* What shows nothing when it stands alone. */
    UNICODE_BLANK,
    /* What is seen as a part of the character before it, or not at all. */
    UNICODE_EXTENDING,
    UNICODE_NONCHARACTER,
};

bool unicode_is_in(enum unicode_set set, uint32_t c);

#endif
