#include "words/page.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/count.h"
#include "base/memory.h"
#include "words/date.h"
#include "words/fill.h"

#define KEY_MAX 64

/* A kind of page: its skeleton, and its name in the keys of its sentences. */
struct kind {
    const char *name;
    enum template_skeleton skeleton;
};

static const struct {
    const char *state;
    int status;
    struct kind kind;
} states[] = {
    {"Open", 200, {"open", TEMPLATE_PAGE_OPEN}},
    {"Accepted", 200, {"accepted", TEMPLATE_PAGE_NOTICE}},
    {"Expired", 410, {"expired", TEMPLATE_PAGE_NOTICE}},
    {"Superseded", 410, {"superseded", TEMPLATE_PAGE_NOTICE}},
    {"Revoked", 410, {"revoked", TEMPLATE_PAGE_NOTICE}},
    {"Disabled", 409, {"disabled", TEMPLATE_PAGE_NOTICE}},
    {"Wrong", 404, {"wrong", TEMPLATE_PAGE_NOTICE}},
};

/* The first match is used; 0 matches any status. */
static const struct {
    int status;
    struct kind kind;
} problems[] = {
    {404, {"wrong", TEMPLATE_PAGE_NOTICE}},
    {429, {"busy", TEMPLATE_PAGE_RETRY}},
    {503, {"busy", TEMPLATE_PAGE_RETRY}},
    {504, {"busy", TEMPLATE_PAGE_RETRY}},
    {500, {"failed", TEMPLATE_PAGE_NOTICE}},
    {0, {"refused", TEMPLATE_PAGE_NOTICE}},
};

const char page_out_of_memory[] =
    "<!doctype html>\n<html lang=\"en\">\n<meta charset=\"utf-8\">\n"
    "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
    "<title>One moment, please</title>\n<h1>One moment, please</h1>\n"
    "<p>We cannot answer just now. Please try again in a minute.</p>\n</html>\n";

/* The placeholders of the skeletons. A page has a sentence for each placeholder in its skeleton. */
static const char *const parts[] = {"title", "heading", "text", "button", "until", "unexpected", "next"};

#define OF_TITLE 0
#define PARTS COUNT(parts)

bool page_is_at(const char *path, size_t path_len)
{
    static const char below[] = "/invitations/";

    return path_len >= sizeof(below) - 1 && memcmp(path, below, sizeof(below) - 1) == 0;
}

/* Inserts a page's content into the frame that all pages share. */
static char *frame(const struct templates *templates, const struct catalogue *catalogue,
    const struct kind *kind, char *const sentences[PARTS], struct fill_value *values)
{
    char *content = fill(templates_skeleton(templates, kind->skeleton), FILL_HTML, values, PARTS), *whole;
    struct fill_value of_frame[] = {
        {"language", catalogue_language(catalogue), FILL_TEXT},
        {"direction", catalogue_direction(catalogue), FILL_TEXT},
        {"title", sentences[OF_TITLE], FILL_TEXT},
        {"heading", sentences[OF_TITLE + 1], FILL_RAW},
        {"style", templates_skeleton(templates, TEMPLATE_PAGE_STYLE), FILL_RAW},
        {"state", kind->name, FILL_TEXT},
        {"content", content, FILL_RAW},
    };

    if (content == NULL)
        return NULL;
    whole = fill(templates_skeleton(templates, TEMPLATE_PAGE), FILL_HTML, of_frame, COUNT(of_frame));
    free(content);
    return whole;
}

static char *render(const struct templates *templates, const struct catalogue *catalogue,
    const struct kind *kind, const struct fill_value *values, size_t count)
{
    char *sentences[PARTS] = {NULL}, *whole = NULL;
    struct fill_value filled[PARTS];
    bool failed = false;

    for (size_t i = 0; i < PARTS; i++) {
        char key[KEY_MAX];
        const char *sentence;

        snprintf(key, sizeof(key), "page.%s.%s", kind->name, parts[i]);
        filled[i] = (struct fill_value){parts[i], "", FILL_RAW};
        if ((sentence = catalogue_sentence(catalogue, key)) == NULL)
            continue;
        /* A title must not contain elements. */
        sentences[i] = fill(sentence, i == OF_TITLE ? FILL_PLAIN : FILL_SENTENCE, values, count);
        failed = failed || sentences[i] == NULL;
        filled[i].value = sentences[i];
    }
    if (!failed)
        whole = frame(templates, catalogue, kind, sentences, filled);
    for (size_t i = 0; i < PARTS; i++)
        free(sentences[i]);
    return whole;
}

static const char *text_of(const json_t *object, const char *key)
{
    return json_string_value(json_object_get(object, key));
}

static const char *name_of(const json_t *object, const char *key)
{
    const char *name = text_of(json_object_get(object, key), "name");

    return name != NULL ? name : "";
}

/* False if the invitation is malformed. */
static bool render_parsed(const struct templates *templates, const struct catalogue *catalogue,
    const char *culture, const json_t *invitation, char **page, int *status)
{
    const char *state = text_of(invitation, "state"), *inviter = text_of(invitation, "inviter"),
               *expires_at = text_of(invitation, "expiresAt");
    char expires[DATE_MAX] = "";
    const struct fill_value values[] = {
        {"name", name_of(invitation, "user"), FILL_NAME},
        {"account", name_of(invitation, "account"), FILL_NAME},
        {"inviter", inviter != NULL ? inviter : catalogue_sentence(catalogue, "administrator"),
            inviter != NULL ? FILL_NAME : FILL_TEXT},
        {"expires", expires, FILL_TEXT},
    };

    if (expires_at != NULL && !date_format(catalogue_language(catalogue), expires_at, culture, expires))
        return false;
    for (size_t i = 0; state != NULL && i < COUNT(states); i++) {
        if (strcmp(states[i].state, state) != 0)
            continue;
        *status = states[i].status;
        *page = render(templates, catalogue, &states[i].kind, values, COUNT(values));
        return true;
    }
    return false;
}

char *page_render_invitation(const struct templates *templates, const struct catalogue *catalogue,
    const char *culture, const char *invitation, int *status)
{
    char *page = NULL;

    memory_begin();
    json_auto_t *object = json_loads(invitation, JSON_REJECT_DUPLICATES, NULL);

    if (object == NULL || memory_ran_out())
        *status = memory_ran_out() ? 503 : 500;
    else if (!render_parsed(templates, catalogue, culture, object, &page, status))
        *status = 500;
    else if (page == NULL)
        *status = 503;
    return page;
}

char *page_render_problem(
    const struct templates *templates, const struct catalogue *catalogue, int status, const char *reference)
{
    const struct fill_value values[] = {{"reference", reference, FILL_TEXT}};
    size_t i = 0;

    while (problems[i].status != 0 && problems[i].status != status)
        i++;
    return render(templates, catalogue, &problems[i].kind, values, COUNT(values));
}
