#ifndef ACCOUNTSD_POSTGRES_H
#define ACCOUNTSD_POSTGRES_H

/* libpq with deadlines. libpq itself has none for a whole operation: connect_timeout applies to each host,
 * and it waits forever for a server that accepts a connection and does not answer. Waits with poll on the
 * calling thread. */

#include <libpq-fe.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define POSTGRES_ERROR_MAX 512
/* If a URL has more hosts, libpq tries them one after the other. */
#define POSTGRES_HOSTS_MAX 16

/* How long to wait. */
struct postgres_limit {
    /* clock_now_ms() when the wait ends. */
    int64_t deadline_ms;
    /* Readable when the process stops, which ends the wait; -1: none. */
    int stop_fd;
    /* How long to go on waiting for a result when the process stops. */
    long grace_ms;
};

/* Whether libpq accepts a connection string or URL; does not connect. If not, error is one line that says why
 * without any part of the string. */
bool postgres_check_url(const char *url, char error[POSTGRES_ERROR_MAX]);

/* Connects to a database that accepts writes. url: a connection string or URL; empty: the PG* variables. All
 * hosts are tried at once, so that one that does not answer causes no delay; of those that answer, the first
 * in url is used. The caller owns the connection, which is in non-blocking mode. NULL on failure; error is
 * then one line that says why without any part of url. */
PGconn *postgres_connect(const char *url, const struct postgres_limit *limit, char error[POSTGRES_ERROR_MAX]);

/* Waits for the end of the statement that was sent and returns its last result, which the caller owns. NULL,
 * with one line in error, if the limit or the connection ended first. */
PGresult *postgres_result(PGconn *pg, const struct postgres_limit *limit, char error[POSTGRES_ERROR_MAX]);

/* Copies the first line of a message of libpq (text_print_line): it may have several lines, and before the
 * client encoding is set it is in the database's encoding. */
void postgres_copy_error(char error[POSTGRES_ERROR_MAX], const char *message);

#endif
