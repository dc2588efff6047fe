#ifndef ACCOUNTSD_DELIVERY_H
#define ACCOUNTSD_DELIVERY_H

/* One mail under way, from the claim until the database has been told what became of it. */

#include <stdbool.h>
#include <stdint.h>

#include "delivery/mime.h"
#include "delivery/transport.h"
#include "words/template.h"

struct delivery {
    int64_t id;
    int attempt;
    /* The outcome of an earlier attempt is unknown: the mail may be sent twice. */
    bool is_repeat;
    /* Of a fixed few. */
    char topic[32];
    /* clock_now_ms() from which on another worker may have it. */
    int64_t lease_until_ms;
    /* Bare addresses, the id and the message: the delivery's. */
    char *from, *to, *message_id, *message;
    size_t message_len;
    struct transport_result result;
    uint64_t duration_us;
    struct delivery *next;
};

/* Writes the mail of a claim, the message of api.claim_deliveries as text. False, with the result set, where
 * there is none to be sent. */
bool delivery_write(struct delivery *delivery, const struct templates *templates, const struct mailbox *from,
    const char *claim);

/* Logs one line; never the address, the code or what the server said, which may quote them. status: the
 * mail's, now. */
void delivery_log(const struct delivery *delivery, const char *status);

/* Frees what it has too. */
void delivery_free(struct delivery *delivery);

#endif
