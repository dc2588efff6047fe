#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/count.h"
#include "harness/service.h"

/* One mailbox is one person, however its address is spelled; a name is stored and searched in the form
 * that people see. */

TestSuite(spelling, .init = service_set_up, .fini = service_tear_down, .timeout = 120);

static struct answer invite(const struct account *by, const char *email, const char *first_name)
{
    json_auto_t *body =
        json_pack("{s:{s:s, s:s, s:s}}", "user", "email", email, "firstName", first_name, "lastName", "Lee");
    char *text = json_dumps(body, JSON_COMPACT);
    struct answer answer = post(server, by->token, text);

    free(text);
    return answer;
}

static const char *string_at(const json_t *object, const char *member, const char *key)
{
    const char *text = json_string_value(json_object_get(json_object_get(object, member), key));

    return text != NULL ? text : "";
}

/* Whether two spellings, used by two accounts, lead to one person. An unused number is put before both. */
static void expect_people(const char *one, const char *another, bool is_same)
{
    static unsigned number;
    const char *const spellings[] = {one, another};
    const struct account *const inviters[] = {account, other};
    struct answer answers[2];
    long now = (long)time(NULL);

    number++;
    for (size_t i = 0; i < 2; i++) {
        char email[256];

        snprintf(email, sizeof(email), "%ld.%d.%u.%s", now, getpid(), number, spellings[i]);
        answers[i] = invite(inviters[i], email, "Ann");
        cr_assert_eq(answers[i].status, 201, "%s: %s", email, answers[i].text);
    }
    cr_expect_eq(
        strcmp(string_at(answers[0].body, "user", "id"), string_at(answers[1].body, "user", "id")) == 0,
        is_same, "%s and %s are %s", one, another, is_same ? "two" : "one");
    answer_free(&answers[0]);
    answer_free(&answers[1]);
}

Test(spelling, of_one_mailbox_is_one_person)
{
    expect_people("x@m\u00fcnchen.example", "x@xn--mnchen-3ya.example", true);
    expect_people("x@XN--MNCHEN-3YA.example", "x@M\u00dcNCHEN.EXAMPLE", true);
    expect_people("x@m\u00fcnchen.example", "x@mu\u0308nchen.example", true);
    expect_people("\u039f\u0394\u039f\u03a3@example.com", "\u03bf\u03b4\u03bf\u03c3@example.com", true);
    expect_people("\u039f\u0394\u039f\u03a3@example.com", "\u03bf\u03b4\u03bf\u03c2@example.com", true);
    expect_people("x@example\u3002com", "X@EXAMPLE.COM", true);
    expect_people("x@\uff45xample.com", "x@example.com", true);
    expect_people("x@\u212aiosk.example", "x@kiosk.example", true);
    expect_people("JOS\u00c9@example.com", "jose\u0301@example.com", true);
}

Test(spelling, of_two_mailboxes_is_two_people)
{
    expect_people("\u017f@example.com", "s@example.com", false);
    expect_people("\u0131@example.com", "i@example.com", false);
    expect_people("\u0130@example.com", "i@example.com", false);
    expect_people("\u00df@example.com", "ss@example.com", false);
    expect_people("\uff4b@example.com", "k@example.com", false);
    expect_people("x@fa\u00df.example", "x@fass.example", false);
}

static void expect_refused(const char *email, const char *first_name, const char *field, const char *message)
{
    struct answer answer = invite(account, email, first_name);
    const json_t *messages = json_object_get(json_object_get(answer.body, "errors"), field);

    cr_expect_eq(answer.status, 400, "%s, %s: %s", email, first_name, answer.text);
    cr_expect_eq(json_array_size(messages), 1, "%s", answer.text);
    cr_expect_str_eq(json_string_value(json_array_get(messages, 0)), message);
    answer_free(&answer);
}

