#ifndef ACCOUNTSD_TESTS_OFFICE_H
#define ACCOUNTSD_TESTS_OFFICE_H

/* A post office: a database of a test's own, with mails in its queue, and the workers that deliver them. */

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

/* A copy of the database mail_template, in which a mail is tried again after a fifth of a second. */
struct office *office_open(void);
/* The same for a migrated database that is there already; office_close leaves it. */
struct office *office_open_at(const char *url);
/* Stops the sink, and removes the database. */
void office_close(struct office *office);

/* A sink without faults; its address is sink_url. */
void office_set_sink(struct office *office, const struct sink_options *options);

/* A suite whose tests each have an office with such a sink, and so many seconds. */
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

/* Invites so many people, which queues a mail for each. */
void office_queue(struct office *office, size_t count);
/* Invites one; the id of the mail. The caller frees it. */
char *office_queue_one(
    struct office *office, const char *email, const char *first_name, const char *language);

/* A worker that sends in clear text to the sink, looks into the queue often and has little patience; with
 * more options, NULL-terminated, which win. */
struct server *office_start_worker(const struct office *office, const char *const *arguments);

/* How many mails have that status. */
size_t office_count(const struct office *office, const char *status);
/* Waits until so many have; fails after a while. */
void office_await(const struct office *office, const char *status, size_t count);
/* A column of the one mail that there is; the caller frees it. */
char *office_value(const struct office *office, const char *expression);

/* How many lines of a worker's log have a text. */
size_t log_count(const struct server *server, const char *text);
/* The same, when it has come to count or five seconds have passed: a worker logs after it has told the
 * database. */
size_t log_await(const struct server *server, const char *text, size_t count);

#endif
