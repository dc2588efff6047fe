#ifndef ACCOUNTSD_DATE_H
#define ACCOUNTSD_DATE_H

/* How people of a language write a date. What ICU knows of it is read once, because ICU does not bear that
 * memory runs out: it crashes. From then on nothing is allocated, and any thread may write dates. */

#include <stdbool.h>

struct date_formats;

/* Those of a language tag and of all cultures of the same language. NULL when memory ran out, or there is no
 * way to write dates so. */
struct date_formats *date_formats_load(const char *language);
void date_formats_free(struct date_formats *formats);

#define DATE_MAX 256

/* Writes a moment, given as RFC 3339 in UTC, to the minute and with "UTC" behind it. culture: the tag of one
 * whose way to write dates is taken, by lookup (RFC 4647), where it is of the language; may be nonsense or
 * NULL. False when the moment is none. */
bool date_format(
    const struct date_formats *formats, const char *moment, const char *culture, char date[DATE_MAX]);

#endif
