#ifndef ACCOUNTSD_DELIVERY_H
#define ACCOUNTSD_DELIVERY_H

/* One claimed mail, until its outcome has been reported to the database. */

#include <stdbool.h>
#include <stdint.h>

#include "delivery/mime.h"
#include "delivery/transport.h"
#include "words/template.h"

struct delivery {
    int64_t id;
    int attempt;
    /* The outcome of an earlier attempt is unknown, so the mail may be sent twice. */
    bool is_repeat;
    /* One of a fixed set, so that it may be logged. */
    char topic[32];
    /* clock_now_ms() from which another worker may claim the mail. */
    int64_t lease_until_ms;
    /* Addresses without names, the id and the message; owned. */
    char *from, *to, *message_id, *message;
    size_t message_len;
    struct transport_result result;
    uint64_t duration_us;
    struct delivery *next;
};

/* Writes the mail from claim, a message of api.claim_deliveries. If it cannot be sent, sets the result and
 * returns false. */
bool delivery_write(struct delivery *delivery, const struct templates *templates, const struct mailbox *from,
    const char *claim);

/* Logs the outcome, without the address, the code, and the server's reply, which may quote them. status: the
 * new status of the mail. */
void delivery_log(const struct delivery *delivery, const char *status);

/* Frees the delivery and what it owns. */
void delivery_free(struct delivery *delivery);

#endif
