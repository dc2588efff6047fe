#include "words/date.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unicode/udat.h>
#include <unicode/uloc.h>
#include <unicode/ustring.h>

#include "words/language.h"

#define MONTHS 12
#define HALVES 2
#define TAG_MAX 64
#define PATTERN_MAX 128
#define NAME_MAX_LEN 64

/* The format of one culture: a pattern of Unicode TR 35 and the names that it uses. */
struct format {
    char tag[TAG_MAX];
    char pattern[PATTERN_MAX];
    char months[MONTHS][NAME_MAX_LEN];
    char halves[HALVES][NAME_MAX_LEN];
    char era[NAME_MAX_LEN];
};

struct date_formats {
    struct format *formats;
    /* The tag of each format; the first is the language itself. */
    const char **tags;
    size_t count;
};

/* The pattern letters that write_field supports. */
static const char letters[] = "GyMLdhHKkmabB";

static bool to_utf8(const UChar *text, int32_t len, char *utf8, int32_t size)
{
    UErrorCode status = U_ZERO_ERROR;

    u_strToUTF8(utf8, size, NULL, text, len, &status);
    return U_SUCCESS(status) && status != U_STRING_NOT_TERMINATED_WARNING;
}

static bool read_name(
    const UDateFormat *icu, UDateFormatSymbolType type, int32_t index, char name[NAME_MAX_LEN])
{
    UErrorCode status = U_ZERO_ERROR;
    UChar text[NAME_MAX_LEN];
    int32_t len = udat_getSymbols(icu, type, index, text, NAME_MAX_LEN, &status);

    return U_SUCCESS(status) && to_utf8(text, len, name, NAME_MAX_LEN);
}

static bool is_supported(const char *pattern)
{
    bool is_quoted = false;

    for (const char *c = pattern; *c != '\0'; c++) {
        bool is_letter = (*c >= 'a' && *c <= 'z') || (*c >= 'A' && *c <= 'Z');

        if (*c == '\'')
            is_quoted = !is_quoted;
        else if (!is_quoted && is_letter && strchr(letters, *c) == NULL)
            return false;
    }
    return true;
}

static bool read_names(const UDateFormat *icu, struct format *format)
{
    UDateFormatSymbolType months =
        strstr(format->pattern, "LLL") != NULL ? UDAT_STANDALONE_MONTHS : UDAT_MONTHS;

    for (int i = 0; i < MONTHS; i++) {
        if (!read_name(icu, months, i, format->months[i]))
            return false;
    }
    for (int i = 0; i < HALVES; i++) {
        if (!read_name(icu, UDAT_AM_PMS, i, format->halves[i]))
            return false;
    }
    return read_name(icu, UDAT_ERAS, 1, format->era);
}

/* Reads a locale's format of a long date and a short time, in the Gregorian calendar with ASCII digits. */
static bool read_format(const char *locale, struct format *format)
{
    static const UChar narrow_space = 0x202f;
    UErrorCode status = U_ZERO_ERROR;
    char whole[ULOC_FULLNAME_CAPACITY];
    UChar pattern[PATTERN_MAX];
    int32_t len;
    bool is_valid = false;

    snprintf(whole, sizeof(whole), "%s@calendar=gregorian;numbers=latn", locale);
    UDateFormat *icu = udat_open(UDAT_SHORT, UDAT_LONG, whole, u"UTC", -1, NULL, 0, &status);

    len = udat_toPattern(icu, false, pattern, PATTERN_MAX, &status);
    if (U_SUCCESS(status)) {
        /* Many fonts lack the narrow no-break space. */
        for (int32_t i = 0; i < len; i++) {
            if (pattern[i] == narrow_space)
                pattern[i] = ' ';
        }
        is_valid = to_utf8(pattern, len, format->pattern, PATTERN_MAX) && is_supported(format->pattern) &&
                   read_names(icu, format);
    }
    udat_close(icu);
    return is_valid;
}

/* Adds the format of a locale under a tag; does nothing if the format is not supported. */
static void add_format(struct date_formats *formats, const char *locale, const char *tag)
{
    struct format *format = &formats->formats[formats->count];

    if (strlen(tag) >= TAG_MAX || !read_format(locale, format))
        return;
    memcpy(format->tag, tag, strlen(tag) + 1);
    formats->tags[formats->count++] = format->tag;
}

static bool is_of_language(const char *locale, const char *language)
{
    size_t len = strcspn(language, "-");

    return strncasecmp(locale, language, len) == 0 && (locale[len] == '_' || locale[len] == '\0');
}

