#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "trouble.h"

/* Each refusal of the queue is counted under its own reason. */

TestSuite(queue, .timeout = 60);

/* "full,away,expired": how many requests were refused so; the caller frees it. */
static char *refused_tokens(const struct server *server)
{
    static const char *const reasons[] = {"full", "away", "expired"};
    struct responder answer = telemetry_get(server, "/metrics");
    char *text = NULL, line[96];
    size_t size;
    FILE *out = open_memstream(&text, &size);

    for (size_t i = 0; i < sizeof(reasons) / sizeof(reasons[0]); i++) {
        const char *found;

        snprintf(line, sizeof(line), "\naccountsd_database_queue_refusals_total{reason=\"%s\"} ", reasons[i]);
        found = strstr(answer.text, line);
        cr_assert_not_null(found, "%s", answer.text);
        fprintf(out, "%s%ld", i > 0 ? "," : "", strtol(found + strlen(line), NULL, 10));
    }
    fclose(out);
    answer_free(&answer);
    return text;
}

static void expect_refusals(const struct server *server, const char *expected)
{
    char *found = refused_tokens(server);

    for (int i = 0; i < 300 && strcmp(found, expected) != 0; i++) {
        sleep_ms(10);
        free(found);
        found = refused_tokens(server);
    }
    cr_expect_str_eq(found, expected, "full,away,expired: %s and not %s", found, expected);
    free(found);
}

Test(queue, counts_a_refusal_under_its_own_reason)
{
    PGconn *pg = database_connect(database_url());
    char *url = server_database_url(database_url());
    struct account *account = account_make(pg, "Client");
    struct server *server =
        server_start(url, (const char *[]){"--workers", "1", "--database-connections", "1", "--set-size", "1",
                              "--queue-size", "1", "--queue-timeout", "1000", NULL});
    struct poster working, waiting, refused;

    await_status(server, account, 201);
    expect_refusals(server, "0,0,0");
    free(database_query(pg, "begin", NULL));
    free(
        database_query(pg, "select key from accounts.account where key = internal.account_key($1) for update",
            account->id, NULL));
    poster_start(&working, server, account, new_email());
    await_waiting(pg, "1");
    poster_start(&waiting, server, account, new_email());
    sleep_ms(200);
    poster_start(&refused, server, account, new_email());
    poster_end(&refused, 503);
    expect_refusals(server, "1,0,0");
    poster_end(&waiting, 503);
    expect_refusals(server, "1,0,1");
    free(database_query(pg, "commit", NULL));
    poster_end(&working, 201);
    expect_refusals(server, "1,0,1");
    server_end(server);
    account_free(account);
    PQfinish(pg);
    free(url);
}
