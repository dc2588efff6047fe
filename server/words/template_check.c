#include "words/template_check.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/count.h"
#include "words/fill.h"

/* The placeholders that a text may have; "!" marks those that it must have. */
struct rule {
    const char *name;
    const char *placeholders;
};

static const struct rule skeletons[TEMPLATE_SKELETONS] = {
    [TEMPLATE_MAIL_TEXT] = {"mail.txt", "subject greeting intro! open url! until! unexpected"},
    [TEMPLATE_MAIL_HTML] = {"mail.html",
        "language! direction subject greeting intro! button! copy url! until! unexpected"},
    [TEMPLATE_PAGE] = {"page.html", "language! direction title! style! state heading! content!"},
    [TEMPLATE_PAGE_OPEN] = {"page-open.html", "text button! until! unexpected"},
    [TEMPLATE_PAGE_NOTICE] = {"page-notice.html", "text! next!"},
    [TEMPLATE_PAGE_RETRY] = {"page-retry.html", "text! next! button!"},
    [TEMPLATE_PAGE_STYLE] = {"page.css", ""},
};

#define OF_MAIL "name firstName account inviter expires"
#define OF_PAGE "name account inviter expires"

static const struct rule sentences[] = {
    {"administrator", ""},
    {"mail.invitation.subject", OF_MAIL},
    {"mail.invitation.intro", "name firstName account! inviter! expires"},
    {"mail.reminder.subject", OF_MAIL},
    {"mail.reminder.intro", "name firstName account! inviter expires"},
    {"mail.greeting", OF_MAIL},
    {"mail.button", OF_MAIL},
    {"mail.open", OF_MAIL},
    {"mail.copy", OF_MAIL},
    {"mail.until", "name firstName account inviter expires!"},
    {"mail.unexpected", OF_MAIL},
    {"page.open.title", OF_PAGE},
    {"page.open.heading", "name account! inviter! expires"},
    {"page.open.text", OF_PAGE},
    {"page.open.button", OF_PAGE},
    {"page.open.until", "name account inviter expires!"},
    {"page.open.unexpected", OF_PAGE},
    {"page.accepted.title", OF_PAGE},
    {"page.accepted.heading", OF_PAGE},
    {"page.accepted.text", OF_PAGE},
    {"page.accepted.next", OF_PAGE},
    {"page.expired.title", OF_PAGE},
    {"page.expired.heading", OF_PAGE},
    {"page.expired.text", OF_PAGE},
    {"page.expired.next", OF_PAGE},
    {"page.superseded.title", OF_PAGE},
    {"page.superseded.heading", OF_PAGE},
    {"page.superseded.text", OF_PAGE},
    {"page.superseded.next", OF_PAGE},
    {"page.revoked.title", OF_PAGE},
    {"page.revoked.heading", OF_PAGE},
    {"page.revoked.text", OF_PAGE},
    {"page.revoked.next", OF_PAGE},
    {"page.disabled.title", OF_PAGE},
    {"page.disabled.heading", OF_PAGE},
    {"page.disabled.text", OF_PAGE},
    {"page.disabled.next", OF_PAGE},
    {"page.wrong.title", ""},
    {"page.wrong.heading", ""},
    {"page.wrong.text", ""},
    {"page.wrong.next", ""},
    {"page.busy.title", ""},
    {"page.busy.heading", ""},
    {"page.busy.text", ""},
    {"page.busy.next", ""},
    {"page.busy.button", ""},
    {"page.failed.title", ""},
    {"page.failed.heading", ""},
    {"page.failed.text", ""},
    {"page.failed.next", "reference"},
    {"page.refused.title", ""},
    {"page.refused.heading", ""},
    {"page.refused.text", ""},
    {"page.refused.next", ""},
};

#define SENTENCE_COUNT COUNT(sentences)

void template_add_error(struct template_errors *errors, const char *format, ...)
{
    size_t left = TEMPLATE_ERROR_MAX - errors->len;
    char line[512];
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(line, sizeof(line), format, arguments);
    va_end(arguments);
    errors->any = true;
    if (strlen(line) + 2 > left)
        return;
    errors->len +=
        (size_t)snprintf(errors->text + errors->len, left, "%s%s", errors->len > 0 ? "\n" : "", line);
}

