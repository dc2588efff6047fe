#include "template.h"

#include <dirent.h>
#include <errno.h>
#include <jansson.h>
#include <openssl/evp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fill.h"
#include "language.h"
#include "template_files.h"
#include "text.h"

/* Of one file. */
#define FILE_MAX (256 * 1024)

#define DEFAULT_LANGUAGE "en"
#define CATALOGUE_SUFFIX ".json"
#define LANGUAGE_TAG_MAX 35

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

#define SENTENCE_COUNT (sizeof(sentences) / sizeof(sentences[0]))

struct catalogue {
    char language[LANGUAGE_TAG_MAX + 1];
    json_t *sentences;
};

struct templates {
    char *skeletons[TEMPLATE_SKELETONS];
    struct catalogue *catalogues;
    /* The languages of the catalogues, in their order. */
    const char **languages;
    size_t count, english;
    char style_hash[TEMPLATE_HASH_MAX];
};

/* A file as it is read, before anybody knows whether it is sound. */
struct source {
    char *name, *text;
    size_t len;
};

struct loading {
    struct source *sources;
    size_t count;
    char *error;
    size_t error_len;
    bool failed;
};

__attribute__((format(printf, 2, 3))) static void complain(struct loading *loading, const char *format, ...)
{
    size_t left = TEMPLATE_ERROR_MAX - loading->error_len;
    char line[512];
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(line, sizeof(line), format, arguments);
    va_end(arguments);
    loading->failed = true;
    /* Whole lines only. */
    if (strlen(line) + 2 > left)
        return;
    loading->error_len += (size_t)snprintf(
        loading->error + loading->error_len, left, "%s%s", loading->error_len > 0 ? "\n" : "", line);
}

static const char no_memory[] = "templates: out of memory";

/* Takes a text over as that of a file. */
static void add_source(struct loading *loading, const char *name, char *text, size_t len)
{
    struct source *source = NULL, *more;

    for (size_t i = 0; i < loading->count; i++) {
        if (strcmp(loading->sources[i].name, name) == 0)
            source = &loading->sources[i];
    }
    if (source != NULL) {
        free(source->text);
    } else {
        if ((more = realloc(loading->sources, (loading->count + 1) * sizeof(*more))) == NULL) {
            complain(loading, no_memory);
            free(text);
            return;
        }
        loading->sources = more;
        source = &more[loading->count];
        if ((source->name = strdup(name)) == NULL) {
            complain(loading, no_memory);
            free(text);
            return;
        }
        loading->count++;
    }
    source->text = text;
    source->len = len;
}

static void add_built_in(struct loading *loading)
{
    for (size_t i = 0; i < template_file_count; i++) {
        char *text = strdup(template_files[i].text);

        if (text == NULL)
            complain(loading, no_memory);
        else
            add_source(loading, template_files[i].name, text, strlen(text));
    }
}

static void read_file(struct loading *loading, const char *directory, const char *name)
{
    char *path = NULL, *text = malloc(FILE_MAX + 1);
    FILE *file = NULL;
    size_t len = 0;

    if (text == NULL || asprintf(&path, "%s/%s", directory, name) < 0) {
        complain(loading, no_memory);
        free(text);
        return;
    }
    errno = 0;
    if ((file = fopen(path, "re")) != NULL)
        len = fread(text, 1, FILE_MAX, file);
    if (file == NULL || ferror(file) != 0) {
        complain(loading, "%s: %s", path, strerror(errno));
        free(text);
    } else if (fgetc(file) != EOF) {
        complain(loading, "%s: is larger than %d bytes", path, FILE_MAX);
        free(text);
    } else {
        text[len] = '\0';
        add_source(loading, name, text, len);
    }
    if (file != NULL)
        fclose(file);
    free(path);
}

