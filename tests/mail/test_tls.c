#include <criterion/criterion.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/count.h"
#include "harness/tls_client.h"
#include "mails.h"

/* Which servers a worker trusts with mails and with its password. */

/* In base64 this begins like EHLO, in other case. */
#define USER "xyhotel@example.com"

static struct mails *mails;
static struct certificate *certificate, *other;

static void set_up(void)
{
    mails = mails_open();
    certificate = certificate_make("sink", KEY_EC);
    other = certificate_make("other", KEY_EC);
    setenv("ACCOUNTSD_SMTP_PASSWORD", "secret", 1);
}

static void tear_down(void)
{
    certificate_free(certificate);
    certificate_free(other);
    mails_close(mails);
}

TestSuite(trust, .init = set_up, .fini = tear_down, .timeout = 120);

enum end { IS_SENT, IS_AWAY };

struct row {
    const char *name;
    /* Of the server. */
    bool has_certificate, is_smtps;
    const char *login_offer, *password;
    struct sink_fault faults[2];
    /* Of the worker; NULL-terminated. */
    const char *arguments[4];
    bool is_trusted;
    enum end end;
    /* Of a mail that is not sent. */
    const char *reason;
    const char *stage;
};

#define EVER(stage, action)                                                                                  \
    {                                                                                                        \
        {stage, action, NULL, 0},                                                                            \
        {                                                                                                    \
            SINK_STAGES, SINK_NORMAL, NULL, 0                                                                \
        }                                                                                                    \
    }
#define FINE EVER(SINK_STAGES, SINK_NORMAL)
#define LOGIN                                                                                                \
    {                                                                                                        \
        "--smtp-tls=required", "--smtp-user=" USER, NULL                                                     \
    }

static const struct row rows[] = {
    {"STARTTLS and a login", true, false, "AUTH PLAIN", "secret", FINE, LOGIN, true, IS_SENT, NULL, NULL},
    {"a login in two steps", true, false, "AUTH LOGIN", "secret", FINE, LOGIN, true, IS_SENT, NULL, NULL},
    {"a login and a bare reply", true, false, "AUTH PLAIN", "secret", EVER(SINK_LOGIN, SINK_BARE), LOGIN,
        true, IS_SENT, NULL, NULL},
    {"TLS from the first byte", true, true, "AUTH PLAIN", "secret", FINE, {"--smtp-user=" USER, NULL}, true,
        IS_SENT, NULL, NULL},
    {"clear text", false, false, NULL, NULL, FINE, {"--smtp-tls=none", NULL}, false, IS_SENT, NULL, NULL},
    {"clear text though TLS is offered", true, false, NULL, NULL, FINE, {"--smtp-tls=none", NULL}, false,
        IS_SENT, NULL, NULL},
    {"no STARTTLS where none is offered", false, false, NULL, NULL, FINE, {"--smtp-tls=opportunistic", NULL},
        false, IS_SENT, NULL, NULL},
    {"any certificate", true, false, NULL, NULL, FINE, {"--smtp-tls=opportunistic", NULL}, false, IS_SENT,
        NULL, NULL},
    {"STARTTLS required and not offered", false, false, NULL, NULL, FINE, {"--smtp-tls=required", NULL}, true,
        IS_AWAY, "STARTTLS", "\"stage\":\"hello\""},
    {"a certificate without a trusted issuer", true, false, NULL, NULL, FINE, {"--smtp-tls=required", NULL},
        false, IS_AWAY, "certificate", "\"stage\":\"tls\""},
    {"the same from the first byte", true, true, NULL, NULL, FINE, {NULL}, false, IS_AWAY, "certificate",
        "\"stage\":\"connect\""},
    {"a wrong password", true, false, "AUTH PLAIN", "other", FINE, LOGIN, true, IS_AWAY,
        "535 5.7.8 wrong password", "\"stage\":\"login\""},
    {"no login offered", true, false, NULL, NULL, FINE, LOGIN, true, IS_AWAY, "the server offers no login",
        "\"stage\":\"login\""},
    {"no login offered, and a bare reply", true, false, NULL, NULL, EVER(SINK_MAIL, SINK_BARE), LOGIN, true,
        IS_AWAY, "the server offers no login", "\"stage\":\"login\""},
    {"a login offered as libcurl does not take it", true, false, "AUTH=PLAIN", "secret", FINE, LOGIN, true,
        IS_AWAY, "the server offers no login", "\"stage\":\"login\""},
    {"a hang-up instead of a welcome", true, false, "AUTH PLAIN", "secret", EVER(SINK_LOGIN, SINK_DROP),
        LOGIN, true, IS_AWAY, "fail", "\"stage\":\"login\""},
};

static void await_reason(const char *reason, const char *name)
{
    char *found = NULL;

    for (int tries = 0; tries < 1000; tries++, sleep_ms(10)) {
        free(found);
        found = database_query(mails->pg,
            "select coalesce(max(o.reason), '') from accounts.outbox as o where o.delivery = 'Queued'", NULL);
        if (*found != '\0')
            break;
    }
    cr_expect_not_null(strstr(found, reason), "%s: %s", name, found);
    free(found);
}

