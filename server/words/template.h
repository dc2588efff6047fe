#ifndef ACCOUNTSD_TEMPLATE_H
#define ACCOUNTSD_TEMPLATE_H

/* The words of mails and pages: skeletons, and for each language a catalogue of sentences, as the files of
 * server/templates have them, with gaps for values (fill.h). Nothing changes after loading, so any thread may
 * read. */

#include <stdbool.h>
#include <stddef.h>

#include "words/date.h"

enum template_skeleton {
    TEMPLATE_MAIL_TEXT,
    TEMPLATE_MAIL_HTML,
    /* The frame of every page, and what is in it. */
    TEMPLATE_PAGE,
    TEMPLATE_PAGE_OPEN,
    TEMPLATE_PAGE_NOTICE,
    TEMPLATE_PAGE_RETRY,
    TEMPLATE_PAGE_STYLE,
    TEMPLATE_SKELETONS,
};

struct templates;
struct catalogue;

/* Room for a line of each of the first mistakes. */
#define TEMPLATE_ERROR_MAX 4096

/* Reads the built-in files and those of a directory, "" for none: a file takes the place of the built-in one
 * of its name, "<language tag>.json" may add a language, names that begin with a dot are passed over. NULL on
 * failure; error then has every mistake, a line each, the lines parted by newlines. */
struct templates *templates_load(const char *directory, char error[TEMPLATE_ERROR_MAX]);
/* The same for the start of a program, which ends with the mistakes (die.h). */
struct templates *templates_require(const char *directory);
void templates_free(struct templates *templates);

const char *templates_skeleton(const struct templates *templates, enum template_skeleton skeleton);

#define TEMPLATE_HASH_MAX 64

/* The style sheet of the pages as a source of Content-Security-Policy: "sha256-...". */
const char *templates_style_hash(const struct templates *templates);

/* The catalogue for a person's language tag, by lookup (RFC 4647, section 3.4); English where there is none
 * or tag is NULL. */
const struct catalogue *templates_find(const struct templates *templates, const char *tag);

/* The catalogue for a value of Accept-Language; English where none suits or header is NULL. */
const struct catalogue *templates_accept(const struct templates *templates, const char *header);

size_t templates_catalogue_count(const struct templates *templates);
const struct catalogue *templates_catalogue_at(const struct templates *templates, size_t index);

/* The language tag of a catalogue, and "ltr" or "rtl". */
const char *catalogue_language(const struct catalogue *catalogue);
const char *catalogue_direction(const struct catalogue *catalogue);

/* As date_format (date.h). */
bool catalogue_format_date(
    const struct catalogue *catalogue, const char *moment, const char *culture, char date[DATE_MAX]);

/* A sentence of a catalogue by its key, which must be one of the keys below. */
const char *catalogue_sentence(const struct catalogue *catalogue, const char *key);

/* The keys that every catalogue has. */
size_t template_key_count(void);
const char *template_key_at(size_t index);

#endif
