#ifndef ACCOUNTSD_DATE_H
#define ACCOUNTSD_DATE_H

/* Localized dates, by ICU. Any thread. */

#include <stdbool.h>

#define DATE_MAX 256

/* Writes moment, RFC 3339 in UTC, to the minute and followed by "UTC". language: a language tag. culture: a
 * tag that selects a format of the language by lookup (RFC 4647); it may be malformed or NULL. False if
 * moment is malformed. */
bool date_format(const char *language, const char *moment, const char *culture, char date[DATE_MAX]);

#endif
