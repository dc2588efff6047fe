#include <criterion/criterion.h>
#include <dirent.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/count.h"
#include "words/template.h"

static char directory[64], error[TEMPLATE_ERROR_MAX];

static void set_up(void)
{
    strcpy(directory, "/tmp/templates-XXXXXX");
    cr_assert_not_null(mkdtemp(directory));
}

static void tear_down(void)
{
    DIR *dir = opendir(directory);
    const struct dirent *entry;

    while ((entry = readdir(dir)) != NULL)
        unlinkat(dirfd(dir), entry->d_name, 0);
    closedir(dir);
    rmdir(directory);
}

TestSuite(template, .init = set_up, .fini = tear_down);

static void write_bytes(const char *name, const char *bytes, size_t len)
{
    char path[128];
    FILE *file;

    snprintf(path, sizeof(path), "%s/%s", directory, name);
    file = fopen(path, "w");
    cr_assert_not_null(file);
    cr_assert_eq(fwrite(bytes, 1, len, file), len);
    fclose(file);
}

static void write_text(const char *name, const char *text)
{
    write_bytes(name, text, strlen(text));
}

/* Writes the English catalogue with one sentence changed, or removed if sentence is NULL. */
static void write_catalogue(const char *name, const char *key, const char *sentence)
{
    json_t *catalogue = json_load_file("server/words/templates/en.json", 0, NULL);
    char *text;

    cr_assert_not_null(catalogue);
    if (sentence != NULL)
        json_object_set_new(catalogue, key, json_string(sentence));
    else
        json_object_del(catalogue, key);
    text = json_dumps(catalogue, 0);
    write_text(name, text);
    free(text);
    json_decref(catalogue);
}

static void expect_error(const char *expected)
{
    cr_expect_null(templates_load(directory, error));
    cr_expect_str_eq(error, expected);
}

Test(template, has_every_sentence_in_every_language)
{
    static const char *const languages[] = {"de", "en", "es", "fr"};
    struct templates *templates = templates_load("", error);

    cr_assert_not_null(templates, "%s", error);
    cr_expect_eq(templates_catalogue_count(templates), 4);
    for (size_t i = 0; i < COUNT(languages); i++) {
        const struct catalogue *catalogue = templates_find(templates, languages[i]);

        cr_expect_str_eq(catalogue_language(catalogue), languages[i]);
        cr_expect_str_eq(catalogue_direction(catalogue), "ltr");
        for (size_t k = 0; k < template_key_count(); k++)
            cr_expect_not_null(catalogue_sentence(catalogue, template_key_at(k)), "%s lacks %s", languages[i],
                template_key_at(k));
    }
    templates_free(templates);
}

Test(template, has_no_equal_sentences_in_two_languages)
{
    struct templates *templates = templates_load("", error);

    cr_assert_not_null(templates, "%s", error);
    for (size_t k = 0; k < template_key_count(); k++) {
        const char *english = catalogue_sentence(templates_find(templates, "en"), template_key_at(k));

        for (size_t i = 0; i < templates_catalogue_count(templates); i++) {
            const struct catalogue *catalogue = templates_catalogue_at(templates, i);

            if (strcmp(catalogue_language(catalogue), "en") != 0)
                cr_expect_str_neq(catalogue_sentence(catalogue, template_key_at(k)), english);
        }
    }
    templates_free(templates);
}

Test(template, falls_back_to_english)
{
    struct templates *templates = templates_load("", error);

    cr_assert_not_null(templates, "%s", error);
    cr_expect_str_eq(catalogue_language(templates_find(templates, NULL)), "en");
    cr_expect_str_eq(catalogue_language(templates_find(templates, "nl")), "en");
    cr_expect_str_eq(catalogue_language(templates_find(templates, "fr-CH")), "fr");
    cr_expect_str_eq(catalogue_language(templates_accept(templates, NULL)), "en");
    cr_expect_str_eq(catalogue_language(templates_accept(templates, "nl, *")), "en");
    cr_expect_str_eq(catalogue_language(templates_accept(templates, "nl, es-AR;q=0.3")), "es");
    templates_free(templates);
}

