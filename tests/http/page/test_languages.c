#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "base/count.h"
#include "page.h"

/* The language of the page is the browser's. */

Test(page, is_in_the_language_of_accept_language)
{
    static const struct {
        const char *accepted, *language;
    } rows[] = {
        {NULL, "en"},
        {"de", "de"},
        {"fr-CA,fr;q=0.9,en;q=0.8", "fr"},
        {"nl;q=1, es;q=0.2, de;q=0.1", "es"},
        {"de;q=0, fr;q=0.1", "fr"},
        {"nl", "en"},
        {"*", "en"},
        {"nl, *;q=0.5", "en"},
        {"garbage;;;///,,,q=q", "en"},
        {"\xff\xfe", "en"},
        {"../../etc/passwd", "en"},
    };
    struct member *member = member_invite_new(server, account);
    char long_header[8193], *log;
    struct answer answer;

    for (size_t i = 0; i < COUNT(rows); i++) {
        char lang[32];

        answer = page_ask_member("GET", member, rows[i].accepted);
        snprintf(lang, sizeof(lang), "<html lang=\"%s\" ", rows[i].language);
        cr_expect_not_null(strstr(answer.text, lang), "%s: %.80s", rows[i].accepted, answer.text);
        expect_header(&answer, "content-language", rows[i].language);
        expect_page(&answer, 200, "open");
    }
    for (size_t i = 0; i < sizeof(long_header) - 1; i++)
        long_header[i] = "ja-JP,ko;q=0.5,"[i % 15];
    memcpy(long_header + sizeof(long_header) - 4, ",de", 4);
    answer = page_ask_member("GET", member, long_header);
    expect_header(&answer, "content-language", "de");
    expect_page(&answer, 200, "open");
    answer = page_ask("GET", "/invitations/x", "es");
    expect_header(&answer, "content-language", "es");
    expect_page(&answer, 404, "wrong");

    log = server_log(server);
    cr_expect_null(strstr(log, member->code), "the code is in the log");
    cr_expect_not_null(strstr(log, "\"route\":\"/invitations/{accountUser}/{code}\""), "%s", log);
    free(log);
    member_free(member);
}

Test(page, dates_follow_the_browsers_culture)
{
    struct member *member = member_invite_new(server, account);
    struct answer answer;

    free(database_query(pg,
        "update accounts.invitation set expires_at = '2099-12-02 15:04:05.678Z' where account_user_key = "
        "internal.account_user_key($1)",
        member->id, NULL));
    answer = page_ask_member("GET", member, "en-GB, en-US;q=0.5");
    cr_expect_not_null(strstr(answer.text, "2 December 2099 at 15:04 UTC"), "%s", answer.text);
    answer_free(&answer);
    answer = page_ask_member("GET", member, "de-AT");
    cr_expect_not_null(strstr(answer.text, "2. Dezember 2099 um 15:04 UTC"), "%s", answer.text);
    answer_free(&answer);
    member_free(member);
}
