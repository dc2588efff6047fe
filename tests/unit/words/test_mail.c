#include <criterion/criterion.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/count.h"
#include "words/mail.h"

#define URL                                                                                                  \
    "https://accounts.example/invitations/AUSR-4134-7183-7330/x1TJ0mQh-Tq_8NbJ3kq6fVre7rnsnaZsBsiAdZlFT2I"

static struct templates *templates;

static void set_up(void)
{
    char error[TEMPLATE_ERROR_MAX];

    templates = templates_load("", error);
    cr_assert_not_null(templates, "%s", error);
}

static void tear_down(void)
{
    templates_free(templates);
}

TestSuite(mail, .init = set_up, .fini = tear_down);

static json_t *message(const char *topic, const char *language, const char *name, const char *inviter)
{
    json_t *object = json_pack("{s:s, s:s, s:{s:s, s:s, s:s}, s:s?, s:s?, s:s, s:s?, s:s, s:s, s:s}", "topic",
        topic, "messageId", "invitation.1.x@example.com", "to", "email", "ada@example.com", "name", name,
        "firstName", "Ada", "language", language, "culture", language, "account", "Demo Client", "inviter",
        inviter, "url", URL, "expiresAt", "2026-12-02T03:00:00.000Z", "queuedAt", "2026-11-25T03:00:00.000Z");

    cr_assert_not_null(object);
    return object;
}

static void render(json_t *object, struct mail *mail)
{
    cr_assert(mail_render(templates, object, mail));
    json_decref(object);
}

/* Stored for tests/browser, which looks at it. */
static void keep(const char *language, const char *kind, const struct mail *mail)
{
    const char *folder = getenv("TEST_DIR");
    char path[256];
    FILE *file;

    if (folder == NULL)
        return;
    snprintf(path, sizeof(path), "%s/mail-%s-%s.html", folder, kind, language);
    file = fopen(path, "w");
    cr_assert_not_null(file, "%s", path);
    fputs(mail->html, file);
    fclose(file);
}

Test(mail, writes_an_invitation)
{
    struct mail mail;

    render(message("invitation.mail", NULL, "Ada Lovelace", "Grace Hopper"), &mail);
    cr_expect_str_eq(mail.subject, "Grace Hopper invites you to join Demo Client");
    cr_expect_str_eq(mail.text,
        "Hello Ada,\n\n"
        "Grace Hopper invites you to join Demo Client. It takes only a moment.\n\n"
        "See the invitation and accept it here:\n" URL "\n\n"
        "The link works until December 2, 2026 at 3:00 AM UTC. It is meant for you alone, so please do not "
        "pass it "
        "on.\n\n"
        "You were not expecting this? Then simply ignore this mail. Nothing happens unless you accept.\n");
    cr_expect_not_null(strstr(mail.html, "<html lang=\"en\" dir=\"ltr\">"));
    cr_expect_not_null(strstr(mail.html, "<title>Grace Hopper invites you to join Demo Client</title>"));
    cr_expect_not_null(
        strstr(mail.html, "<bdi>Grace Hopper</bdi> invites you to join <bdi>Demo Client</bdi>."));
    cr_expect_not_null(strstr(mail.html, " href=\"" URL "\""));
    cr_expect_not_null(strstr(mail.html, ">" URL "</a>"), "the link is readable too");
    keep("en", "invitation", &mail);
    mail_free(&mail);
    cr_expect_null(mail.subject);
}

Test(mail, is_in_the_recipients_language)
{
    static const struct {
        const char *language, *subject, *html;
    } rows[] = {
        {"de-AT", "Die Kontoverwaltung lädt Sie zu Demo Client ein", "2. Dezember 2026 um 03:00 UTC"},
        {"fr-FR", "L’administration du compte vous invite à rejoindre Demo Client",
            "2 décembre 2026 à 03:00"},
        {"es-MX", "La administración de la cuenta le invita a unirse a Demo Client",
            "2 de diciembre de 2026, 03:00"},
        {"en-GB", "An administrator invites you to join Demo Client", "2 December 2026 at 03:00 UTC"},
        {"nl-NL", "An administrator invites you to join Demo Client", "December 2, 2026 at 3:00 AM UTC"},
    };

    for (size_t i = 0; i < COUNT(rows); i++) {
        struct mail mail;

        render(message("invitation.mail", rows[i].language, "Ada Lovelace", NULL), &mail);
        cr_expect_str_eq(mail.subject, rows[i].subject);
        cr_expect_not_null(strstr(mail.html, rows[i].html), "%s", mail.html);
        cr_expect_not_null(strstr(mail.text, rows[i].html), "%s", mail.text);
        keep(rows[i].language, "invitation", &mail);
        mail_free(&mail);
    }
}

