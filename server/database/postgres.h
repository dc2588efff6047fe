#ifndef ACCOUNTSD_POSTGRES_H
#define ACCOUNTSD_POSTGRES_H

/* libpq with a deadline. Its own functions that connect and that wait for results have none that covers all
 * they do: connect_timeout holds for one host at a time, and a server that takes a connection and then says
 * nothing is waited for without end. Knows no loop: it waits with poll, on whichever thread calls. */

#include <libpq-fe.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define POSTGRES_ERROR_MAX 512
/* More hosts than that are left to libpq, which tries one after the other. */
#define POSTGRES_HOSTS_MAX 16

/* Until when to wait. */
struct postgres_limit {
    /* Of clock_now_ms. */
    int64_t deadline_ms;
    /* Readable when the process is to stop, and the wait with it; -1 for never. */
    int stop_fd;
    /* Of a result that is worth a wait even then: for how long from that moment on. */
    long grace_ms;
};

/* Whether libpq takes a connection string or URL and its options, without connecting. Where not, a line in
 * error says why; nothing of the string is in it. */
bool postgres_check_url(const char *url, char error[POSTGRES_ERROR_MAX]);

/* Connects to a database that can be written to, with all hosts of url (libpq's connection string or URL;
 * empty: the PG* variables) tried at once, so that one that does not answer costs nothing; of those that do,
 * the first in url's order is taken. The connection is the caller's and in non-blocking mode. NULL on
 * failure, and a line in error that says why, without a part of url. */
PGconn *postgres_connect(const char *url, const struct postgres_limit *limit, char error[POSTGRES_ERROR_MAX]);

/* Waits for the end of the statement that was sent, and returns the last result of it, the caller's. NULL,
 * and a line in error, when the limit or the connection ended first. */
PGresult *postgres_result(PGconn *pg, const struct postgres_limit *limit, char error[POSTGRES_ERROR_MAX]);

/* The first line of what libpq says, as text_print_line makes it: PostgreSQL's errors may have several, and
 * before the encoding is agreed upon they are in the database's. */
void postgres_copy_error(char error[POSTGRES_ERROR_MAX], const char *message);

#endif
