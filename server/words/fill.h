#ifndef ACCOUNTSD_FILL_H
#define ACCOUNTSD_FILL_H

/* Texts with gaps: "{name}" stands for a value. No conditions, no loops. Pure. */

#include <stdbool.h>
#include <stddef.h>

enum fill_kind {
    /* Plain text. */
    FILL_TEXT,
    /* Plain text that people chose, of whatever script: in HTML it is kept apart from the text around it, and
     * a zero-width space behind each dot, colon and @ within keeps programs from making links of it. */
    FILL_NAME,
    /* Of the text's own format already. */
    FILL_RAW,
};

struct fill_value {
    const char *name;
    /* UTF-8. */
    const char *value;
    enum fill_kind kind;
};

enum fill_format {
    /* The template and the values are plain text. */
    FILL_PLAIN,
    /* The template is plain text, the result HTML: all of it is escaped. */
    FILL_SENTENCE,
    /* The template is HTML, and only the values are escaped. */
    FILL_HTML,
};

/* The template with its gaps filled, which the caller frees; NULL when memory ran out. Each value stays on
 * its line and in its direction: what would break a line or turn the text around is left out. A gap without
 * a value stays as it is. */
char *fill(const char *template, enum fill_format format, const struct fill_value *values, size_t count);

/* The next gap in a template: sets *name and *len, and returns where the text after the gap begins; NULL when
 * there is none. A brace that begins no gap is text. */
const char *fill_next_gap(const char *template, const char **name, size_t *len);

#endif