static void read_directory(struct loading *loading, const char *directory)
{
    struct dirent **entries;
    int count = scandir(directory, &entries, NULL, alphasort);

    if (count < 0) {
        complain(loading, "%s: %s", directory, strerror(errno));
        return;
    }
    for (int i = 0; i < count; i++) {
        if (entries[i]->d_name[0] != '.')
            read_file(loading, directory, entries[i]->d_name);
        free(entries[i]);
    }
    free(entries);
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
static void check_gaps(struct loading *loading, const char *place, const char *gaps, const char *text)
{
    const char *name;
    size_t len;

    for (const char *at = text; (at = fill_next_gap(at, &name, &len)) != NULL;) {
        if (!may_have(gaps, name, len))
            complain(loading, "%s: there is nothing for {%.*s} here", place, (int)len, name);
    }
    while (*gaps != '\0') {
        size_t word = strcspn(gaps, " !");

        if (gaps[word] == '!' && !has_gap(text, gaps, word))
            complain(loading, "%s: {%.*s} is missing", place, (int)word, gaps);
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

static void check_sentence(
    struct loading *loading, const char *file, const struct rule *rule, const json_t *sentence)
{
    const char *text = json_string_value(sentence);
    char place[160];

    snprintf(place, sizeof(place), "%.80s: \"%s\"", file, rule->name);
    if (sentence == NULL) {
        complain(loading, "%s is missing", place);
    } else if (text == NULL || *text == '\0') {
        complain(loading, "%s is not a text", place);
    } else {
        /* A subject, a title or a heading is one line. */
        for (const char *c = text; *c != '\0'; c++) {
            if ((unsigned char)*c < ' ' || *c == 0x7f) {
                complain(loading, "%s has a control character", place);
                break;
            }
        }
        check_gaps(loading, place, rule->gaps, text);
        if (has_stray_brace(text))
            complain(loading, "%s: a brace stands for nothing", place);
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

/* The sentences of a catalogue, NULL where it is no JSON. */
static json_t *parse_catalogue(struct loading *loading, const struct source *source)
{
    json_error_t error;
    json_t *object = json_loadb(source->text, source->len, JSON_REJECT_DUPLICATES, &error), *sentence;
    const char *key;

    if (!json_is_object(object)) {
        if (object != NULL)
            complain(loading, "%s: is not a JSON object", source->name);
        else
            complain(loading, "%s, line %d: %s", source->name, error.line, error.text);
        json_decref(object);
        return NULL;
    }
    json_object_foreach(object, key, sentence)
    {
        if (!is_key(key))
            complain(loading, "%s: \"%.80s\" is not a key of a catalogue", source->name, key);
    }
    for (size_t i = 0; i < SENTENCE_COUNT; i++)
        check_sentence(loading, source->name, &sentences[i], json_object_get(object, sentences[i].name));
    return object;
}

/* The length of the language tag in the name of a catalogue, 0 where it is none. */
static size_t tag_len(const char *name)
{
    const char *messages[TEXT_MAX_MESSAGES];
    size_t len = strlen(name), suffix_len = sizeof(CATALOGUE_SUFFIX) - 1;

    if (len <= suffix_len || strcmp(name + len - suffix_len, CATALOGUE_SUFFIX) != 0)
        return 0;
    len -= suffix_len;
    return len <= LANGUAGE_TAG_MAX && text_check(TEXT_LANGUAGE_TAG, name, len, messages) == 0 ? len : 0;
}

static void add_catalogue(struct loading *loading, struct templates *templates, const struct source *source)
{
    struct catalogue *catalogue = &templates->catalogues[templates->count];
    size_t len = tag_len(source->name);
    char date[LANGUAGE_DATE_MAX];

    memcpy(catalogue->language, source->name, len);
    catalogue->language[len] = '\0';
    if ((catalogue->sentences = parse_catalogue(loading, source)) == NULL)
        return;
    /* ICU reads what it needs to know of a language now, and not when the first is answered. */
    if (!language_format_date("2026-01-31T23:00:00Z", catalogue->language, NULL, date))
        complain(loading, "%s: dates cannot be written in this language", source->name);
    if (strcmp(catalogue->language, DEFAULT_LANGUAGE) == 0)
        templates->english = templates->count;
    templates->languages[templates->count++] = catalogue->language;
}

static bool is_utf8(const struct source *source)
{
    json_t *text = json_stringn(source->text, source->len);
    bool is_sound = text != NULL && strlen(source->text) == source->len;

    json_decref(text);
    return is_sound;
}

/* Takes the text of a source over. */
static void add_skeleton(struct loading *loading, struct templates *templates, struct source *source)
{
    for (size_t i = 0; i < TEMPLATE_SKELETONS; i++) {
        if (strcmp(skeletons[i].name, source->name) != 0)
            continue;
        check_gaps(loading, source->name, skeletons[i].gaps, source->text);
        templates->skeletons[i] = source->text;
        source->text = NULL;
        return;
    }
    complain(loading, "%s: there is no template of this name", source->name);
}

static void hash_style(struct loading *loading, struct templates *templates)
{
    static const char prefix[] = "sha256-";
    const char *style = templates->skeletons[TEMPLATE_PAGE_STYLE];
    unsigned char hash[EVP_MAX_MD_SIZE];

    if (style == NULL)
        return;
    if (strstr(style, "</") != NULL)
        complain(loading, "page.css: \"</\" would end the style sheet");
    if (EVP_Digest(style, strlen(style), hash, NULL, EVP_sha256(), NULL) != 1) {
        complain(loading, "templates: OpenSSL cannot hash");
        return;
    }
    memcpy(templates->style_hash, prefix, sizeof(prefix) - 1);
    EVP_EncodeBlock((unsigned char *)templates->style_hash + sizeof(prefix) - 1, hash, 32);
}

static void add_all(struct loading *loading, struct templates *templates)
{
    for (size_t i = 0; i < loading->count; i++) {
        struct source *source = &loading->sources[i];

        if (!is_utf8(source))
            complain(loading, "%s: is not UTF-8", source->name);
        else if (tag_len(source->name) > 0)
            add_catalogue(loading, templates, source);
        else
            add_skeleton(loading, templates, source);
    }
    hash_style(loading, templates);
}

struct templates *templates_load(const char *directory, char error[TEMPLATE_ERROR_MAX])
{
    struct loading loading = {.error = error};
    struct templates *templates = calloc(1, sizeof(*templates));

    *error = '\0';
    add_built_in(&loading);
    if (*directory != '\0')
        read_directory(&loading, directory);
    if (templates != NULL) {
        templates->catalogues = calloc(loading.count + 1, sizeof(*templates->catalogues));
        templates->languages = calloc(loading.count + 1, sizeof(*templates->languages));
    }
    if (templates == NULL || templates->catalogues == NULL || templates->languages == NULL)
        complain(&loading, no_memory);
    else
        add_all(&loading, templates);
    for (size_t i = 0; i < loading.count; i++) {
        free(loading.sources[i].name);
        free(loading.sources[i].text);
    }
    free(loading.sources);
    if (!loading.failed)
        return templates;
    templates_free(templates);
    return NULL;
}

void templates_free(struct templates *templates)
{
    if (templates == NULL)
        return;
    for (size_t i = 0; i < TEMPLATE_SKELETONS; i++)
        free(templates->skeletons[i]);
    for (size_t i = 0; i < templates->count; i++)
        json_decref(templates->catalogues[i].sentences);
    free(templates->catalogues);
    free(templates->languages);
    free(templates);
}

const char *templates_skeleton(const struct templates *templates, enum template_skeleton skeleton)
{
    return templates->skeletons[skeleton];
}

const char *templates_style_hash(const struct templates *templates)
{
    return templates->style_hash;
}

const struct catalogue *templates_find(const struct templates *templates, const char *tag)
{
    size_t found =
        tag != NULL ? language_lookup(tag, templates->languages, templates->count) : templates->count;

    return &templates->catalogues[found < templates->count ? found : templates->english];
}

const struct catalogue *templates_accept(const struct templates *templates, const char *header)
{
    size_t found =
        header != NULL ? language_accept(header, templates->languages, templates->count) : templates->count;

    return &templates->catalogues[found < templates->count ? found : templates->english];
}

size_t templates_catalogue_count(const struct templates *templates)
{
    return templates->count;
}

const struct catalogue *templates_catalogue_at(const struct templates *templates, size_t index)
{
    return &templates->catalogues[index];
}

const char *catalogue_language(const struct catalogue *catalogue)
{
    return catalogue->language;
}

const char *catalogue_direction(const struct catalogue *catalogue)
{
    return language_is_rtl(catalogue->language) ? "rtl" : "ltr";
}

const char *catalogue_sentence(const struct catalogue *catalogue, const char *key)
{
    return json_string_value(json_object_get(catalogue->sentences, key));
}

size_t template_key_count(void)
{
    return SENTENCE_COUNT;
}

const char *template_key_at(size_t index)
{
    return sentences[index].name;
}
