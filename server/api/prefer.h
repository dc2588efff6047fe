#ifndef ACCOUNTSD_PREFER_H
#define ACCOUNTSD_PREFER_H

/* The Prefer header of RFC 7240. Pure. */

#include <stdbool.h>
#include <stddef.h>

enum prefer_verdict { PREFER_NOT_GIVEN, PREFER_YES, PREFER_OTHER };

/* Whether the value of one Prefer header has a preference with this value. Case is ignored in names and
 * values. Parameters, other preferences and malformed parts are ignored. If a preference is given more than
 * once, the first is used (section 2), so check a later header only after PREFER_NOT_GIVEN. */
enum prefer_verdict prefer_find(const char *header, size_t len, const char *name, const char *value);

#endif
