#include <criterion/criterion.h>
#include <string.h>

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
        {"th", "th-TH-u-ca-buddhist-nu-thai", "2 ธันวาคม ค.ศ. 2026 เวลา 15:04 UTC"},
        {"ar", "ar-EG", "2 ديسمبر 2026 في 3:04 م UTC"},
        {"fa", NULL, "2 دسامبر 2026 ساعت 15:04 UTC"},
        {"sr", "sr-Latn-RS", "2. decembar 2026. 15:04 UTC"},
        {"de", "de-u-hc-h12", "2. Dezember 2026 um 15:04 UTC"},
    };
    char date[DATE_MAX];

    for (size_t i = 0; i < COUNT(rows); i++) {
        cr_assert(date_format(rows[i].language, "2026-12-02T15:04:05.678Z", rows[i].culture, date));
        cr_expect_str_eq(date, rows[i].date, "%s %s: %s", rows[i].language, rows[i].culture, date);
    }
}

Test(date, takes_only_moments_in_utc)
{
    static const char *const moments[] = {"", "2026-12-02", "2026-12-02T03:04Z", "2026-12-02T03:04:05",
        "2026-12-02T03:04:05+01:00", "2026-13-02T03:04:05Z", "tomorrow Z"};
    char date[DATE_MAX];

    for (size_t i = 0; i < COUNT(moments); i++)
        cr_expect_not(date_format("en", moments[i], NULL, date), "taken: %s", moments[i]);
    cr_expect(date_format("en", "2026-12-02T03:04:05Z", NULL, date));
}
