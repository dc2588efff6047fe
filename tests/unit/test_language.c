#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "language.h"

static const char *const tags[] = {"de", "en", "es", "fr", "pt-BR", "zh-Hant"};

#define COUNT (sizeof(tags) / sizeof(tags[0]))

static const char *tag_at(size_t index)
{
    return index < COUNT ? tags[index] : "none";
}

struct row {
    const char *wanted, *found;
};

Test(language, looks_a_tag_up)
{
    static const struct row rows[] = {
        {"de", "de"},
        {"DE", "de"},
        {"de-AT", "de"},
        {"de-Latn-AT-1996", "de"},
        {"de-x-mine", "de"},
        {"de-a-foo-b-bar", "de"},
        {"pt-BR", "pt-BR"},
        {"pt-br-x-y", "pt-BR"},
        {"pt", "none"},
        {"pt-PT", "none"},
        {"zh-hant-TW", "zh-Hant"},
        {"zh-TW", "none"},
        {"x-de", "none"},
        {"den", "none"},
        {"d", "none"},
        {"", "none"},
        {"-", "none"},
        {"--", "none"},
        {"-de", "none"},
        {"de-", "de"},
        {"de--", "de"},
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        cr_expect_str_eq(
            tag_at(language_lookup(rows[i].wanted, tags, COUNT)), rows[i].found, "%s", rows[i].wanted);
}

Test(language, minds_what_a_browser_accepts)
{
    static const struct row rows[] = {
        {"de", "de"},
        {"de-AT", "de"},
        {"de-AT,en;q=0.5", "de"},
        {"fr-CA,fr;q=0.9,en;q=0.8", "fr"},
        {"de;q=0.5,fr;q=0.7", "fr"},
        {"fr;q=0,de;q=0.1", "de"},
        {"fr;q=0", "none"},
        {" fr ; q = 0.5 , es", "es"},
        {"ja,ko;q=0.9,es;q=0.1", "es"},
        {"pt-BR", "pt-BR"},
        {"i-klingon,de", "de"},
        {"*", "none"},
        {"ja,*;q=0.5", "none"},
        {"", "none"},
        {",,,", "none"},
        {"de;q=x,fr", "none"},
        {"garbage///;;;,,,", "none"},
        {"\x01\xff\xfe", "none"},
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        cr_expect_str_eq(
            tag_at(language_accept(rows[i].wanted, tags, COUNT)), rows[i].found, "%s", rows[i].wanted);
}

Test(language, bears_long_headers)
{
    char header[8193];

    for (size_t i = 0; i < sizeof(header) - 1; i++)
        header[i] = "ja-JP,ko;q=0.5,"[i % 15];
    header[sizeof(header) - 1] = '\0';
    cr_expect_eq(language_accept(header, tags, COUNT), COUNT);
    memcpy(header + sizeof(header) - 4, ",es", 3);
    cr_expect_str_eq(tag_at(language_accept(header, tags, COUNT)), "es");
    memset(header, 'a', sizeof(header) - 1);
    cr_expect_eq(language_accept(header, tags, COUNT), COUNT);
    cr_expect_eq(language_lookup(header, tags, COUNT), COUNT);
}

Test(language, knows_where_writing_begins)
{
    cr_expect(language_is_rtl("ar"));
    cr_expect(language_is_rtl("he-IL"));
    cr_expect_not(language_is_rtl("de"));
    cr_expect_not(language_is_rtl("not a tag"));
}

Test(language, writes_dates)
{
    static const struct {
        const char *language, *culture, *date;
    } rows[] = {
        {"en", NULL, "December 2, 2026 at 3:04 AM UTC"},
        {"en", "en-GB", "2 December 2026 at 03:04 UTC"},
        {"en", "de-DE", "December 2, 2026 at 3:04 AM UTC"},
        {"en", "enx", "December 2, 2026 at 3:04 AM UTC"},
        {"en", "en-no such culture", "December 2, 2026 at 3:04 AM UTC"},
        {"de", NULL, "2. Dezember 2026 um 03:04 UTC"},
        {"de", "DE-at", "2. Dezember 2026 um 03:04 UTC"},
        {"fr", "", "2 décembre 2026 à 03:04 UTC"},
        {"es", "es-MX", "2 de diciembre de 2026, 03:04 UTC"},
    };
    char date[LANGUAGE_DATE_MAX];

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        cr_assert(language_format_date("2026-12-02T03:04:05.678Z", rows[i].language, rows[i].culture, date));
        cr_expect_str_eq(date, rows[i].date);
    }
}

Test(language, takes_only_moments_in_utc)
{
    static const char *const moments[] = {"", "2026-12-02", "2026-12-02T03:04Z", "2026-12-02T03:04:05",
        "2026-12-02T03:04:05+01:00", "2026-13-02T03:04:05Z", "tomorrow Z"};
    char date[LANGUAGE_DATE_MAX];

    for (size_t i = 0; i < sizeof(moments) / sizeof(moments[0]); i++)
        cr_expect_not(language_format_date(moments[i], "en", NULL, date), "taken: %s", moments[i]);
    cr_expect(language_format_date("2026-12-02T03:04:05Z", "en", NULL, date));
}
