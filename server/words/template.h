#ifndef ACCOUNTSD_TEMPLATE_H
#define ACCOUNTSD_TEMPLATE_H

/* The templates of mails and pages: skeletons, and a catalogue of sentences for each language, both with
 * placeholders (fill.h). They do not change after loading, so any thread may read them. */

#include <stdbool.h>
#include <stddef.h>

enum template_skeleton {
    TEMPLATE_MAIL_TEXT,
    TEMPLATE_MAIL_HTML,
    /* The frame of every page, and the contents. */
    TEMPLATE_PAGE,
    TEMPLATE_PAGE_OPEN,
    TEMPLATE_PAGE_NOTICE,
    TEMPLATE_PAGE_RETRY,
    TEMPLATE_PAGE_STYLE,
    TEMPLATE_SKELETONS,
};

struct templates;
struct catalogue;

/* Mistakes that do not fit are left out. */
#define TEMPLATE_ERROR_MAX 4096

/* Loads the built-in templates and the files of a directory ("" for none). A file replaces the built-in one
 * of the same name; "<language tag>.json" may add a language; names that begin with a dot are ignored. NULL
 * on failure; error then has the mistakes, one per line. */
struct templates *templates_load(const char *directory, char error[TEMPLATE_ERROR_MAX]);
/* The same, but dies with the mistakes on failure (die.h). */
struct templates *templates_require(const char *directory);
void templates_free(struct templates *templates);

const char *templates_skeleton(const struct templates *templates, enum template_skeleton skeleton);

#define TEMPLATE_HASH_MAX 64

/* The hash of the pages' style sheet for Content-Security-Policy: "sha256-...". */
const char *templates_style_hash(const struct templates *templates);

/* The catalogue for a language tag, by lookup (RFC 4647, section 3.4); English if none matches or tag is
 * NULL. */
const struct catalogue *templates_find(const struct templates *templates, const char *tag);

/* The catalogue for a value of Accept-Language; English if none matches or header is NULL. */
const struct catalogue *templates_accept(const struct templates *templates, const char *header);

size_t templates_catalogue_count(const struct templates *templates);
const struct catalogue *templates_catalogue_at(const struct templates *templates, size_t index);

/* The language tag of a catalogue, and its direction, "ltr" or "rtl". */
const char *catalogue_language(const struct catalogue *catalogue);
const char *catalogue_direction(const struct catalogue *catalogue);

/* A sentence of a catalogue; NULL if key is not a key of catalogues. */
const char *catalogue_sentence(const struct catalogue *catalogue, const char *key);

/* The keys of catalogues. */
size_t template_key_count(void);
const char *template_key_at(size_t index);

#endif