enum template_skeleton template_find_skeleton(const char *name)
{
    size_t i = 0;

    while (i < TEMPLATE_SKELETONS && strcmp(skeletons[i].name, name) != 0)
        i++;
    return (enum template_skeleton)i;
}

static bool may_have(const char *placeholders, const char *name, size_t len)
{
    while (*placeholders != '\0') {
        size_t word = strcspn(placeholders, " !");

        if (word == len && memcmp(placeholders, name, len) == 0)
            return true;
        placeholders += word;
        placeholders += strspn(placeholders, " !");
    }
    return false;
}

static bool has_placeholder(const char *text, const char *wanted, size_t wanted_len)
{
    const char *name;
    size_t len;

    while ((text = fill_next_placeholder(text, &name, &len)) != NULL) {
        if (len == wanted_len && memcmp(name, wanted, len) == 0)
            return true;
    }
    return false;
}

/* place: the file, and in a catalogue the key. */
static void check_placeholders(
    struct template_errors *errors, const char *place, const char *placeholders, const char *text)
{
    const char *name;
    size_t len;

    for (const char *at = text; (at = fill_next_placeholder(at, &name, &len)) != NULL;) {
        if (!may_have(placeholders, name, len))
            template_add_error(errors, "%s: unknown placeholder {%.*s}", place, (int)len, name);
    }
    while (*placeholders != '\0') {
        size_t word = strcspn(placeholders, " !");

        if (placeholders[word] == '!' && !has_placeholder(text, placeholders, word))
            template_add_error(errors, "%s: {%.*s} is missing", place, (int)word, placeholders);
        placeholders += word;
        placeholders += strspn(placeholders, " !");
    }
}

/* Whether a brace belongs to no placeholder. Only sentences are checked: skeletons may contain CSS. */
static bool has_stray_brace(const char *text)
{
    const char *name, *after;
    size_t len;

    while ((after = fill_next_placeholder(text, &name, &len)) != NULL) {
        if (strcspn(text, "{}") < (size_t)(name - 1 - text))
            return true;
        text = after;
    }
    return strpbrk(text, "{}") != NULL;
}

void template_check_skeleton(
    struct template_errors *errors, enum template_skeleton skeleton, const char *text)
{
    check_placeholders(errors, skeletons[skeleton].name, skeletons[skeleton].placeholders, text);
}

static void check_sentence(
    struct template_errors *errors, const char *file, const struct rule *rule, const json_t *sentence)
{
    const char *text = json_string_value(sentence);
    char place[160];

    snprintf(place, sizeof(place), "%.80s: \"%s\"", file, rule->name);
    if (sentence == NULL) {
        template_add_error(errors, "%s is missing", place);
    } else if (text == NULL || *text == '\0') {
        template_add_error(errors, "%s is not a string, or is empty", place);
    } else {
        /* A subject, a title or a heading is one line. */
        for (const char *c = text; *c != '\0'; c++) {
            if ((unsigned char)*c < ' ' || *c == 0x7f) {
                template_add_error(errors, "%s has a control character", place);
                break;
            }
        }
        check_placeholders(errors, place, rule->placeholders, text);
        if (has_stray_brace(text))
            template_add_error(errors, "%s: a brace does not belong to a placeholder", place);
    }
}

static bool is_key(const char *key)
{
    for (size_t i = 0; i < SENTENCE_COUNT; i++) {
        if (strcmp(sentences[i].name, key) == 0)
            return true;
    }
    return false;
}

void template_check_catalogue(struct template_errors *errors, const char *file, json_t *catalogue)
{
    const char *key;
    json_t *sentence;

    json_object_foreach(catalogue, key, sentence)
    {
        if (!is_key(key))
            template_add_error(errors, "%s: \"%.80s\" is not a key of a catalogue", file, key);
    }
    for (size_t i = 0; i < SENTENCE_COUNT; i++)
        check_sentence(errors, file, &sentences[i], json_object_get(catalogue, sentences[i].name));
}

size_t template_key_count(void)
{
    return SENTENCE_COUNT;
}

const char *template_key_at(size_t index)
{
    return sentences[index].name;
}
