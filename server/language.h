#ifndef ACCOUNTSD_LANGUAGE_H
#define ACCOUNTSD_LANGUAGE_H

/* Which of the languages that there are suits somebody, and how they write a date. By ICU; any thread. */

#include <stdbool.h>
#include <stddef.h>

/* The one of count tags that a person's own tag finds by RFC 4647, section 3.4 (lookup): what is most special
 * in it is left out until one fits. Its index, or count where none does. */
size_t language_lookup(const char *tag, const char *const *tags, size_t count);

/* The one of count tags that a value of Accept-Language prefers. Its index; count where none is wanted, or
 * the value makes no sense. */
size_t language_accept(const char *header, const char *const *tags, size_t count);

/* Whether a language is written from right to left. */
bool language_is_rtl(const char *tag);

#define LANGUAGE_DATE_MAX 256

/* Writes a moment, given as RFC 3339 in UTC to the second or finer, as people of the language write it, with
 * "UTC" behind it. culture: the tag of one whose way to write dates is taken where its language is this one;
 * may be NULL or nonsense. False when the moment is none or memory ran out. */
bool language_format_date(
    const char *moment, const char *language, const char *culture, char date[LANGUAGE_DATE_MAX]);

#endif
