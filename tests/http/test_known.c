#include <criterion/criterion.h>
#include <criterion/logging.h>
#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "fixture.h"

/* Whether an address is known, as that of a member of some other account, is nobody's business: who invites
 * it cannot tell. What the answer says of the person is the person's, and not what was sent, where they are
 * known already; nothing else differs. */

#define PAIRS 150

static PGconn *pg;
static struct account *account, *other;
static struct server *server;

static void set_up(void)
{
    char *url = server_database_url(database_url());

    pg = database_connect(database_url());
    account = account_make(pg, "Client");
    other = account_make(pg, "Client");
    server = server_start(url, NULL);
    free(url);
}

static void tear_down(void)
{
    server_end(server);
    account_free(account);
    account_free(other);
    PQfinish(pg);
}

TestSuite(known, .init = set_up, .fini = tear_down, .timeout = 300);

/* Two addresses of one length: the first of a member of the other account, of the name that create_body
 * sends, and the other nobody's. */
static void make_emails(char *emails[2])
{
    char *tail = new_email(), *body;

    cr_assert_geq(asprintf(&emails[0], "k%s", tail), 0);
    cr_assert_geq(asprintf(&emails[1], "n%s", tail), 0);
    body = create_body(emails[0], other->id, NULL);
    free(database_query(pg, "select api.create_account_user($1::jsonb)", body, NULL));
    free(body);
    free(tail);
}

/* Puts a 0 in the place of each digit of ids and times, and of each character of the code. */
static void mask(char *text)
{
    char *code = strstr(text, "/invitations/AUSR-");

    for (char *at = text; *at != '\0'; at++) {
        if (isdigit((unsigned char)*at))
            *at = '0';
    }
    if (code == NULL)
        return;
    for (code += strlen("/invitations/AUSR-0000-0000-0000/"); *code != '"'; code++)
        *code = '0';
}

static struct answer invite(const char *path, const char *email)
{
    char *body = create_body(email, NULL, NULL);
    struct answer answer = request_json(server, "POST", path, account->token, body);

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

Test(known, people_get_the_same_answer)
{
    char *of_account;
    const char *paths[] = {ACCOUNT_USERS, NULL};

    cr_assert_geq(asprintf(&of_account, "/public/v1/accounts/accounts/%s/users", account->id), 0);
    paths[1] = of_account;
    for (size_t i = 0; i < 2; i++) {
        char *emails[2], *texts[2], *headers[2];

        make_emails(emails);
        for (size_t k = 0; k < 2; k++) {
            struct answer answer = invite(paths[i], emails[k]);

            cr_assert_eq(answer.status, 201, "%ld %s", answer.status, answer.text);
            texts[k] = masked(answer.text, emails[k]);
            headers[k] = masked(answer.headers, emails[k]);
            answer_free(&answer);
            free(emails[k]);
        }
        cr_expect_str_eq(texts[0], texts[1]);
        cr_expect_str_eq(headers[0], headers[1]);
        for (size_t k = 0; k < 2; k++) {
            free(texts[k]);
            free(headers[k]);
        }
    }
    free(of_account);
}

Test(known, people_keep_the_name_that_they_have)
{
    char *emails[2], *body, *renamed;
    json_t *sent;
    struct answer answer;

    make_emails(emails);
    body = create_body(emails[0], NULL, NULL);
    sent = json_loads(body, 0, NULL);
    json_object_set_new(json_object_get(sent, "user"), "firstName", json_string("Bob"));
    renamed = json_dumps(sent, JSON_COMPACT);
    answer = post(server, account->token, renamed);
    cr_expect_eq(answer.status, 201, "%s", answer.text);
    cr_expect_str_eq(answer_text(&answer, "user", "name", NULL), "Ann Lee");
    answer_free(&answer);
    free(renamed);
    json_decref(sent);
    free(body);
    free(emails[0]);
    free(emails[1]);
}

static double milliseconds_of(const char *email)
{
    struct timespec begin, end;
    struct answer answer;

    clock_gettime(CLOCK_MONOTONIC, &begin);
    answer = invite(ACCOUNT_USERS, email);
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

/* Asked in turn, so that whatever else the machine does falls upon both, and each as often first. */
Test(known, people_take_no_other_time)
{
    double known[PAIRS] = {0}, new[PAIRS] = {0}, of_known, of_new;

    for (size_t i = 0; i < PAIRS; i++) {
        double *times[] = {known, new};
        char *emails[2];

        make_emails(emails);
        for (size_t k = 0; k < 2; k++)
            times[(i + k) % 2][i] = milliseconds_of(emails[(i + k) % 2]);
        free(emails[0]);
        free(emails[1]);
    }
    of_known = median(known);
    of_new = median(new);
    cr_log_info("medians of %d: known %.2f ms, new %.2f ms", PAIRS, of_known, of_new);
    cr_expect_lt(of_known, 1.5 * of_new, "known %.2f ms, new %.2f ms", of_known, of_new);
    cr_expect_lt(of_new, 1.5 * of_known, "known %.2f ms, new %.2f ms", of_known, of_new);
}
