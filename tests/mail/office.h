#ifndef ACCOUNTSD_TESTS_OFFICE_H
#define ACCOUNTSD_TESTS_OFFICE_H

/* A post office: a database of the test's own with queued mails, and the processes that deliver them. */

#include "harness/fixture.h"
#include "harness/process.h"
#include "sink.h"

struct office {
    /* As a superuser. */
    PGconn *pg;
    /* As a superuser, and as accountsd_delivery. */
    char *url, *delivery_url;
    char *name, *account;
    size_t queued;
    struct sink *sink;
    char sink_url[64];
};

/* A copy of the database mail_template, in which a mail is retried after a fifth of a second. */
struct office *office_open(void);
/* The same for an existing migrated database; office_close keeps it. */
struct office *office_open_at(const char *url);
/* Stops the sink, and drops the database. */
void office_close(struct office *office);

/* A sink without faults; its address is sink_url. */
void office_set_sink(struct office *office, const struct sink_options *options);

/* A suite whose tests each have an office with such a sink, and this timeout. */
#define OFFICE_SUITE(suite, seconds)                                                                         \
    static struct office *office;                                                                            \
    static void set_up(void)                                                                                 \
    {                                                                                                        \
        office = office_open();                                                                              \
        office_set_sink(office, &(struct sink_options){0});                                                  \
    }                                                                                                        \
    static void tear_down(void)                                                                              \
    {                                                                                                        \
        office_close(office);                                                                                \
    }                                                                                                        \
    TestSuite(suite, .init = set_up, .fini = tear_down, .timeout = seconds);

/* Invites this many people, which queues a mail for each. */
void office_queue(struct office *office, size_t count);
/* Invites one person; returns the id of the mail. The caller frees it. */
char *office_queue_one(
    struct office *office, const char *email, const char *first_name, const char *language);

/* A worker that sends in clear text to the sink, with short intervals and timeouts; further options,
 * NULL-terminated, override these. */
struct server *office_start_worker(const struct office *office, const char *const *arguments);

/* How many mails have that status. */
size_t office_count(const struct office *office, const char *status);
/* Waits until this many mails have the status; fails after a while. */
void office_await(const struct office *office, const char *status, size_t count);
/* A column of the only mail; the caller frees it. */
char *office_value(const struct office *office, const char *expression);

/* How many lines of a worker's log contain a text. */
size_t log_count(const struct server *server, const char *text);
/* The same, once it has reached count or five seconds have passed, because a worker logs after the
 * database has recorded the outcome. */
size_t log_await(const struct server *server, const char *text, size_t count);

#endif
