#include "job.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "log.h"
#include "mail.h"

static void settle(struct job *job, enum outcome outcome, const char *reason)
{
    job->result = (struct transport_result){.outcome = outcome, .stage = STAGE_MESSAGE};
    transport_set_reason(&job->result, reason, strlen(reason));
}

bool job_write(
    struct job *job, const struct templates *templates, const struct mailbox *from, const char *claim)
{
    json_auto_t *object = json_loads(claim, JSON_REJECT_DUPLICATES, NULL);
    const char *email = NULL, *name = NULL, *topic = NULL, *id = NULL, *reason;
    struct mail mail;

    if (object == NULL ||
        json_unpack(object, "{s:s, s:s, s:{s:s, s:s}}", "topic", &topic, "messageId", &id, "to", "email",
            &email, "name", &name) != 0 ||
        !mail_render(templates, object, &mail)) {
        settle(
            job, OUTCOME_FAILED, "the mail cannot be written: memory ran out, or it is of an unknown kind");
        return false;
    }
    snprintf(job->topic, sizeof(job->topic), "%s", topic);
    const struct message message = {.from = *from,
        .to_name = name,
        .to_address = email,
        .subject = mail.subject,
        .id = id,
        .date = time(NULL),
        .text = mail.text,
        .html = mail.html};

    job->message = message_make(&message, &job->message_len, &reason);
    mail_free(&mail);
    if (reason != NULL) {
        settle(job, OUTCOME_REFUSED, reason);
        return false;
    }
    job->from = strndup(from->address.text, from->address.len);
    job->to = strdup(email);
    job->message_id = strdup(id);
    if (job->message != NULL && job->from != NULL && job->to != NULL && job->message_id != NULL)
        return true;
    settle(job, OUTCOME_FAILED, "memory ran out");
    return false;
}

void job_log(const struct job *job, const char *status)
{
    log_event("delivery", json_pack("{s:I, s:s, s:i, s:b, s:s, s:s, s:i, s:I, s:s}", "delivery",
                              (json_int_t)job->id, "topic", job->topic, "attempt", job->attempt, "repeat",
                              job->is_repeat, "outcome", transport_outcome_name(job->result.outcome), "stage",
                              transport_stage_name(job->result.stage), "reply_code", job->result.code,
                              "duration_ms", (json_int_t)(job->duration_us / 1000), "status", status));
}

void job_free(struct job *job)
{
    free(job->from);
    free(job->to);
    free(job->message_id);
    free(job->message);
    free(job);
}
