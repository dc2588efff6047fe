#include <criterion/criterion.h>
#include <criterion/logging.h>
#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/count.h"
#include "harness/service.h"

/* An inviter cannot find out whether an address belongs to a member of another account. Until the person
 * accepts, inviters see what they entered themselves; except for ids, times and the code, responses do not
 * differ, also in dry runs. */

#define PAIRS 150

TestSuite(known, .init = service_set_up, .fini = service_tear_down, .timeout = 300);

/* Two addresses of equal length: that of a member of the other account with different data, and an unknown
 * one. The member has accepted, or not. */
static void make_emails(char *emails[2], bool has_accepted)
{
    char *tail = new_email(), *body, *answer;

    cr_assert_geq(asprintf(&emails[0], "k%s", tail), 0);
    cr_assert_geq(asprintf(&emails[1], "n%s", tail), 0);
    cr_assert_geq(
        asprintf(&body,
            "{\"account\": {\"id\": \"%s\"}, \"user\": {\"email\": \"K%s\", \"firstName\": \"Zacharias\","
            " \"lastName\": \"Quartermain-Featherstone\","
            " \"phone\": {\"prefix\": \"+359\", \"number\": \"88812345\"},"
            " \"settings\": {\"cultureCode\": \"bg-BG\", \"languageCode\": \"bg\"}}}",
            other->id, tail),
        0);
    answer = database_query(pg, "select api.create_account_user($1::jsonb)", body, NULL);
    if (has_accepted) {
        json_auto_t *object = json_loads(answer, 0, NULL);
        struct member *member = member_of(object);

        free(database_query(pg,
            "select api.accept_account_user_invite($1, jsonb_build_object('code', $2::text))", member->id,
            member->code, NULL));
        free(database_query(pg,
            "update accounts.person set icon = 'icon.png' where key = internal.person_key($1)",
            member->user_id, NULL));
        member_free(member);
    }
    free(answer);
    free(body);
    free(tail);
}

/* Replaces each digit of ids and times, and each character of the code, by 0. */
static void mask(char *text)
{
    char *code = strstr(text, "/invitations/AUSR-"), *trace = strstr(text, "traceparent: ");

    for (char *at = text; *at != '\0'; at++) {
        if (isdigit((unsigned char)*at))
            *at = '0';
    }
    /* The trace id of a request is random. */
    if (trace != NULL)
        memset(trace, '0', strcspn(trace, "\r"));
    if (code == NULL)
        return;
    for (code += strlen("/invitations/AUSR-0000-0000-0000/"); *code != '"'; code++)
        *code = '0';
}

static struct answer ask(
    const char *method, const char *path, const char *token, const char *body, const char *prefer)
{
    const char *const headers[] = {"Content-Type: application/json", prefer, NULL};

    return request(server, method, path, token, body, headers);
}

static struct answer invite(const char *path, const char *email, const char *prefer)
{
    struct answer answer;
    char *body;

    cr_assert_geq(asprintf(&body,
                      "{\"user\": {\"email\": \"%s\", \"firstName\": \"Ann\", \"lastName\": \"Lee\","
                      " \"phone\": {\"prefix\": \"+1\", \"number\": null}}}",
                      email),
        0);
    answer = ask("POST", path, account->token, body, prefer);
    free(body);
    return answer;
}

static char *masked(const char *text, const char *email)
{
    char *copy = strdup(text), *at = strstr(copy, email);

    if (at != NULL)
        memset(at, '@', strlen(email));
    mask(copy);
    return copy;
}

/* Compares two answers, headers and body, except for what always differs. */
static void expect_same(const char *what, struct answer answers[2], char *emails[2])
{
    char *texts[2], *headers[2];

    for (size_t k = 0; k < 2; k++) {
        cr_assert(answers[k].status == 200 || answers[k].status == 201, "%s: %ld %s", what, answers[k].status,
            answers[k].text);
        cr_assert_null(strstr(answers[k].text, "Zacharias"), "%s", answers[k].text);
        texts[k] = masked(answers[k].text, emails[k]);
        headers[k] = masked(answers[k].headers, emails[k]);
        answer_free(&answers[k]);
    }
    cr_expect_str_eq(texts[0], texts[1], "%s: %s\n%s", what, texts[0], texts[1]);
    cr_expect_str_eq(headers[0], headers[1], "%s: %s\n%s", what, headers[0], headers[1]);
    for (size_t k = 0; k < 2; k++) {
        free(texts[k]);
        free(headers[k]);
    }
}