Test(template, loads_files_that_replace_or_add_templates)
{
    struct templates *templates;

    write_text("mail.txt", "{intro} {url} {until}");
    write_text("page.css", "body { color: red }");
    write_text(".hidden", "{nonsense}");
    write_catalogue("he.json", "administrator", "מנהל");
    write_catalogue("de.json", "administrator", "Der Chef");
    templates = templates_load(directory, error);
    cr_assert_not_null(templates, "%s", error);
    cr_expect_str_eq(templates_skeleton(templates, TEMPLATE_MAIL_TEXT), "{intro} {url} {until}");
    cr_expect_str_eq(templates_style_hash(templates), "sha256-kl6HQb5peP+QG0x7FWklMRxR/HYq4xozK9Oa6BWSDQA=");
    cr_expect_eq(templates_catalogue_count(templates), 5);
    cr_expect_str_eq(catalogue_sentence(templates_find(templates, "de"), "administrator"), "Der Chef");
    cr_expect_str_eq(catalogue_sentence(templates_find(templates, "he-IL"), "administrator"), "מנהל");
    cr_expect_str_eq(catalogue_direction(templates_find(templates, "he")), "rtl");
    templates_free(templates);
}

Test(template, reports_all_mistakes_at_once)
{
    write_text("mail.txt", "{intro} {link} {until}");
    write_text("page-open.html", "<p>{text}</p>{button}{until}{onclick}");
    write_text("page.css", "a { } </style>");
    write_text("page.htm", "");
    write_text("nl.json", "{\"administrator\": \"Een beheerder\",\n}");
    write_text("it.json", "[]");
    write_bytes("mail.html", "\xff", 1);
    write_catalogue("de.json", "mail.until", "Bis bald, {nmae}");
    write_catalogue("es.json", "mail.unexpected", NULL);
    write_catalogue("fr.json", "mail.surprise", "Bonjour");
    expect_error("de.json: \"mail.until\": unknown placeholder {nmae}\n"
                 "de.json: \"mail.until\": {expires} is missing\n"
                 "es.json: \"mail.unexpected\" is missing\n"
                 "fr.json: \"mail.surprise\" is not a key of a catalogue\n"
                 "mail.html: is not UTF-8\n"
                 "mail.txt: unknown placeholder {link}\n"
                 "mail.txt: {url} is missing\n"
                 "page-open.html: unknown placeholder {onclick}\n"
                 "it.json: is not a JSON object\n"
                 "nl.json, line 2: string or '}' expected near '}'\n"
                 "page.htm: is not the name of a template\n"
                 "page.css: \"</\" would end the style sheet");
}

Test(template, finds_mistakes_in_sentences)
{
    static const struct {
        const char *key, *sentence, *error;
    } rows[] = {
        {"mail.until", "Bye", "de.json: \"mail.until\": {expires} is missing"},
        {"mail.button", NULL, "de.json: \"mail.button\" is missing"},
        {"mail.button", "", "de.json: \"mail.button\" is not a string, or is empty"},
        {"mail.button", "a\nb", "de.json: \"mail.button\" has a control character"},
        {"mail.button", "{url}", "de.json: \"mail.button\": unknown placeholder {url}"},
        {"mail.button", "{account", "de.json: \"mail.button\": a brace does not belong to a placeholder"},
        {"mail.button", "{ account} {account}",
            "de.json: \"mail.button\": a brace does not belong to a placeholder"},
        {"page.wrong.text", "{account}", "de.json: \"page.wrong.text\": unknown placeholder {account}"},
        {"page.worse.text", "x", "de.json: \"page.worse.text\" is not a key of a catalogue"},
    };

    for (size_t i = 0; i < COUNT(rows); i++) {
        write_catalogue("de.json", rows[i].key, rows[i].sentence);
        expect_error(rows[i].error);
    }
}

Test(template, reports_unreadable_files)
{
    char expected[128];

    write_bytes("mail.txt", "{intro} {url} {until}\0", 22);
    expect_error("mail.txt: is not UTF-8");
    cr_expect_null(templates_load("/nowhere/at/all", error));
    cr_expect_str_eq(error, "/nowhere/at/all: No such file or directory");
    tear_down();
    set_up();
    snprintf(expected, sizeof(expected), "%s/mail.txt: No such file or directory", directory);
    char path[128];
    snprintf(path, sizeof(path), "%s/mail.txt", directory);
    cr_assert_eq(symlink("/nowhere/at/all", path), 0);
    expect_error(expected);
}
