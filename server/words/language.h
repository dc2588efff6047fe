#ifndef ACCOUNTSD_LANGUAGE_H
#define ACCOUNTSD_LANGUAGE_H

/* Language negotiation. Pure. */

#include <stddef.h>

/* Looks up a language tag among count tags (RFC 4647, section 3.4): subtags are removed from the end until
 * one matches. Returns the index, or count if none matches. */
size_t language_lookup(const char *tag, const char *const *tags, size_t count);

/* Returns the index of the tag that Accept-Language prefers, by lookup of each of its tags, or count if it
 * accepts none. Malformed parts and "*" are ignored. */
size_t language_accept(const char *header, const char *const *tags, size_t count);

#define LANGUAGE_CULTURE_MAX 64

/* Writes the first tag of Accept-Language that has this language, "" if there is none: for "en", "en-GB" from
 * "de, en-GB, en-US". */
void language_accepted_culture(const char *header, const char *language, char culture[LANGUAGE_CULTURE_MAX]);

#endif
