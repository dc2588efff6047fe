#ifndef ACCOUNTSD_DATE_H
#define ACCOUNTSD_DATE_H

/* Localized dates. ICU's data is read once, at the start, because ICU crashes if memory runs out. After that
 * nothing is allocated, and any thread may write dates. */

#include <stdbool.h>

struct date_formats;

/* Loads the formats of a language tag and of all cultures of its language. NULL if memory ran out or ICU's
 * format for the language is not supported. */
struct date_formats *date_formats_load(const char *language);
void date_formats_free(struct date_formats *formats);

#define DATE_MAX 256

/* Writes moment, RFC 3339 in UTC, to the minute and followed by "UTC". culture: a tag that selects a format
 * of the language by lookup (RFC 4647); it may be malformed or NULL. False if moment is malformed. */
bool date_format(
    const struct date_formats *formats, const char *moment, const char *culture, char date[DATE_MAX]);

#endif
