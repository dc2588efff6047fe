#ifndef ACCOUNTSD_DOMAIN_H
#define ACCOUNTSD_DOMAIN_H

/* Internationalized domain names: UTS 46 (nontransitional) and IDNA 2008, by ICU. internal.domain_ascii in
 * the database gives the same verdicts. Any thread. */

#include <stddef.h>

/* The longest name of DNS, with the final dot and a NUL. */
#define DOMAIN_MAX 256

enum domain_verdict {
    DOMAIN_OK,
    DOMAIN_REFUSED,
    /* ICU failed, for example because memory ran out. */
    DOMAIN_UNKNOWN,
};

/* Converts a domain name of len bytes of UTF-8, at most 254, to A-labels in lower case. ascii is written only
 * if the verdict is DOMAIN_OK. */
enum domain_verdict domain_to_ascii(const char *name, size_t len, char ascii[DOMAIN_MAX]);

#endif
