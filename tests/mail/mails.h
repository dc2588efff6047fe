#ifndef ACCOUNTSD_TESTS_MAILS_H
#define ACCOUNTSD_TESTS_MAILS_H

/* A post mails: a database of the test's own with queued mails, and the processes that deliver them. */

#include "harness/fixture.h"
#include "harness/process.h"
#include "sink.h"

struct mails {
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
struct mails *mails_open(void);
/* The same for an existing migrated database; mails_close keeps it. */
struct mails *mails_open_at(const char *url);
/* Stops the sink, and drops the database. */
void mails_close(struct mails *mails);

/* A sink without faults; its address is sink_url. */
void mails_set_sink(struct mails *mails, const struct sink_options *options);

/* A suite whose tests each have such a database and sink, and this timeout. */
#define MAIL_SUITE(suite, seconds)                                                                           \
    static struct mails *mails;                                                                              \
    static void set_up(void)                                                                                 \
    {                                                                                                        \
        mails = mails_open();                                                                                \
        mails_set_sink(mails, &(struct sink_options){0});                                                    \
    }                                                                                                        \
    static void tear_down(void)                                                                              \
    {                                                                                                        \
        mails_close(mails);                                                                                  \
    }                                                                                                        \
    TestSuite(suite, .init = set_up, .fini = tear_down, .timeout = seconds);

/* Invites this many people, which queues a mail for each. */
void mails_queue(struct mails *mails, size_t count);
/* Invites one person; returns the id of the mail. The caller frees it. */
char *mails_queue_one(struct mails *mails, const char *email, const char *first_name, const char *language);

/* A worker that sends in clear text to the sink, with short intervals and timeouts; further options,
 * NULL-terminated, override these. */
struct server *mails_start_worker(const struct mails *mails, const char *const *arguments);

/* How many mails have that status. */
size_t mails_count(const struct mails *mails, const char *status);
/* Waits until this many mails have the status; fails after a while. */
void mails_await(const struct mails *mails, const char *status, size_t count);
/* A column of the only mail; the caller frees it. */
char *mails_value(const struct mails *mails, const char *expression);

/* server_log_count of a worker, once it has reached count or five seconds have passed, because a worker logs
 * after the database has recorded the outcome. */
size_t log_await(const struct server *server, const char *text, size_t count);

#endif