Test(mail, reminds)
{
    struct mail mail;

    render(message("invitation.reminder", "de", "Ada Lovelace", "Grace Hopper"), &mail);
    cr_expect_str_eq(mail.subject, "Ihre Einladung zu Demo Client ist noch offen");
    keep("de", "reminder", &mail);
    cr_expect_not_null(strstr(mail.text, "Grace Hopper hat Sie zu Demo Client eingeladen."));
    cr_expect_not_null(strstr(mail.text, "\n" URL "\n"));
    mail_free(&mail);
}

Test(mail, keeps_its_structure_whatever_the_names)
{
    static const char hostile[] = "<script>alert(\"1\")</script>&'{url}\xe2\x80\xae\xe2\x80\xa8";
    struct mail mail;

    json_t *object = message("invitation.mail", "de", hostile, hostile);

    json_object_set_new(object, "url", json_string("http://a/?b=1&c=\"><script>"));
    render(object, &mail);
    cr_expect_str_eq(mail.subject, "<script>alert(\"1\")</script>&'{url}  lädt Sie zu Demo Client ein");
    cr_expect_not_null(strstr(mail.text, "Guten Tag <script>alert(\"1\")</script>&'{url} !\n"));
    cr_expect_null(strstr(mail.html, "<script>"));
    cr_expect_not_null(
        strstr(mail.html, "<bdi>&lt;script&gt;alert(&quot;1&quot;)&lt;/script&gt;&amp;&#39;{url} </bdi>"));
    cr_expect_null(strstr(mail.html, "\xe2\x80\xae"));
    cr_expect_not_null(strstr(mail.html, " href=\"http://a/?b=1&amp;c=&quot;&gt;&lt;script&gt;\""));
    mail_free(&mail);
}

#define APART "\xe2\x80\x8b"

/* Names of people and accounts must not become links; only the invitation's link is one. */
Test(mail, makes_no_link_of_a_name)
{
    static const char *const topic_names[] = {"invitation.mail", "invitation.reminder"};

    for (size_t i = 0; i < 2; i++) {
        json_t *object =
            message(topic_names[i], "en", "www.evil.example Lee", "Win at https://evil.example/now");
        struct mail mail;

        json_object_set_new(object, "account", json_string("example.com"));
        json_object_set_new(json_object_get(object, "to"), "firstName", json_string("www.evil.example"));
        render(object, &mail);
        cr_expect_null(strstr(mail.text, "evil.example"), "%s", mail.text);
        cr_expect_null(strstr(mail.text, "example.com"));
        cr_expect_not_null(strstr(mail.text, "Hello www." APART "evil." APART "example,"));
        cr_expect_not_null(
            strstr(mail.text, "Win at https:" APART "//evil." APART "example/now"), "%s", mail.text);
        cr_expect_not_null(strstr(mail.text, "example." APART "com"));
        cr_expect_not_null(strstr(mail.text, "\n" URL "\n"));
        cr_expect_null(strstr(mail.html, "evil.example"), "%s", mail.html);
        cr_expect_null(strstr(mail.html, "example.com"));
        cr_expect_not_null(strstr(mail.html, "Win at https:" APART "//evil." APART "example/now</bdi>"));
        cr_expect_null(strstr(mail.subject, "evil.example"), "%s", mail.subject);
        mail_free(&mail);
    }
}

Test(mail, refuses_malformed_messages)
{
    static const char *const keys[] = {"topic", "to", "account", "url", "expiresAt"};
    struct mail mail;
    json_t *object;

    for (size_t i = 0; i < COUNT(keys); i++) {
        object = message("invitation.mail", NULL, "Ada", NULL);
        json_object_del(object, keys[i]);
        cr_expect_not(mail_render(templates, object, &mail), "taken without %s", keys[i]);
        cr_expect_null(mail.text);
        json_decref(object);
    }
    object = message("invitation.postcard", NULL, "Ada", NULL);
    cr_expect_not(mail_render(templates, object, &mail));
    json_decref(object);
    object = json_array();
    cr_expect_not(mail_render(templates, object, &mail));
    json_decref(object);
}
