#include "words/template_check.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/count.h"
#include "words/fill.h"

/* What a text may have gaps for, in words, those with a "!" behind them in any case. */
struct rule {
    const char *name;
    const char *gaps;
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

void complain(struct complaints *complaints, const char *format, ...)
{
    size_t left = TEMPLATE_ERROR_MAX - complaints->len;
    char line[512];
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(line, sizeof(line), format, arguments);
    va_end(arguments);
    complaints->any = true;
    /* Whole lines only. */
    if (strlen(line) + 2 > left)
        return;
    complaints->len += (size_t)snprintf(
        complaints->text + complaints->len, left, "%s%s", complaints->len > 0 ? "\n" : "", line);
}

enum template_skeleton template_find_skeleton(const char *name)
{
    size_t i = 0;

    while (i < TEMPLATE_SKELETONS && strcmp(skeletons[i].name, name) != 0)
        i++;
    return (enum template_skeleton)i;
}

/* Whether a gap is among those of a rule. */
static bool may_have(const char *gaps, const char *name, size_t len)
{
    while (*gaps != '\0') {
        size_t word = strcspn(gaps, " !");

        if (word == len && memcmp(gaps, name, len) == 0)
            return true;
        gaps += word;
        gaps += strspn(gaps, " !");
    }
    return false;
}

static bool has_gap(const char *text, const char *wanted, size_t wanted_len)
{
    const char *name;
    size_t len;

    while ((text = fill_next_gap(text, &name, &len)) != NULL) {
        if (len == wanted_len && memcmp(name, wanted, len) == 0)
            return true;
    }
    return false;
}

/* place: the file, and in a catalogue the key. */
static void check_gaps(struct complaints *complaints, const char *place, const char *gaps, const char *text)
{
    const char *name;
    size_t len;

    for (const char *at = text; (at = fill_next_gap(at, &name, &len)) != NULL;) {
        if (!may_have(gaps, name, len))
            complain(complaints, "%s: there is nothing for {%.*s} here", place, (int)len, name);
    }
    while (*gaps != '\0') {
        size_t word = strcspn(gaps, " !");

        if (gaps[word] == '!' && !has_gap(text, gaps, word))
            complain(complaints, "%s: {%.*s} is missing", place, (int)word, gaps);
        gaps += word;
        gaps += strspn(gaps, " !");
    }
}

/* A brace in a sentence is a gap or a slip; in a skeleton it may be of CSS. */
static bool has_stray_brace(const char *text)
{
    const char *name, *after;
    size_t len;

    while ((after = fill_next_gap(text, &name, &len)) != NULL) {
        if (strcspn(text, "{}") < (size_t)(name - 1 - text))
            return true;
        text = after;
    }
    return strpbrk(text, "{}") != NULL;
}

void template_check_skeleton(struct complaints *complaints, enum template_skeleton skeleton, const char *text)
{
    check_gaps(complaints, skeletons[skeleton].name, skeletons[skeleton].gaps, text);
}

static void check_sentence(
    struct complaints *complaints, const char *file, const struct rule *rule, const json_t *sentence)
{
    const char *text = json_string_value(sentence);
    char place[160];

    snprintf(place, sizeof(place), "%.80s: \"%s\"", file, rule->name);
    if (sentence == NULL) {
        complain(complaints, "%s is missing", place);
    } else if (text == NULL || *text == '\0') {
        complain(complaints, "%s is not a text", place);
    } else {
        /* A subject, a title or a heading is one line. */
        for (const char *c = text; *c != '\0'; c++) {
            if ((unsigned char)*c < ' ' || *c == 0x7f) {
                complain(complaints, "%s has a control character", place);
                break;
            }
        }
        check_gaps(complaints, place, rule->gaps, text);
        if (has_stray_brace(text))
            complain(complaints, "%s: a brace stands for nothing", place);
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

void template_check_catalogue(struct complaints *complaints, const char *file, json_t *catalogue)
{
    const char *key;
    json_t *sentence;

    json_object_foreach(catalogue, key, sentence)
    {
        if (!is_key(key))
            complain(complaints, "%s: \"%.80s\" is not a key of a catalogue", file, key);
    }
    for (size_t i = 0; i < SENTENCE_COUNT; i++)
        check_sentence(complaints, file, &sentences[i], json_object_get(catalogue, sentences[i].name));
}

size_t template_key_count(void)
{
    return SENTENCE_COUNT;
}

const char *template_key_at(size_t index)
{
    return sentences[index].name;
}
