#include "words/mail.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/count.h"
#include "words/date.h"
#include "words/fill.h"

#define KEY_MAX 64

static const struct {
    const char *topic;
    /* The prefix of the keys of its sentences. */
    const char *prefix;
} topics[] = {
    {"invitation.mail", "mail.invitation."},
    {"invitation.reminder", "mail.reminder."},
};

/* The placeholders that sentences replace; the first OF_TOPIC have a sentence for each topic. */
static const char *const sentence_names[] = {
    "subject", "intro", "greeting", "button", "open", "copy", "until", "unexpected"};

#define OF_TOPIC 2
#define SENTENCES COUNT(sentence_names)

static const char *text_of(const json_t *object, const char *key)
{
    return json_string_value(json_object_get(object, key));
}

/* Inserts the values into the sentences of a catalogue and those into a skeleton. */
static char *render(const struct templates *templates, const struct catalogue *catalogue,
    enum template_skeleton skeleton, const char *prefix, const char *url, const struct fill_value *values,
    size_t count)
{
    bool is_html = skeleton == TEMPLATE_MAIL_HTML;
    char *sentences[SENTENCES] = {NULL}, *whole = NULL;
    struct fill_value parts[SENTENCES + 3];
    bool failed = false;

    for (size_t i = 0; i < SENTENCES; i++) {
        char key[KEY_MAX];

        snprintf(key, sizeof(key), "%s%s", i < OF_TOPIC ? prefix : "mail.", sentence_names[i]);
        /* The subject is also the HTML title, which must not contain elements. */
        sentences[i] = fill(catalogue_sentence(catalogue, key),
            is_html && strcmp(sentence_names[i], "subject") != 0 ? FILL_SENTENCE : FILL_PLAIN, values, count);
        failed = failed || sentences[i] == NULL;
        parts[i] =
            (struct fill_value){sentence_names[i], sentences[i], is_html && i > 0 ? FILL_RAW : FILL_TEXT};
    }
    parts[SENTENCES] = (struct fill_value){"url", url, FILL_TEXT};
    parts[SENTENCES + 1] = (struct fill_value){"language", catalogue_language(catalogue), FILL_TEXT};
    parts[SENTENCES + 2] = (struct fill_value){"direction", catalogue_direction(catalogue), FILL_TEXT};
    if (!failed)
        whole = fill(
            templates_skeleton(templates, skeleton), is_html ? FILL_HTML : FILL_PLAIN, parts, COUNT(parts));
    for (size_t i = 0; i < SENTENCES; i++)
        free(sentences[i]);
    return whole;
}

bool mail_render(const struct templates *templates, const json_t *message, struct mail *mail)
{
    const json_t *to = json_object_get(message, "to");
    const char *topic = text_of(message, "topic"), *prefix = NULL, *url = text_of(message, "url"),
               *expires_at = text_of(message, "expiresAt"), *inviter = text_of(message, "inviter");
    const struct catalogue *catalogue = templates_find(templates, text_of(message, "language"));
    char expires[DATE_MAX], key[KEY_MAX];
    struct fill_value values[] = {
        {"name", text_of(to, "name"), FILL_NAME},
        {"firstName", text_of(to, "firstName"), FILL_NAME},
        {"account", text_of(message, "account"), FILL_NAME},
        {"inviter", inviter, FILL_NAME},
        {"expires", expires, FILL_TEXT},
    };

    *mail = (struct mail){NULL};
    if (inviter == NULL)
        values[3] = (struct fill_value){"inviter", catalogue_sentence(catalogue, "administrator"), FILL_TEXT};
    for (size_t i = 0; topic != NULL && i < COUNT(topics); i++) {
        if (strcmp(topics[i].topic, topic) == 0)
            prefix = topics[i].prefix;
    }
    for (size_t i = 0; i < COUNT(values); i++) {
        if (values[i].value == NULL)
            return false;
    }
    if (prefix == NULL || url == NULL || expires_at == NULL ||
        !date_format(catalogue_language(catalogue), expires_at, text_of(message, "culture"), expires))
        return false;
    snprintf(key, sizeof(key), "%ssubject", prefix);
    mail->subject = fill(catalogue_sentence(catalogue, key), FILL_PLAIN, values, COUNT(values));
    mail->text = render(templates, catalogue, TEMPLATE_MAIL_TEXT, prefix, url, values, COUNT(values));
    mail->html = render(templates, catalogue, TEMPLATE_MAIL_HTML, prefix, url, values, COUNT(values));
    if (mail->subject != NULL && mail->text != NULL && mail->html != NULL)
        return true;
    mail_free(mail);
    return false;
}

void mail_free(struct mail *mail)
{
    free(mail->subject);
    free(mail->text);
    free(mail->html);
    *mail = (struct mail){NULL};
}
