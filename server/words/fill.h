#ifndef ACCOUNTSD_FILL_H
#define ACCOUNTSD_FILL_H

/* Templates with placeholders: "{name}" is replaced by a value. No conditions, no loops. Pure. */

#include <stdbool.h>
#include <stddef.h>

enum fill_kind {
    /* Plain text. */
    FILL_TEXT,
    /* Plain text that a user chose, in any script. In HTML it is isolated with <bdi>. A zero-width space
     * after each dot, colon and @ within prevents programs from turning it into a link. */
    FILL_NAME,
    /* Inserted as it is. */
    FILL_RAW,
};

struct fill_value {
    const char *name;
    /* UTF-8. */
    const char *value;
    enum fill_kind kind;
};

enum fill_format {
    /* The template and the result are plain text. */
    FILL_PLAIN,
    /* The template is plain text, the result HTML: template and values are escaped. */
    FILL_SENTENCE,
    /* The template and the result are HTML: only values are escaped. */
    FILL_HTML,
};

/* Replaces the placeholders of a template. The caller frees the result; NULL if memory ran out. Line
 * separators and bidirectional formatting characters in values are removed. A placeholder without a value
 * stays as it is. */
char *fill(const char *template, enum fill_format format, const struct fill_value *values, size_t count);

/* Finds the next placeholder: sets *name and *len, and returns the text after it; NULL if there is none. A
 * brace that begins no placeholder is text. */
const char *fill_next_placeholder(const char *template, const char **name, size_t *len);

#endif
