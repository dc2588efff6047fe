#ifndef ACCOUNTSD_UNICODE_H
#define ACCOUNTSD_UNICODE_H

/* Sets of characters of a fixed version of Unicode, whatever version ICU has. The database has the same sets
 * (internal.in_domain() and others). Pure. */

#include <stdbool.h>
#include <stdint.h>

enum unicode_set {
    /* Characters beyond ASCII that no address may have. */
    UNICODE_NOT_IN_ADDRESS,
    /* Characters beyond ASCII that IDNA 2008 allows in a label. */
    UNICODE_IN_DOMAIN,
    /* Characters that are invisible on their own. */
    UNICODE_BLANK,
    /* Characters that are displayed as part of the one before, or not at all. */
    UNICODE_EXTENDING,
    UNICODE_NONCHARACTER,
};

bool unicode_is_in(enum unicode_set set, uint32_t c);

#endif
