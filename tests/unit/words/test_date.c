#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unicode/udat.h>
#include <unicode/uloc.h>
#include <unicode/ustring.h>

#include "base/count.h"
#include "words/date.h"

Test(date, follows_the_language_and_the_culture)
{
    static const struct {
        const char *language, *culture, *date;
    } rows[] = {
        {"en", NULL, "December 2, 2026 at 3:04 PM UTC"},
        {"en", "en-GB", "2 December 2026 at 15:04 UTC"},
        {"en", "EN-gb-scotland", "2 December 2026 at 15:04 UTC"},
        {"en", "de-DE", "December 2, 2026 at 3:04 PM UTC"},
        {"en", "enx", "December 2, 2026 at 3:04 PM UTC"},
        {"en", "no such culture", "December 2, 2026 at 3:04 PM UTC"},
        {"en-GB", NULL, "2 December 2026 at 15:04 UTC"},
        {"de", NULL, "2. Dezember 2026 um 15:04 UTC"},
        {"de", "DE-at", "2. Dezember 2026 um 15:04 UTC"},
        {"fr", "", "2 décembre 2026 à 15:04 UTC"},
        {"es", "es-MX", "2 de diciembre de 2026, 15:04 UTC"},
        {"pl", NULL, "2 grudnia 2026 15:04 UTC"},
        {"ja", NULL, "2026年12月2日 15:04 UTC"},
    };
    char date[DATE_MAX];

    for (size_t i = 0; i < COUNT(rows); i++) {
        struct date_formats *formats = date_formats_load(rows[i].language);

        cr_assert_not_null(formats, "%s", rows[i].language);
        cr_assert(date_format(formats, "2026-12-02T15:04:05.678Z", rows[i].culture, date));
        cr_expect_str_eq(date, rows[i].date, "%s %s: %s", rows[i].language, rows[i].culture, date);
        date_formats_free(formats);
    }
}

/* ICU's own text, with ordinary spaces. */
static void write_by_icu(const char *locale, UDate moment, char date[DATE_MAX])
{
    UErrorCode status = U_ZERO_ERROR;
    char whole[ULOC_FULLNAME_CAPACITY];
    UChar text[DATE_MAX];
    UDateFormat *format;
    int32_t len;

    snprintf(whole, sizeof(whole), "%s@calendar=gregorian;numbers=latn", locale);
    format = udat_open(UDAT_SHORT, UDAT_LONG, whole, u"UTC", -1, NULL, 0, &status);
    len = udat_format(format, moment, text, DATE_MAX, NULL, &status);
    for (int32_t i = 0; i < len; i++)
        text[i] = text[i] == 0x202f ? ' ' : text[i];
    u_strToUTF8(date, DATE_MAX - 5, NULL, text, len, &status);
    cr_assert(U_SUCCESS(status), "%s: %s", locale, u_errorName(status));
    udat_close(format);
    memcpy(date + strlen(date), " UTC", sizeof(" UTC"));
}

TestSuite(date, .timeout = 120);

Test(date, is_what_icu_writes)
{
    static const char *const languages[] = {"en", "de", "fr", "es", "it", "nl", "pt", "pl", "cs", "sv", "ru",
        "el", "tr", "he", "ar", "th", "ja", "ko"};
    /* Hours at both ends of each half of a day; the first and the last day; each month once in each half. */
    static const struct {
        const char *text;
        struct tm tm;
    } moments[] = {
        {"2026-01-01T00:00:00Z", {.tm_year = 126, .tm_mon = 0, .tm_mday = 1}},
        {"2028-02-29T11:59:59Z", {.tm_year = 128, .tm_mon = 1, .tm_mday = 29, .tm_hour = 11, .tm_min = 59}},
        {"2026-05-10T12:00:00Z", {.tm_year = 126, .tm_mon = 4, .tm_mday = 10, .tm_hour = 12}},
        {"2099-12-31T23:07:00.999Z",
            {.tm_year = 199, .tm_mon = 11, .tm_mday = 31, .tm_hour = 23, .tm_min = 7}},
    };
    size_t compared = 0;

    for (size_t i = 0; i < COUNT(languages); i++) {
        struct date_formats *formats = date_formats_load(languages[i]);

        cr_assert_not_null(formats, "%s", languages[i]);
        for (int32_t l = 0; l < uloc_countAvailable(); l++) {
            UErrorCode status = U_ZERO_ERROR;
            const char *locale = uloc_getAvailable(l);
            size_t len = strlen(languages[i]);
            char tag[64];

            if (strncmp(locale, languages[i], len) != 0 || (locale[len] != '_' && locale[len] != '\0'))
                continue;
            uloc_toLanguageTag(locale, tag, sizeof(tag), true, &status);
            for (size_t m = 0; m < COUNT(moments); m++) {
                char expected[DATE_MAX], date[DATE_MAX];
                struct tm tm = moments[m].tm;

                write_by_icu(locale, (UDate)timegm(&tm) * 1000, expected);
                cr_assert(date_format(formats, moments[m].text, tag, date));
                cr_expect_str_eq(date, expected, "%s: %s, not %s", locale, date, expected);
                compared++;
            }
        }
        date_formats_free(formats);
    }
    cr_expect_gt(compared, 800);
}

Test(date, accepts_only_utc)
{
    static const char *const moments[] = {"", "2026-12-02", "2026-12-02T03:04Z", "2026-12-02T03:04:05",
        "2026-12-02T03:04:05+01:00", "2026-13-02T03:04:05Z", "tomorrow Z"};
    struct date_formats *formats = date_formats_load("en");
    char date[DATE_MAX];

    for (size_t i = 0; i < COUNT(moments); i++)
        cr_expect_not(date_format(formats, moments[i], NULL, date), "taken: %s", moments[i]);
    cr_expect(date_format(formats, "2026-12-02T03:04:05Z", NULL, date));
    date_formats_free(formats);
}
