#include "words/template.h"

#include <dirent.h>
#include <errno.h>
#include <jansson.h>
#include <openssl/evp.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unicode/uloc.h>

#include "base/die.h"
#include "base/field_rules.h"
#include "base/memory.h"
#include "base/text.h"
#include "words/language.h"
#include "words/template_check.h"
#include "words/template_files.h"

#define FILE_MAX ((size_t)256 * 1024)

#define DEFAULT_LANGUAGE "en"
#define CATALOGUE_SUFFIX ".json"
#define LANGUAGE_TAG_MAX 35

struct catalogue {
    char language[LANGUAGE_TAG_MAX + 1];
    bool is_rtl;
    json_t *sentences;
};

struct templates {
    char *skeletons[TEMPLATE_SKELETONS];
    struct catalogue *catalogues;
    /* The language of each catalogue. */
    const char **languages;
    size_t count, english;
    char style_hash[TEMPLATE_HASH_MAX];
};

/* A file that has been read and not yet checked. */
struct source {
    char *name, *text;
    size_t len;
};

struct loading {
    struct source *sources;
    size_t count;
    struct template_errors errors;
};

/* Adds or replaces a file. Takes ownership of text. */
static void add_source(struct loading *loading, const char *name, char *text, size_t len)
{
    struct source *source = NULL;

    for (size_t i = 0; i < loading->count; i++) {
        if (strcmp(loading->sources[i].name, name) == 0)
            source = &loading->sources[i];
    }
    if (source != NULL) {
        free(source->text);
    } else {
        loading->sources = memory_require(realloc(loading->sources, (loading->count + 1) * sizeof(*source)));
        source = &loading->sources[loading->count++];
        source->name = memory_require(strdup(name));
    }
    source->text = text;
    source->len = len;
}

static void add_built_in(struct loading *loading)
{
    for (size_t i = 0; i < template_file_count; i++) {
        char *text = memory_require(strdup(template_files[i].text));

        add_source(loading, template_files[i].name, text, strlen(text));
    }
}

static void read_file(struct loading *loading, const char *directory, const char *name)
{
    char *path, *text = memory_require(malloc(FILE_MAX + 1));
    FILE *file = NULL;
    size_t len = 0;

    memory_require(asprintf(&path, "%s/%s", directory, name) >= 0 ? path : NULL);
    errno = 0;
    if ((file = fopen(path, "re")) != NULL)
        len = fread(text, 1, FILE_MAX, file);
    if (file == NULL || ferror(file) != 0) {
        template_add_error(&loading->errors, "%s: %s", path, strerror(errno));
        free(text);
    } else if (fgetc(file) != EOF) {
        template_add_error(&loading->errors, "%s: is larger than %zu bytes", path, FILE_MAX);
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
        template_add_error(&loading->errors, "%s: %s", directory, strerror(errno));
        return;
    }
    for (int i = 0; i < count; i++) {
        if (entries[i]->d_name[0] != '.')
            read_file(loading, directory, entries[i]->d_name);
        free(entries[i]);
    }
    free(entries);
}

/* NULL if the file is not a JSON object. */
static json_t *parse_catalogue(struct loading *loading, const struct source *source)
{
    json_error_t error;
    json_t *object = json_loadb(source->text, source->len, JSON_REJECT_DUPLICATES, &error);

    if (!json_is_object(object)) {
        if (object != NULL)
            template_add_error(&loading->errors, "%s: is not a JSON object", source->name);
        else
            template_add_error(&loading->errors, "%s, line %d: %s", source->name, error.line, error.text);
        json_decref(object);
        return NULL;
    }
    template_check_catalogue(&loading->errors, source->name, object);
    return object;
}

/* The length of the language tag in the name of a catalogue; 0 if the file is not a catalogue. */
static size_t tag_len(const char *name)
{
    const char *messages[FIELD_MAX_MESSAGES];
    size_t len = strlen(name), suffix_len = sizeof(CATALOGUE_SUFFIX) - 1;

    if (len <= suffix_len || strcmp(name + len - suffix_len, CATALOGUE_SUFFIX) != 0)
        return 0;
    len -= suffix_len;
    return len <= LANGUAGE_TAG_MAX && field_check(FIELD_LANGUAGE_TAG, name, len, messages) == 0 ? len : 0;
}