static void add_cultures(struct date_formats *formats, const char *language)
{
    for (int32_t i = 0; i < uloc_countAvailable(); i++) {
        UErrorCode status = U_ZERO_ERROR;
        const char *locale = uloc_getAvailable(i);
        char tag[TAG_MAX];

        if (!is_of_language(locale, language))
            continue;
        uloc_toLanguageTag(locale, tag, sizeof(tag), true, &status);
        if (U_SUCCESS(status) && status != U_STRING_NOT_TERMINATED_WARNING)
            add_format(formats, locale, tag);
    }
}

struct date_formats *date_formats_load(const char *language)
{
    struct date_formats *formats = calloc(1, sizeof(*formats));
    UErrorCode status = U_ZERO_ERROR;
    char locale[ULOC_FULLNAME_CAPACITY];
    size_t most = 1;

    if (formats == NULL)
        return NULL;
    for (int32_t i = 0; i < uloc_countAvailable(); i++)
        most += is_of_language(uloc_getAvailable(i), language);
    formats->formats = calloc(most, sizeof(*formats->formats));
    formats->tags = calloc(most, sizeof(*formats->tags));
    if (formats->formats != NULL && formats->tags != NULL) {
        uloc_forLanguageTag(language, locale, sizeof(locale), NULL, &status);
        if (U_SUCCESS(status) && status != U_STRING_NOT_TERMINATED_WARNING)
            add_format(formats, locale, language);
        if (formats->count > 0)
            add_cultures(formats, language);
    }
    if (formats->count > 0)
        return formats;
    date_formats_free(formats);
    return NULL;
}

void date_formats_free(struct date_formats *formats)
{
    if (formats == NULL)
        return;
    free(formats->formats);
    free(formats->tags);
    free(formats);
}

static size_t append(char date[DATE_MAX], size_t len, const char *text, size_t text_len)
{
    if (len + text_len >= DATE_MAX)
        return len;
    memcpy(date + len, text, text_len);
    date[len + text_len] = '\0';
    return len + text_len;
}

static void copy_name(char field[NAME_MAX_LEN], const char name[NAME_MAX_LEN])
{
    memcpy(field, name, NAME_MAX_LEN);
}

/* Writes the value of a pattern letter that is repeated width times. */
static void write_field(
    const struct format *format, char letter, int width, const struct tm *tm, char field[NAME_MAX_LEN])
{
    int number;

    switch (letter) {
    case 'G':
        copy_name(field, format->era);
        return;
    case 'a':
    case 'b':
    case 'B':
        copy_name(field, format->halves[tm->tm_hour / 12]);
        return;
    case 'y':
        number = tm->tm_year + 1900;
        break;
    case 'M':
    case 'L':
        if (width > 2) {
            copy_name(field, format->months[tm->tm_mon]);
            return;
        }
        number = tm->tm_mon + 1;
        break;
    case 'd':
        number = tm->tm_mday;
        break;
    case 'h':
        number = (tm->tm_hour + 11) % 12 + 1;
        break;
    case 'K':
        number = tm->tm_hour % 12;
        break;
    case 'k':
        number = (tm->tm_hour + 23) % 24 + 1;
        break;
    case 'm':
        number = tm->tm_min;
        break;
    default:
        number = tm->tm_hour;
    }
    snprintf(field, NAME_MAX_LEN, "%0*d", letter == 'y' ? 1 : width, number);
}

static void write_date(const struct format *format, const struct tm *tm, char date[DATE_MAX])
{
    size_t len = 0;
    bool is_quoted = false;

    for (const char *c = format->pattern; *c != '\0';) {
        char field[NAME_MAX_LEN];
        int width = 1;

        if (*c == '\'' && c[1] == '\'') {
            len = append(date, len, c, 1);
            c += 2;
        } else if (*c == '\'') {
            is_quoted = !is_quoted;
            c++;
        } else if (is_quoted || strchr(letters, *c) == NULL) {
            len = append(date, len, c++, 1);
        } else {
            while (c[width] == *c)
                width++;
            write_field(format, *c, width, tm, field);
            len = append(date, len, field, strlen(field));
            c += width;
        }
    }
    append(date, len, " UTC", strlen(" UTC"));
}

bool date_format(
    const struct date_formats *formats, const char *moment, const char *culture, char date[DATE_MAX])
{
    struct tm tm = {.tm_isdst = 0};
    const char *rest = strptime(moment, "%Y-%m-%dT%H:%M:%S", &tm);
    size_t found = culture != NULL ? language_lookup(culture, formats->tags, formats->count) : formats->count;

    if (rest == NULL || (*rest != '.' && *rest != 'Z') || rest[strlen(rest) - 1] != 'Z')
        return false;
    write_date(&formats->formats[found < formats->count ? found : 0], &tm, date);
    return true;
}
