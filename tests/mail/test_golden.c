#include <criterion/criterion.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/count.h"
#include "delivery/mime.h"
#include "words/mail.h"

/* Complete messages of both topics in all languages, compared byte by byte with the files of
 * tests/mail/golden. After an intended change: GOLDEN_RENEW=1 build/release/mail_tests --filter
 * golden/messages_have_not_changed, and review the diff. */

#define FOLDER "tests/mail/golden/"

static const char *const topics[] = {"invitation.mail", "invitation.reminder"};
static const char *const languages[] = {"en", "de-AT", "fr", "es"};

static char *message_of(
    const struct templates *templates, const char *topic, const char *language, size_t *len)
{
    json_t *claim = json_pack("{s:s, s:s, s:{s:s, s:s, s:s}, s:s, s:n, s:s, s:s, s:s, s:s, s:s}", "topic",
        topic, "messageId", "invitation.17.1795000000000000@portal.example", "to", "email",
        "jose@example.test", "name", "José Ñandú <script>", "firstName", "José", "language", language,
        "culture", "account", "Smith & Sons (example.com)", "inviter", "Grace Hopper", "url",
        "https://portal.example/invitations/AUSR-0315-0582-6081/fVreVke7rnsnaZsBsiAdZlFT2JWjxbjDidAbCdEfGhI",
        "expiresAt", "2026-12-02T03:00:00.000Z", "queuedAt", "2026-11-25T03:00:00.000Z");
    struct mime_message message = {
        .to_name = "José Ñandú <script>", .to_address = "jose@example.test", .date = 1795575600};
    struct mail mail;
    const char *reason;
    char *text;

    cr_assert_not_null(claim);
    cr_assert(mail_render(templates, claim, &mail), "%s in %s", topic, language);
    cr_assert(mime_read_mailbox("Acme Accounts <accounts@example.test>", &message.from));
    message.id = "invitation.17.1795000000000000@portal.example";
    message.subject = mail.subject;
    message.text = mail.text;
    message.html = mail.html;
    text = mime_make(&message, len, &reason);
    cr_assert_not_null(text, "%s", reason);
    mail_free(&mail);
    json_decref(claim);
    return text;
}

static void compare(const char *topic, const char *language, const char *text, size_t len)
{
    const char *renew = getenv("GOLDEN_RENEW");
    char path[128], *kept = NULL;
    size_t size = 0;
    ssize_t got;
    FILE *file;

    snprintf(path, sizeof(path), FOLDER "%s.%s.eml", topic, language);
    if (renew != NULL && strcmp(renew, "1") == 0) {
        file = fopen(path, "w");
        cr_assert_not_null(file, "the tests run in the project's top folder");
        cr_assert_eq(fwrite(text, 1, len, file), len);
        fclose(file);
        return;
    }
    file = fopen(path, "r");
    cr_assert_not_null(file, "%s", path);
    got = getdelim(&kept, &size, '\0', file);
    fclose(file);
    cr_expect(got >= 0 && (size_t)got == len && memcmp(kept, text, len) == 0,
        "%s differs from the current message: %s", path, text);
    free(kept);
}

Test(golden, messages_have_not_changed)
{
    char error[TEMPLATE_ERROR_MAX];
    struct templates *templates = templates_load("", error);

    cr_assert_not_null(templates, "%s", error);
    for (size_t t = 0; t < COUNT(topics); t++) {
        for (size_t l = 0; l < COUNT(languages); l++) {
            size_t len;
            char *text = message_of(templates, topics[t], languages[l], &len);

            compare(topics[t], languages[l], text, len);
            free(text);
        }
    }
    templates_free(templates);
}