static void expect_row(const struct row *row)
{
    const struct sink_options options = {
        .certificate = row->has_certificate ? certificate->certificate_path : NULL,
        .key = row->has_certificate ? certificate->key_path : NULL,
        .is_smtps = row->is_smtps,
        .login_offer = row->login_offer,
        .user = USER,
        .password = row->password};
    const char *arguments[16] = {
        "--smtp-ca-file", row->is_trusted ? certificate->certificate_path : other->certificate_path};
    size_t count = 2;
    struct server *worker;

    if (strstr(row->arguments[0] != NULL ? row->arguments[0] : "", "user") == NULL &&
        (row->arguments[0] == NULL || row->arguments[1] == NULL))
        unsetenv("ACCOUNTSD_SMTP_PASSWORD");
    else
        setenv("ACCOUNTSD_SMTP_PASSWORD", "secret", 1);
    mails_set_sink(mails, &options);
    sink_set_faults(mails->sink, row->faults);
    arguments[count++] = "--smtp-tls=required";
    for (size_t i = 0; row->arguments[i] != NULL; i++)
        arguments[count++] = row->arguments[i];
    free(database_query(mails->pg,
        "update accounts.outbox set delivery = 'Cancelled', finished_at = now()"
        " where delivery = 'Queued'",
        NULL));
    mails_queue(mails, 2);
    worker = mails_start_worker(mails, arguments);
    if (row->end == IS_SENT) {
        for (int tries = 0; tries < 1000 && mails_count(mails, "Queued") > 0; tries++)
            sleep_ms(10);
        cr_expect_eq(sink_count_accepted(mails->sink), 2, "%s", row->name);
    } else {
        await_reason(row->reason, row->name);
        cr_expect_geq(log_await(worker, row->stage, 1), 1, "%s: no %s", row->name, row->stage);
        cr_expect_eq(sink_count(mails->sink), 0, "%s", row->name);
    }
    cr_expect_eq(server_log_count(worker, "secret"), 0);
    server_end(worker);
    sink_stop(mails->sink);
    mails->sink = NULL;
}

Test(trust, depends_on_tls_and_certificate)
{
    for (size_t i = 0; i < COUNT(rows); i++)
        expect_row(&rows[i]);
}

/* The certificate is for localhost and 127.0.0.1 only. */
Test(trust, requires_a_certificate_for_the_host)
{
    const struct sink_options options = {
        .certificate = certificate->certificate_path, .key = certificate->key_path};
    char url[64];
    struct server *worker;

    unsetenv("ACCOUNTSD_SMTP_PASSWORD");
    mails_set_sink(mails, &options);
    snprintf(url, sizeof(url), "smtp://127.0.0.2:%d", sink_port(mails->sink));
    sink_stop(mails->sink);
    mails->sink = sink_start(&(struct sink_options){.certificate = options.certificate,
        .key = options.key,
        .port = atoi(strrchr(url, ':') + 1),
        .is_other_address = true});
    mails_queue(mails, 1);
    worker = mails_start_worker(mails, (const char *[]){"--smtp-url", url, "--smtp-tls=required",
                                           "--smtp-ca-file", certificate->certificate_path, NULL});
    await_reason("127.0.0.2", "another name");
    cr_expect_eq(sink_count(mails->sink), 0);
    server_end(worker);
}

Test(trust, the_password_may_be_in_a_file)
{
    char path[] = "/tmp/accountsd-test-XXXXXX";
    int fd = mkstemp(path);
    struct server *worker;

    cr_assert_eq(write(fd, "secret\n", 7), 7);
    close(fd);
    unsetenv("ACCOUNTSD_SMTP_PASSWORD");
    mails_set_sink(mails, &(struct sink_options){.certificate = certificate->certificate_path,
                              .key = certificate->key_path,
                              .login_offer = "AUTH PLAIN",
                              .user = USER,
                              .password = "secret"});
    mails_queue(mails, 1);
    worker = mails_start_worker(
        mails, (const char *[]){"--smtp-tls=required", "--smtp-user", USER, "--smtp-password-file", path,
                   "--smtp-ca-file", certificate->certificate_path, NULL});
    mails_await(mails, "Sent", 1);
    server_end(worker);
    unlink(path);
}

/* Addresses that are not ASCII are sent only to servers that accept them. */
Test(trust, with_addresses_that_are_not_ascii)
{
    struct server *worker;
    char *commands, *reason;

    unsetenv("ACCOUNTSD_SMTP_PASSWORD");
    mails_set_sink(mails, &(struct sink_options){.utf8_offer = "SMTPUTF8"});
    free(mails_queue_one(mails, "zoë@example.test", "Zoë", NULL));
    worker = mails_start_worker(mails, NULL);
    mails_await(mails, "Sent", 1);
    commands = sink_commands(mails->sink);
    cr_expect_not_null(strstr(commands, "SMTPUTF8\n"), "%s", commands);
    cr_expect_not_null(strstr(commands, "RCPT TO:<zoë@example.test>"), "%s", commands);
    cr_expect_not_null(strstr(sink_mail_at(mails->sink, 0).text, "\r\n <zoë@example.test>\r\n"));
    free(commands);
    server_end(worker);
    sink_stop(mails->sink);
    /* libcurl does not recognise it. */
    mails_set_sink(mails, &(struct sink_options){.utf8_offer = "smtputf8"});
    free(mails_queue_one(mails, "zoé@example.test", "Zoé", NULL));
    worker = mails_start_worker(mails, NULL);
    mails_await(mails, "GivenUp", 1);
    reason = database_query(mails->pg, "select reason from accounts.outbox where delivery = 'GivenUp'", NULL);
    cr_expect_str_eq(reason, "the server does not take addresses that are not ASCII");
    cr_expect_eq(sink_reached(mails->sink, SINK_RCPT), 0);
    free(reason);
    server_end(worker);
}
