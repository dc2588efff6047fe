#include "delivery/outbox.h"

#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "database/postgres.h"
#include "database/session.h"

/* Longer than api.claim_deliveries takes: if its result is not read, the claimed mails wait for their lease
 * to end. */
#define STOP_GRACE_MS 2500

void outbox_disconnect(struct outbox *outbox)
{
    PQfinish(outbox->pg);
    outbox->pg = NULL;
}

static struct postgres_limit limit_of(const struct outbox *outbox, long timeout_ms, long grace_ms)
{
    int64_t deadline_ms = clock_now_ms() + timeout_ms;

    return (struct postgres_limit){
        .deadline_ms = deadline_ms < outbox->deadline_ms ? deadline_ms : outbox->deadline_ms,
        .stop_fd = outbox->stop_fd,
        .grace_ms = grace_ms,
    };
}

/* grace_ms: how long to go on waiting for the result when the process must stop. */
static PGresult *call(struct outbox *outbox, const char *sql, int count, const char *const *parameters,
    ExecStatusType expected, long grace_ms)
{
    const struct postgres_limit limit = limit_of(outbox, outbox->config->database_timeout, grace_ms);
    PGresult *result = NULL;

    if (outbox->pg == NULL)
        return NULL;
    if (PQsendQueryParams(outbox->pg, sql, count, NULL, parameters, NULL, NULL, 0))
        result = postgres_result(outbox->pg, &limit, outbox->error);
    else
        postgres_copy_error(outbox->error, PQerrorMessage(outbox->pg));
    if (result != NULL && PQresultStatus(result) == expected)
        return result;
    if (result != NULL)
        postgres_copy_error(outbox->error, PQresultErrorMessage(result));
    if (result == NULL || PQstatus(outbox->pg) != CONNECTION_OK)
        outbox_disconnect(outbox);
    PQclear(result);
    return NULL;
}

bool outbox_connect(struct outbox *outbox, bool *is_schema_unsupported)
{
    const struct postgres_limit limit = limit_of(outbox, outbox->config->database_connect_timeout * 1000, 0);
    PGresult *result;

    if ((outbox->pg = session_open(outbox->config, &limit, outbox->error, is_schema_unsupported)) == NULL)
        return false;
    if ((result = call(outbox, "listen accountsd_outbox", 0, NULL, PGRES_COMMAND_OK, 0)) == NULL) {
        outbox_disconnect(outbox);
        return false;
    }
    PQclear(result);
    return true;
}

bool outbox_listen(struct outbox *outbox, bool *has_mail)
{
    PGnotify *notification;

    if (PQconsumeInput(outbox->pg) != 1) {
        postgres_copy_error(outbox->error, PQerrorMessage(outbox->pg));
        outbox_disconnect(outbox);
        return false;
    }
    while ((notification = PQnotifies(outbox->pg)) != NULL) {
        *has_mail = true;
        PQfreemem(notification);
    }
    return true;
}

PGresult *outbox_claim_deliveries(struct outbox *outbox, size_t count)
{
    char count_text[24], lease[40];
    const char *const parameters[] = {count_text, lease};

    snprintf(count_text, sizeof(count_text), "%zu", count);
    snprintf(lease, sizeof(lease), "%ld milliseconds", outbox->config->lease);
    return call(outbox,
        "select id, attempt, is_repeat, message from api.claim_deliveries($1::int, $2::interval)", 2,
        parameters, PGRES_TUPLES_OK, STOP_GRACE_MS);
}

PGresult *outbox_complete_deliveries(struct outbox *outbox, const char *outcomes)
{
    return call(outbox, "select id, status from api.complete_deliveries($1::jsonb)", 1, &outcomes,
        PGRES_TUPLES_OK, outbox->config->drain_timeout);
}

PGresult *outbox_delivery_backlog(struct outbox *outbox)
{
    return call(outbox, "select queued, due, oldest_due_seconds from api.delivery_backlog()", 0, NULL,
        PGRES_TUPLES_OK, STOP_GRACE_MS);
}

PGresult *outbox_key_space(struct outbox *outbox)
{
    return call(outbox,
        "select object, used_percent from api.key_space() order by used_percent desc, object limit 1", 0,
        NULL, PGRES_TUPLES_OK, STOP_GRACE_MS);
}

static PGresult *call_with_count(struct outbox *outbox, const char *sql, size_t count)
{
    char count_text[24];
    const char *const parameters[] = {count_text};

    snprintf(count_text, sizeof(count_text), "%zu", count);
    return call(outbox, sql, 1, parameters, PGRES_TUPLES_OK, STOP_GRACE_MS);
}

PGresult *outbox_announce_expiries(struct outbox *outbox, size_t count)
{
    return call_with_count(outbox, "select api.announce_expiries($1::int)", count);
}

PGresult *outbox_number_events(struct outbox *outbox, size_t count)
{
    return call_with_count(outbox, "select api.number_events($1::int)", count);
}
