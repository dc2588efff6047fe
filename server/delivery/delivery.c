#include "delivery/delivery.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/log.h"
#include "base/memory.h"
#include "words/mail.h"

static void settle(struct delivery *delivery, enum outcome outcome, const char *reason)
{
    delivery->result = (struct transport_result){.outcome = outcome, .stage = STAGE_MESSAGE};
    transport_set_reason(&delivery->result, reason, strlen(reason));
}

bool delivery_write(struct delivery *delivery, const struct templates *templates, const struct mailbox *from,
    const char *claim)
{
    memory_begin();
    json_auto_t *object = json_loads(claim, JSON_REJECT_DUPLICATES, NULL);
    const char *email = NULL, *name = NULL, *topic = NULL, *id = NULL, *reason;
    struct mail mail;

    if (object == NULL || memory_ran_out() ||
        json_unpack(object, "{s:s, s:s, s:{s:s, s:s}}", "topic", &topic, "messageId", &id, "to", "email",
            &email, "name", &name) != 0 ||
        !mail_render(templates, object, &mail)) {
        settle(delivery, OUTCOME_FAILED,
            "the mail cannot be written: memory ran out, or it is of an unknown kind");
        return false;
    }
    snprintf(delivery->topic, sizeof(delivery->topic), "%s", topic);
    const struct mime_message message = {.from = *from,
        .to_name = name,
        .to_address = email,
        .subject = mail.subject,
        .id = id,
        .date = time(NULL),
        .text = mail.text,
        .html = mail.html};

    delivery->message = mime_make(&message, &delivery->message_len, &reason);
    mail_free(&mail);
    if (reason != NULL) {
        settle(delivery, OUTCOME_REFUSED, reason);
        return false;
    }
    delivery->from = strndup(from->address.text, from->address.len);
    delivery->to = strdup(email);
    delivery->message_id = strdup(id);
    if (delivery->message != NULL && delivery->from != NULL && delivery->to != NULL &&
        delivery->message_id != NULL)
        return true;
    settle(delivery, OUTCOME_FAILED, "memory ran out");
    return false;
}

void delivery_log(const struct delivery *delivery, const char *status)
{
    log_event("delivery",
        json_pack("{s:I, s:s, s:i, s:b, s:s, s:s, s:i, s:I, s:s}", "delivery", (json_int_t)delivery->id,
            "topic", delivery->topic, "attempt", delivery->attempt, "repeat", delivery->is_repeat, "outcome",
            transport_outcome_name(delivery->result.outcome), "stage",
            transport_stage_name(delivery->result.stage), "reply_code", delivery->result.code, "duration_ms",
            (json_int_t)(delivery->duration_us / 1000), "status", status));
}

void delivery_free(struct delivery *delivery)
{
    free(delivery->from);
    free(delivery->to);
    free(delivery->message_id);
    free(delivery->message);
    free(delivery);
}
