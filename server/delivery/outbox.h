#ifndef ACCOUNTSD_OUTBOX_H
#define ACCOUNTSD_OUTBOX_H

/* The database's queue of mails, over one connection. A call blocks for at most --database-timeout,
 * connecting for at most --database-connect-timeout; other threads send mails meanwhile. If a call loses the
 * connection or times out, the connection is closed. */

#include <libpq-fe.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/config.h"
#include "database/postgres.h"

struct outbox {
    const struct config *config;
    /* NULL while not connected. */
    PGconn *pg;
    /* Readable when the process must stop: an attempt to connect then ends at once, a call soon. -1 during
     * the drain, in which outcomes are still reported. */
    int stop_fd;
    /* clock_now_ms() after which nothing waits any longer. */
    int64_t deadline_ms;
    /* Why the last call failed. */
    char error[POSTGRES_ERROR_MAX];
};

/* Connects and listens for notifications of mails. False, with the reason in error, on failure. */
bool outbox_connect(struct outbox *outbox, bool *is_schema_unsupported);
void outbox_disconnect(struct outbox *outbox);

/* Reads pending notifications and sets *has_mail if there was one. False if the connection is lost. */
bool outbox_listen(struct outbox *outbox, bool *has_mail);

/* Each calls the database function of its name and returns the result, which the caller owns; NULL on
 * failure, with the reason in error. */
PGresult *outbox_claim_deliveries(struct outbox *outbox, size_t count);
PGresult *outbox_complete_deliveries(struct outbox *outbox, const char *outcomes);
PGresult *outbox_delivery_backlog(struct outbox *outbox);
/* One row: the kind of id with the largest used share. */
PGresult *outbox_key_space(struct outbox *outbox);
PGresult *outbox_announce_expiries(struct outbox *outbox, size_t count);
PGresult *outbox_number_events(struct outbox *outbox, size_t count);

#endif