/* What the inviter sees of both afterwards: by id, in lists, on the page. */
static void expect_same_views(struct member *members[2], char *emails[2])
{
    static const struct {
        const char *query;
        bool by_email;
    } lists[] = {{"select=+audit,+buyers,+modules&id=", false}, {"email=", true}, {"email=like=", true},
        {"eq(firstName,Ann)&order=lastName&id=", false}, {"eq(phone.prefix,%2B1)&id=", false},
        {"eq(icon,null())&id=", false}, {"settings.languageCode=null()&id=", false}};
    struct answer answers[2];
    char *users;

    for (enum path_form form = PATH_OF_ACCOUNT_USER; form < PATH_FORMS; form++) {
        for (size_t k = 0; k < 2; k++) {
            char *path = member_path(members[k], form, "");

            answers[k] = ask("GET", path, account->token, NULL, NULL);
            free(path);
        }
        expect_same("one", answers, emails);
    }
    cr_assert_geq(asprintf(&users, "/public/v1/accounts/accounts/%s/users", account->id), 0);
    for (size_t i = 0; i < COUNT(lists); i++) {
        for (size_t k = 0; k < 2; k++) {
            char *path;

            cr_assert_geq(asprintf(&path, "%s?%s%s", users, lists[i].query,
                              lists[i].by_email ? emails[k] : members[k]->user_id),
                0);
            answers[k] = ask("GET", path, account->token, NULL, NULL);
            cr_assert_not_null(strstr(answers[k].text, "\"total\" : 1"), "%s: %s", path, answers[k].text);
            free(path);
        }
        expect_same(lists[i].query, answers, emails);
    }
    for (size_t k = 0; k < 2; k++) {
        char *path;

        cr_assert_geq(asprintf(&path, "/invitations/%s/%s", members[k]->id, members[k]->code), 0);
        answers[k] = ask("GET", path, NULL, NULL, NULL);
        free(path);
    }
    expect_same("page", answers, emails);
    free(users);
}

Test(known, people_and_unknown_ones_get_the_same_answer)
{
    static const char *const prefer[] = {"Prefer: tx=rollback", NULL};
    char *of_account;
    const char *paths[] = {ACCOUNT_USERS, NULL};

    cr_assert_geq(asprintf(&of_account, "/public/v1/accounts/accounts/%s/users", account->id), 0);
    paths[1] = of_account;
    for (size_t i = 0; i < 8; i++) {
        struct answer answers[2];
        char *emails[2];

        make_emails(emails, (i & 1) != 0);
        for (size_t k = 0; k < 2; k++)
            answers[k] = invite(paths[i >> 1 & 1], emails[k], prefer[i >> 2]);
        if (prefer[i >> 2] == NULL && (i >> 1 & 1) == 0) {
            struct member *members[] = {member_of(answers[0].body), member_of(answers[1].body)};

            expect_same_views(members, emails);
            member_free(members[0]);
            member_free(members[1]);
        }
        expect_same(prefer[i >> 2] != NULL ? "a dry run" : "in earnest", answers, emails);
        free(emails[0]);
        free(emails[1]);
    }
    free(of_account);
}

static double milliseconds_of(const char *email, const char *prefer)
{
    struct timespec begin, end;
    struct answer answer;

    clock_gettime(CLOCK_MONOTONIC, &begin);
    answer = invite(ACCOUNT_USERS, email, prefer);
    clock_gettime(CLOCK_MONOTONIC, &end);
    cr_assert_eq(answer.status, 201, "%ld %s", answer.status, answer.text);
    answer_free(&answer);
    return (double)(end.tv_sec - begin.tv_sec) * 1e3 + (double)(end.tv_nsec - begin.tv_nsec) / 1e6;
}

static int by_size(const void *a, const void *b)
{
    double left = *(const double *)a, right = *(const double *)b;

    return (left > right) - (left < right);
}

static double median(double times[PAIRS])
{
    qsort(times, PAIRS, sizeof(times[0]), by_size);
    return times[PAIRS / 2];
}

/* Asked alternately, so that other load on the machine affects both, and each first equally often. */
static void expect_same_time(const char *prefer)
{
    double known[PAIRS] = {0}, new[PAIRS] = {0}, of_known, of_new;

    for (size_t i = 0; i < PAIRS; i++) {
        double *times[] = {known, new};
        char *emails[2];

        make_emails(emails, true);
        for (size_t k = 0; k < 2; k++)
            times[(i + k) % 2][i] = milliseconds_of(emails[(i + k) % 2], prefer);
        free(emails[0]);
        free(emails[1]);
    }
    of_known = median(known);
    of_new = median(new);
    cr_log_info("medians of %d: known %.2f ms, new %.2f ms", PAIRS, of_known, of_new);
    cr_expect_lt(of_known, 1.5 * of_new, "known %.2f ms, new %.2f ms", of_known, of_new);
    cr_expect_lt(of_new, 1.5 * of_known, "known %.2f ms, new %.2f ms", of_known, of_new);
}

Test(known, people_and_unknown_ones_take_the_same_time)
{
    expect_same_time(NULL);
}

Test(known, people_and_unknown_ones_take_the_same_time_in_a_dry_run)
{
    expect_same_time("Prefer: tx=rollback");
}
