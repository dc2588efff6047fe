#ifndef ACCOUNTSD_PREFER_H
#define ACCOUNTSD_PREFER_H

/* The Prefer header of RFC 7240. Pure. */

#include <stdbool.h>
#include <stddef.h>

enum prefer_verdict { PREFER_UNSAID, PREFER_YES, PREFER_OTHER };

/* Whether the value of one Prefer header asks for a preference with this value. Names and values in any case;
 * the preference's parameters, other preferences and what does not follow the syntax are passed over. Section
 * 2: of a preference that is given more than once the first counts, so a later header is to be asked only
 * where the one before has not said anything. */
enum prefer_verdict prefer_find(const char *header, size_t len, const char *name, const char *value);

#endif