static void add_catalogue(struct loading *loading, struct templates *templates, const struct source *source)
{
    struct catalogue *catalogue = &templates->catalogues[templates->count];
    size_t len = tag_len(source->name);

    memcpy(catalogue->language, source->name, len);
    catalogue->language[len] = '\0';
    if ((catalogue->sentences = parse_catalogue(loading, source)) == NULL)
        return;
    catalogue->is_rtl = uloc_isRightToLeft(catalogue->language);
    if (strcmp(catalogue->language, DEFAULT_LANGUAGE) == 0)
        templates->english = templates->count;
    templates->languages[templates->count++] = catalogue->language;
}

/* Takes ownership of the source's text. */
static void add_skeleton(struct loading *loading, struct templates *templates, struct source *source)
{
    enum template_skeleton skeleton = template_find_skeleton(source->name);

    if (skeleton == TEMPLATE_SKELETONS) {
        template_add_error(&loading->errors, "%s: is not the name of a template", source->name);
        return;
    }
    template_check_skeleton(&loading->errors, skeleton, source->text);
    templates->skeletons[skeleton] = source->text;
    source->text = NULL;
}

static void hash_style(struct loading *loading, struct templates *templates)
{
    static const char prefix[] = "sha256-";
    const char *style = templates->skeletons[TEMPLATE_PAGE_STYLE];
    unsigned char hash[EVP_MAX_MD_SIZE];

    if (style == NULL)
        return;
    if (strstr(style, "</") != NULL)
        template_add_error(&loading->errors, "page.css: \"</\" would end the style sheet");
    if (EVP_Digest(style, strlen(style), hash, NULL, EVP_sha256(), NULL) != 1) {
        template_add_error(&loading->errors, "templates: OpenSSL cannot hash");
        return;
    }
    memcpy(templates->style_hash, prefix, sizeof(prefix) - 1);
    EVP_EncodeBlock((unsigned char *)templates->style_hash + sizeof(prefix) - 1, hash, 32);
}

static void add_all(struct loading *loading, struct templates *templates)
{
    for (size_t i = 0; i < loading->count; i++) {
        struct source *source = &loading->sources[i];

        if (!text_is_utf8(source->text, source->len) || strlen(source->text) != source->len)
            template_add_error(&loading->errors, "%s: is not UTF-8", source->name);
        else if (tag_len(source->name) > 0)
            add_catalogue(loading, templates, source);
        else
            add_skeleton(loading, templates, source);
    }
    hash_style(loading, templates);
}

struct templates *templates_load(const char *directory, char error[TEMPLATE_ERROR_MAX])
{
    struct loading loading = {.errors = {.text = error}};
    struct templates *templates = memory_require(calloc(1, sizeof(*templates)));

    *error = '\0';
    add_built_in(&loading);
    if (*directory != '\0')
        read_directory(&loading, directory);
    templates->catalogues = memory_require(calloc(loading.count + 1, sizeof(*templates->catalogues)));
    templates->languages = memory_require(calloc(loading.count + 1, sizeof(*templates->languages)));
    add_all(&loading, templates);
    for (size_t i = 0; i < loading.count; i++) {
        free(loading.sources[i].name);
        free(loading.sources[i].text);
    }
    free(loading.sources);
    if (!loading.errors.any)
        return templates;
    templates_free(templates);
    return NULL;
}

struct templates *templates_require(const char *directory)
{
    char error[TEMPLATE_ERROR_MAX];
    struct templates *templates = templates_load(directory, error);

    if (templates == NULL)
        die(error);
    return templates;
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
    return catalogue->is_rtl ? "rtl" : "ltr";
}

const char *catalogue_sentence(const struct catalogue *catalogue, const char *key)
{
    return json_string_value(json_object_get(catalogue->sentences, key));
}
