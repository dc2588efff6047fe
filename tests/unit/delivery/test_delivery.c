#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/count.h"
#include "delivery/delivery.h"

static struct templates *templates;
static struct mailbox from;
static struct delivery *delivery;

static void begin(void)
{
    char error[TEMPLATE_ERROR_MAX];

    cr_assert_not_null(templates = templates_load("", error), "%s", error);
    cr_assert(mime_read_mailbox("Accounts <noreply@example.com>", &from));
    delivery = calloc(1, sizeof(*delivery));
}

static void end(void)
{
    delivery_free(delivery);
    templates_free(templates);
}

TestSuite(delivery, .init = begin, .fini = end);

#define REST                                                                                                 \
    "\"messageId\":\"invitation.1.x@example.com\",\"language\":\"en\",\"culture\":\"en-US\",\"account\":"    \
    "\"Demo\","                                                                                              \
    "\"inviter\":\"Grace\",\"url\":\"https://accounts.example/invitations/AUSR-1/c\","                       \
    "\"expiresAt\":\"2026-12-02T03:00:00.000Z\""
#define TO(email) "\"to\":{\"email\":\"" email "\",\"name\":\"Ada\",\"firstName\":\"Ada\"}"

Test(delivery, has_the_message_and_its_envelope)
{
    cr_assert(delivery_write(
        delivery, templates, &from, "{\"topic\":\"invitation.mail\"," TO("ada@example.com") "," REST "}"));
    cr_expect_str_eq(delivery->topic, "invitation.mail");
    cr_expect_str_eq(delivery->from, "noreply@example.com");
    cr_expect_str_eq(delivery->to, "ada@example.com");
    cr_expect_str_eq(delivery->message_id, "invitation.1.x@example.com");
    cr_expect_eq(strlen(delivery->message), delivery->message_len);
    cr_expect_not_null(strstr(delivery->message, "\r\nSubject: Grace invites you to join Demo\r\n"), "%s",
        delivery->message);
}

Test(delivery, is_refused_if_an_address_is_invalid)
{
    cr_assert_not(delivery_write(delivery, templates, &from,
        "{\"topic\":\"invitation.mail\"," TO("ada@example.com>\\r\\nBcc: <b@example.com") "," REST "}"));
    cr_expect_eq(delivery->result.outcome, OUTCOME_REFUSED);
    cr_expect_eq(delivery->result.stage, STAGE_MESSAGE);
    cr_expect_str_not_empty(delivery->result.reason);
    cr_expect_null(delivery->message);
}

Test(delivery, fails_if_the_claim_is_malformed)
{
    static const char *const claims[] = {"", "[]", "{\"topic\":\"invitation.mail\"," REST "}",
        "{\"topic\":\"a.later.kind\"," TO("ada@example.com") "," REST "}",
        "{\"topic\":\"invitation.mail\"," TO("ada@example.com") "}"};

    for (size_t i = 0; i < COUNT(claims); i++) {
        delivery->result = (struct transport_result){.outcome = OUTCOME_SENT};
        cr_expect_not(delivery_write(delivery, templates, &from, claims[i]), "%s", claims[i]);
        cr_expect_eq(delivery->result.outcome, OUTCOME_FAILED, "%s", claims[i]);
    }
}
