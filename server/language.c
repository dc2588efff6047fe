#include "language.h"

#include <string.h>
#include <strings.h>
#include <time.h>
#include <unicode/udat.h>
#include <unicode/uenum.h>
#include <unicode/uloc.h>
#include <unicode/ustring.h>

/* Longer than any tag that makes sense. */
#define TAG_MAX 64

static size_t find_tag(const char *tag, size_t len, const char *const *tags, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (strlen(tags[i]) == len && strncasecmp(tags[i], tag, len) == 0)
            return i;
    }
    return count;
}

size_t language_lookup(const char *tag, const char *const *tags, size_t count)
{
    size_t len = strlen(tag), found;

    while ((found = find_tag(tag, len, tags, count)) == count) {
        while (len > 0 && tag[len - 1] != '-')
            len--;
        if (len == 0)
            break;
        len--;
        /* A letter alone says what follows it, and is left out with that: "x" of "de-x-mine". */
        if (len > 1 && tag[len - 2] == '-')
            len -= 2;
    }
    return found;
}

size_t language_accept(const char *header, const char *const *tags, size_t count)
{
    UErrorCode status = U_ZERO_ERROR;
    UAcceptResult verdict = ULOC_ACCEPT_FAILED;
    char locale[ULOC_FULLNAME_CAPACITY], tag[TAG_MAX];
    UEnumeration *available = uenum_openCharStringsEnumeration(tags, (int32_t)count, &status);

    uloc_acceptLanguageFromHTTP(locale, sizeof(locale), &verdict, header, available, &status);
    uenum_close(available);
    if (U_FAILURE(status) || verdict == ULOC_ACCEPT_FAILED)
        return count;
    uloc_toLanguageTag(locale, tag, sizeof(tag), false, &status);
    return U_FAILURE(status) || status == U_STRING_NOT_TERMINATED_WARNING
               ? count
               : find_tag(tag, strlen(tag), tags, count);
}

/* ICU's name of the locale of a tag; false where it is none. */
static bool to_locale(const char *tag, char locale[ULOC_FULLNAME_CAPACITY])
{
    UErrorCode status = U_ZERO_ERROR;
    int32_t parsed = 0;

    uloc_forLanguageTag(tag, locale, ULOC_FULLNAME_CAPACITY, &parsed, &status);
    return U_SUCCESS(status) && status != U_STRING_NOT_TERMINATED_WARNING && parsed > 0 &&
           (size_t)parsed == strlen(tag);
}

bool language_is_rtl(const char *tag)
{
    char locale[ULOC_FULLNAME_CAPACITY];

    return to_locale(tag, locale) && uloc_isRightToLeft(locale);
}

static bool same_language(const char *a, const char *b)
{
    size_t len = strcspn(a, "-");

    return strcspn(b, "-") == len && strncasecmp(a, b, len) == 0;
}

static bool parse_moment(const char *moment, UDate *date)
{
    struct tm tm = {.tm_isdst = 0};
    const char *rest = strptime(moment, "%Y-%m-%dT%H:%M:%S", &tm);

    if (rest == NULL || (*rest != '.' && *rest != 'Z') || rest[strlen(rest) - 1] != 'Z')
        return false;
    *date = (UDate)timegm(&tm) * 1000;
    return true;
}

bool language_format_date(
    const char *moment, const char *language, const char *culture, char date[LANGUAGE_DATE_MAX])
{
    static const UChar narrow_space = 0x202f;
    UErrorCode status = U_ZERO_ERROR;
    char locale[ULOC_FULLNAME_CAPACITY];
    UChar text[LANGUAGE_DATE_MAX];
    UDate at;
    int32_t len;

    if (!parse_moment(moment, &at))
        return false;
    if (culture == NULL || !same_language(culture, language) || !to_locale(culture, locale)) {
        if (!to_locale(language, locale))
            return false;
    }

    UDateFormat *format = udat_open(UDAT_SHORT, UDAT_LONG, locale, u"UTC", -1, NULL, 0, &status);

    len = udat_format(format, at, text, LANGUAGE_DATE_MAX, NULL, &status);
    udat_close(format);
    if (U_FAILURE(status))
        return false;
    /* Many fonts do not have the narrow one. */
    for (int32_t i = 0; i < len; i++) {
        if (text[i] == narrow_space)
            text[i] = ' ';
    }
    u_strToUTF8(date, LANGUAGE_DATE_MAX - (int32_t)sizeof(" UTC"), &len, text, len, &status);
    if (U_FAILURE(status))
        return false;
    memcpy(date + len, " UTC", sizeof(" UTC"));
    return true;
}
