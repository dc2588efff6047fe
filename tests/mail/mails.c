#include "mails.h"

#include <criterion/criterion.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define AWAIT_MS 60000
#define TICK_MS 10
#define MAX_ARGUMENTS 32

/* The URL for another database, and for another user if one is named. */
static char *url_with(const char *url, const char *database, const char *user)
{
    char *error = NULL, *text = NULL;
    PQconninfoOption *options = PQconninfoParse(url, &error);
    size_t size;
    FILE *out = open_memstream(&text, &size);

    cr_assert_not_null(options, "%s", error);
    for (const PQconninfoOption *option = options; option->keyword != NULL; option++) {
        const char *value = option->val;

        if (database != NULL && strcmp(option->keyword, "dbname") == 0)
            value = database;
        if (user != NULL && strcmp(option->keyword, "user") == 0)
            value = user;
        if (value != NULL)
            fprintf(out, "%s='%s' ", option->keyword, value);
    }
    fclose(out);
    PQconninfoFree(options);
    return text;
}

struct mails *mails_open_at(const char *url)
{
    struct mails *mails = calloc(1, sizeof(*mails));

    signal(SIGPIPE, SIG_IGN);
    mails->url = strdup(url);
    mails->delivery_url = url_with(url, NULL, "accountsd_delivery");
    mails->pg = database_connect(mails->url);
    free(database_query(mails->pg,
        "select api.configure('{\"invitation.urlBase\": \"https://portal.example/invitations\", "
        "\"mail.attempts\": 100}')",
        NULL));
    /* Less than api.configure allows. */
    free(database_query(mails->pg,
        "update accounts.settings set mail_retry_interval = '200 ms', mail_retry_interval_max = '1 s'",
        NULL));
    mails->account = database_query(
        mails->pg, "select api.create_account('{\"type\": \"Client\", \"name\": \"Acme\"}') ->> 'id'", NULL);
    free(database_query(mails->pg,
        "select api.create_user_group(jsonb_build_object('account', jsonb_build_object('id', $1::text),"
        " 'name', 'Everyone', 'isDefault', true, 'allBuyers', true))",
        mails->account, NULL));
    return mails;
}

struct mails *mails_open(void)
{
    PGconn *pg = database_connect(database_url());
    char *name = NULL, *sql = NULL, *url;
    struct mails *mails;

    cr_assert_geq(asprintf(&name, "mail_%d_%ld", (int)getpid(), now_us()), 0);
    cr_assert_geq(asprintf(&sql, "create database %s template mail_template", name), 0);
    free(database_query(pg, sql, NULL));
    free(sql);
    PQfinish(pg);
    url = url_with(database_url(), name, NULL);
    mails = mails_open_at(url);
    mails->name = name;
    free(url);
    return mails;
}

void mails_close(struct mails *mails)
{
    if (mails->sink != NULL)
        sink_stop(mails->sink);
    PQfinish(mails->pg);
    if (mails->name != NULL) {
        PGconn *pg = database_connect(database_url());
        char *sql = NULL;

        cr_assert_geq(asprintf(&sql, "drop database %s with (force)", mails->name), 0);
        free(database_query(pg, sql, NULL));
        free(sql);
        PQfinish(pg);
    }
    free(mails->name);
    free(mails->account);
    free(mails->url);
    free(mails->delivery_url);
    free(mails);
}

void mails_set_sink(struct mails *mails, const struct sink_options *options)
{
    mails->sink = sink_start(options);
    snprintf(mails->sink_url, sizeof(mails->sink_url), "smtp%s://127.0.0.1:%d", options->is_smtps ? "s" : "",
        sink_port(mails->sink));
}

void mails_queue(struct mails *mails, size_t count)
{
    for (size_t last = mails->queued + count; mails->queued < last;) {
        size_t until = mails->queued + 500 < last ? mails->queued + 500 : last;
        char from_text[24], until_text[24];

        snprintf(from_text, sizeof(from_text), "%zu", mails->queued + 1);
        snprintf(until_text, sizeof(until_text), "%zu", until);
        char *made = database_query(mails->pg,
            "select count(*) from api.create_account_users((select jsonb_agg(jsonb_build_object("
            " 'request', jsonb_build_object('user', jsonb_build_object('email', 'person' || i || "
            "'@example.test', 'firstName', 'Ada',"
            "  'lastName', 'Lovelace ' || i),"
            " 'account', jsonb_build_object('id', $1::text))))"
            " from generate_series($2::int, $3::int) as i)) as c where c.status = 201",
            mails->account, from_text, until_text, NULL);

        cr_assert_eq(strtoul(made, NULL, 10), until - mails->queued);
        free(made);
        mails->queued = until;
    }
}

char *mails_queue_one(struct mails *mails, const char *email, const char *first_name, const char *language)
{
    json_t *request =
        json_pack("{s:{s:s, s:s, s:s, s:{s:s?}}, s:{s:s}}", "user", "email", email, "firstName", first_name,
            "lastName", "Lovelace", "settings", "languageCode", language, "account", "id", mails->account);
    char *text = json_dumps(request, JSON_COMPACT);

    free(database_query(mails->pg, "select api.create_account_user($1::jsonb)", text, NULL));
    free(text);
    json_decref(request);
    mails->queued++;
    return database_query(mails->pg, "select max(key) from accounts.outbox where delivery is not null", NULL);
}

struct server *mails_start_worker(const struct mails *mails, const char *const *arguments)
{
    const char *all[MAX_ARGUMENTS + 1] = {"--mail-from", "Accounts <accounts@example.test>", "--lease",
        "4000", "--smtp-timeout", "2000", "--smtp-connect-timeout", "1000", "--poll-interval", "200",
        "--smtp-retry-interval", "500", "--smtp-ehlo-name", "worker.test"};
    size_t count = 14;

    if (mails->sink != NULL) {
        all[count++] = "--smtp-url";
        all[count++] = mails->sink_url;
        all[count++] = "--smtp-tls=none";
    }
    for (size_t i = 0; arguments != NULL && arguments[i] != NULL; i++) {
        cr_assert_lt(count, MAX_ARGUMENTS);
        all[count++] = arguments[i];
    }
    return server_start_deliver(mails->delivery_url, all);
}

size_t mails_count(const struct mails *mails, const char *status)
{
    char *text = database_query(mails->pg,
        "select count(*) from accounts.outbox as o where o.delivery = $1::accounts.delivery_status", status,
        NULL);
    size_t count = strtoul(text, NULL, 10);

    free(text);
    return count;
}

void mails_await(const struct mails *mails, const char *status, size_t count)
{
    size_t found = 0;

    for (long waited = 0; waited < AWAIT_MS; waited += TICK_MS) {
        if ((found = mails_count(mails, status)) >= count)
            break;
        sleep_ms(TICK_MS);
    }
    cr_assert_eq(found, count, "%zu mails are %s, not %zu", found, status, count);
}

char *mails_value(const struct mails *mails, const char *expression)
{
    char *sql = NULL, *value;

    cr_assert_geq(
        asprintf(&sql, "select %s from accounts.outbox as o where o.delivery is not null", expression), 0);
    value = database_query(mails->pg, sql, NULL);
    free(sql);
    return value;
}

size_t log_await(const struct server *server, const char *text, size_t count)
{
    size_t found = server_log_count(server, text);

    /* Each read takes a moment. */
    for (int tries = 0; tries < 50 && found < count; tries++)
        found = server_log_count(server, text);
    return found;
}
