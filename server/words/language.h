#ifndef ACCOUNTSD_LANGUAGE_H
#define ACCOUNTSD_LANGUAGE_H

/* Which of the languages that there are suits somebody. Pure. */

#include <stddef.h>

/* The one of count tags that a person's own tag finds by RFC 4647, section 3.4 (lookup): what is most special
 * in it is left out until one fits. Its index, or count where none does. */
size_t language_lookup(const char *tag, const char *const *tags, size_t count);

/* The one of count tags that a value of Accept-Language prefers, each of its tags being looked up so. What
 * makes no sense in it is passed over, as "*" is. Its index, or count where none is wanted. */
size_t language_accept(const char *header, const char *const *tags, size_t count);

#define LANGUAGE_CULTURE_MAX 64

/* Writes the first tag in a value of Accept-Language that is of a language: "en-GB" of "de, en-GB, en-US" for
 * "en". "" where there is none. */
void language_accepted_culture(const char *header, const char *language, char culture[LANGUAGE_CULTURE_MAX]);

#endif