Test(spelling, of_an_invalid_mailbox_is_refused)
{
    static const char idna[] = "has a domain name that IDNA 2008 refuses", none[] = "is not an email address";

    expect_refused("x@xn--zz.example", "Ann", "user.email", idna);
    expect_refused("x@xn--abc-.example", "Ann", "user.email", idna);
    expect_refused("x@i\u2665ny.example", "Ann", "user.email", idna);
    expect_refused("x@exam\ufe0fple.com", "Ann", "user.email", idna);
    expect_refused("x@exam\u00adple.com", "Ann", "user.email", idna);
    expect_refused("x@\u05d0a.example", "Ann", "user.email", idna);
    /* NFC maps this to a K. */
    expect_refused("\u212aate@example.com", "Ann", "user.email", none);
    expect_refused("a\u034fnn@example.com", "Ann", "user.email", none);
    expect_refused("ann\ufe0f@example.com", "Ann", "user.email", none);
    expect_refused("a\u3164nn@example.com", "Ann", "user.email", none);
}

Test(spelling, of_an_invisible_name_is_refused)
{
    static const char *const blank[] = {"\u200b", "\u00ad", "\u034f", "\u115f", "\u17b4", "\u2800", "\u3164",
        "\ufe0f", "\uffa0", "\U000e0001", "\u0301", " \u200b\u2800 \u0301"};
    static const char *const nobody[] = {"Ann\ufffe", "\uffff", "A\ufdd0nn", "Ann\ufdef", "\U0010ffff"};

    for (size_t i = 0; i < COUNT(blank); i++)
        expect_refused("x@example.com", blank[i], "user.firstName", "is empty");
    for (size_t i = 0; i < COUNT(nobody); i++)
        expect_refused("x@example.com", nobody[i], "user.firstName", "has a noncharacter");
}

#define FAMILY "\U0001f468\u200d\U0001f469\u200d\U0001f467\u200d\U0001f466"
#define FIVE_FAMILIES FAMILY FAMILY FAMILY FAMILY FAMILY

Test(spelling, counts_user_perceived_characters)
{
    char *email = new_email();
    struct answer answer = invite(account, email, FIVE_FAMILIES FIVE_FAMILIES FIVE_FAMILIES);

    cr_expect_eq(answer.status, 201, "%s", answer.text);
    cr_expect_str_eq(
        string_at(answer.body, "user", "name"), FIVE_FAMILIES FIVE_FAMILIES FIVE_FAMILIES " Lee");
    answer_free(&answer);
    free(email);
}

static void expect_found(const char *filter, const char *id)
{
    char path[512];

    snprintf(path, sizeof(path), ACCOUNT_USERS "?%s", filter);
    struct answer answer = request(server, "GET", path, account->token, NULL, NULL);
    const json_t *data = json_object_get(answer.body, "data");

    cr_assert_eq(answer.status, 200, "%s: %s", filter, answer.text);
    cr_assert_eq(json_array_size(data), 1, "%s: %s", filter, answer.text);
    cr_expect_str_eq(json_string_value(json_object_get(json_array_get(data, 0), "id")), id);
    answer_free(&answer);
}

Test(spelling, is_normalized_in_searches)
{
    struct answer answer = invite(account, "Zoe\u0308@mu\u0308nchen.example", " Zoe\u0308 ");
    const char *id = json_string_value(json_object_get(answer.body, "id"));

    cr_assert_eq(answer.status, 201, "%s", answer.text);
    cr_expect_str_eq(string_at(answer.body, "user", "name"), "Zo\u00eb Lee");
    expect_found("user.name=Zo%C3%AB%20Lee", id);
    expect_found("user.name=Zoe%CC%88%20Lee", id);
    expect_found("like(user.name,Zoe%CC%88*)", id);
    expect_found("ilike(user.name,ZOE%CC%88*)", id);
    expect_found("in(user.name,(x,Zoe%CC%88%20Lee))", id);
    expect_found("user.email=ZO%C3%8B@xn--mnchen-3ya.example", id);
    expect_found("user.email=zoe%CC%88@M%C3%9CNCHEN.example", id);
    answer_free(&answer);
}
