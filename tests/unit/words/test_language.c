#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "base/count.h"
#include "words/language.h"

static const char *const tags[] = {"de", "en", "es", "fr", "pt-BR", "zh-Hant"};

static const char *tag_at(size_t index)
{
    return index < COUNT(tags) ? tags[index] : "none";
}

struct row {
    const char *wanted, *found;
};

Test(language, looks_up_a_tag)
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

    for (size_t i = 0; i < COUNT(rows); i++)
        cr_expect_str_eq(
            tag_at(language_lookup(rows[i].wanted, tags, COUNT(tags))), rows[i].found, "%s", rows[i].wanted);
}

Test(language, follows_accept_language)
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
        {"de;q=x,fr", "fr"},
        {"de;q=2,fr;q=0.1", "fr"},
        {"de;q=1.001,fr;q=0.001", "fr"},
        {"de;q=-1,fr;q=0.5", "fr"},
        {"de;level=1,fr;q=0.5", "fr"},
        {"de;q=0.5;x=y,fr;q=0.4", "fr"},
        {"de;Q=1.000,fr", "de"},
        {"de;q=0.1234567890123,fr;q=0.12", "de"},
        {"de;q=.5,fr;q=0.", "none"},
        {"fr de", "none"},
        {"*, fr;q=0.1", "fr"},
        {"garbage///;;;,,,", "none"},
        {"\x01\xff\xfe", "none"},
    };

    for (size_t i = 0; i < COUNT(rows); i++)
        cr_expect_str_eq(
            tag_at(language_accept(rows[i].wanted, tags, COUNT(tags))), rows[i].found, "%s", rows[i].wanted);
}

Test(language, finds_the_culture_of_accept_language)
{
    static const struct {
        const char *header, *language, *culture;
    } rows[] = {
        {"en-GB,en;q=0.9,de;q=0.8", "en", "en-GB"},
        {"de-AT, EN-au;q=0.9, en-US", "en", "EN-au"},
        {" de ; q=1 ,, de-CH", "de", "de"},
        {"den, d, x-de, de-CH", "de", "de-CH"},
        {"fr", "de", ""},
        {",;,", "de", ""},
        {"", "de", ""},
        {"de-aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", "de", ""},
    };
    char culture[LANGUAGE_CULTURE_MAX];

    for (size_t i = 0; i < COUNT(rows); i++) {
        language_accepted_culture(rows[i].header, rows[i].language, culture);
        cr_expect_str_eq(culture, rows[i].culture);
    }
}

Test(language, accepts_long_headers)
{
    char header[8193];

    for (size_t i = 0; i < sizeof(header) - 1; i++)
        header[i] = "ja-JP,ko;q=0.5,"[i % 15];
    header[sizeof(header) - 1] = '\0';
    cr_expect_eq(language_accept(header, tags, COUNT(tags)), COUNT(tags));
    memcpy(header + sizeof(header) - 4, ",es", 3);
    cr_expect_str_eq(tag_at(language_accept(header, tags, COUNT(tags))), "es");
    memset(header, 'a', sizeof(header) - 1);
    cr_expect_eq(language_accept(header, tags, COUNT(tags)), COUNT(tags));
    cr_expect_eq(language_lookup(header, tags, COUNT(tags)), COUNT(tags));
}
