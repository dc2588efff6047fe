#ifndef ACCOUNTSD_DOMAIN_H
#define ACCOUNTSD_DOMAIN_H

/* Domain names that are not plain ASCII: UTS 46 (nontransitional) and IDNA 2008, by ICU. The same verdicts as
 * internal.domain_ascii in the database. Any thread. */

#include <stddef.h>

/* Of a name that DNS has room for, with the root's dot and a NUL. */
#define DOMAIN_MAX 256

enum domain_verdict {
    DOMAIN_OK,
    DOMAIN_REFUSED,
    /* ICU has failed, as where memory runs out. */
    DOMAIN_UNKNOWN,
};

/* The A-labels, in lower case, of a domain name of len bytes of UTF-8, at most 254; on DOMAIN_OK alone ascii
 * is written. */
enum domain_verdict domain_to_ascii(const char *name, size_t len, char ascii[DOMAIN_MAX]);

#endif
