#ifndef ACCOUNTSD_DOMAIN_H
#define ACCOUNTSD_DOMAIN_H

/* Internationalized domain names: UTS 46 (nontransitional) and IDNA 2008, by ICU. internal.domain_ascii in
 * the database gives the same verdicts. Any thread. */

#include <stdbool.h>
#include <stddef.h>

/* The longest name of DNS, with the final dot and a NUL. */
#define DOMAIN_MAX 256

/* Converts a domain name of len bytes of UTF-8, at most 254, to A-labels in lower case. False if IDNA 2008
 * refuses it; the content of ascii is then undefined. */
bool domain_to_ascii(const char *name, size_t len, char ascii[DOMAIN_MAX]);

#endif
