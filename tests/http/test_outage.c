#include <criterion/criterion.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>

#include "fixture.h"

/* A PostgreSQL of the test's own, since it is killed; not a throwaway one, since what it has acknowledged
 * must be there when it comes back. */

#define TRIES 300

TestSuite(outage, .timeout = 240);

static void sleep_ms(long ms)
{
    nanosleep(&(struct timespec){.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000}, NULL);
}

__attribute__((format(printf, 1, 2))) static void run(const char *format, ...)
{
    char command[1024];
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(command, sizeof(command), format, arguments);
    va_end(arguments);
    cr_assert_eq(system(command), 0, "%s", command);
}

static char *output_of(const char *command)
{
    FILE *pipe = popen(command, "r");
    char line[1024] = "";

    cr_assert_not_null(pipe);
    cr_assert_not_null(fgets(line, sizeof(line), pipe), "%s", command);
    pclose(pipe);
    line[strcspn(line, "\n")] = '\0';
    return strdup(line);
}

/* Posts until the status comes. */
static void await_status(const struct server *server, const char *token, const char *body, long status)
{
    char *log;

    for (int i = 0; i < TRIES; i++) {
        struct answer answer = post(server, token, body);
        bool came = answer.status == status;

        answer_free(&answer);
        if (came)
            return;
        sleep_ms(50);
    }
    log = server_log(server);
    cr_expect_fail("%ld did not come: %s", status, log);
    free(log);
}

Test(outage, the_database_is_killed_and_comes_back)
{
    const char *test_dir = getenv("TEST_DIR");
    char dir[512], command[600];
    struct account *account;
    struct server *server;
    char *url, *server_url, *body = create_body("outage@example.com", NULL, NULL);
    PGconn *pg;

    cr_assert_not_null(test_dir, "TEST_DIR is not set: scripts/test sets it");
    snprintf(dir, sizeof(dir), "%s/outage", test_dir);
    run("scripts/postgres start '%s' >'%s-start.log' 2>&1", dir, dir);
    snprintf(command, sizeof(command), "scripts/postgres url '%s'", dir);
    url = output_of(command);
    run("DATABASE_URL='%s' scripts/migrate >'%s-migrate.log' 2>&1", url, dir);
    pg = database_connect(url);
    account = account_make(pg, "Client");
    PQfinish(pg);
    server_url = server_database_url(url);
    server = server_start(server_url, NULL);

    for (int round = 0; round < 2; round++) {
        struct answer answer;
        char *retry_after;

        await_status(server, account->token, body, 201);
        run("scripts/postgres stop '%s' immediate", dir);
        /* The first request after may find out; from then on the answer is at once. */
        await_status(server, account->token, body, 503);
        answer = post(server, account->token, body);
        retry_after = answer_header(&answer, "retry-after");
        cr_expect_eq(answer.status, 503, "%ld %s", answer.status, answer.text);
        cr_expect_str_eq(retry_after, "1");
        free(retry_after);
        answer_free(&answer);
        /* What needs no database is served all the same. */
        answer = post(server, account->token, "{}");
        cr_expect_eq(answer.status, 400);
        answer_free(&answer);
        run("scripts/postgres start '%s' >>'%s-start.log' 2>&1", dir, dir);
        await_status(server, account->token, body, 201);
    }
    server_end(server);
    run("scripts/postgres stop '%s' immediate && scripts/postgres remove '%s'", dir, dir);
    account_free(account);
    free(server_url);
    free(url);
    free(body);
}
