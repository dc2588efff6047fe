#include "words/date.h"

#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unicode/udat.h>
#include <unicode/uloc.h>
#include <unicode/ustring.h>

#define UTC " UTC"

/* Every culture gets the Gregorian calendar and Latin digits. */
#define KEYWORDS "@calendar=gregorian;numbers=latn"

/* Converts a language tag to an ICU locale without keywords; "" if the tag is malformed. */
static void read_tag(const char *tag, char locale[ULOC_FULLNAME_CAPACITY])
{
    UErrorCode status = U_ZERO_ERROR;
    char whole[ULOC_FULLNAME_CAPACITY];

    uloc_forLanguageTag(tag, whole, sizeof(whole), NULL, &status);
    uloc_getBaseName(whole, locale, ULOC_FULLNAME_CAPACITY, &status);
    if (U_FAILURE(status) || status == U_STRING_NOT_TERMINATED_WARNING)
        *locale = '\0';
}

static bool is_available(const char *locale)
{
    for (int32_t i = 0; i < uloc_countAvailable(); i++) {
        if (strcmp(uloc_getAvailable(i), locale) == 0)
            return true;
    }
    return false;
}

static bool is_of_language(const char *locale, const char *other)
{
    size_t len = strcspn(other, "_");

    return strncmp(locale, other, len) == 0 && (locale[len] == '_' || locale[len] == '\0');
}

/* Looks up an available locale. Clients choose the culture, and ICU keeps every locale that is opened in its
 * cache, so only an available one, or that of a template, may be opened. */
static void find_locale(const char *language, const char *culture, char locale[ULOC_FULLNAME_CAPACITY])
{
    UErrorCode status = U_ZERO_ERROR;
    char of_language[ULOC_FULLNAME_CAPACITY];

    read_tag(language, of_language);
    read_tag(culture != NULL ? culture : "", locale);
    while (*locale != '\0' && !is_available(locale))
        uloc_getParent(locale, locale, ULOC_FULLNAME_CAPACITY, &status);
    if (*locale == '\0' || !is_of_language(locale, of_language))
        memcpy(locale, of_language, ULOC_FULLNAME_CAPACITY);
}

static bool write_date(const char *locale, UDate moment, char date[DATE_MAX])
{
    static const UChar narrow_space = 0x202f;
    UErrorCode status = U_ZERO_ERROR;
    char whole[ULOC_FULLNAME_CAPACITY + sizeof(KEYWORDS)];
    UChar text[DATE_MAX];
    UDateFormat *format;
    int32_t len;

    snprintf(whole, sizeof(whole), "%s%s", locale, KEYWORDS);
    format = udat_open(UDAT_SHORT, UDAT_LONG, whole, u"UTC", -1, NULL, 0, &status);
    len = udat_format(format, moment, text, DATE_MAX, NULL, &status);
    udat_close(format);
    /* The length of a text that does not fit is more than DATE_MAX. */
    if (U_FAILURE(status))
        return false;
    /* Many fonts lack this character. */
    for (int32_t i = 0; i < len; i++) {
        if (text[i] == narrow_space)
            text[i] = ' ';
    }
    u_strToUTF8(date, DATE_MAX - sizeof(UTC), &len, text, len, &status);
    if (U_FAILURE(status))
        return false;
    memcpy(date + len, UTC, sizeof(UTC));
    return true;
}

bool date_format(const char *language, const char *moment, const char *culture, char date[DATE_MAX])
{
    struct tm tm = {.tm_isdst = 0};
    const char *rest = strptime(moment, "%Y-%m-%dT%H:%M:%S", &tm);
    char locale[ULOC_FULLNAME_CAPACITY];

    if (rest == NULL || (*rest != '.' && *rest != 'Z') || rest[strlen(rest) - 1] != 'Z')
        return false;
    find_locale(language, culture, locale);
    return write_date(locale, (UDate)timegm(&tm) * 1000, date);
}
