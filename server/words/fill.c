#include "words/fill.h"

#include <stdlib.h>
#include <string.h>

#include "base/count.h"
#include "base/text.h"

struct buffer {
    char *text;
    size_t len, size;
    bool failed;
};

static void append(struct buffer *buffer, const char *text, size_t len)
{
    if (buffer->failed)
        return;
    if (buffer->size - buffer->len < len + 1) {
        size_t size = (buffer->len + len + 1) * 2;
        char *larger = realloc(buffer->text, size);

        if (larger == NULL) {
            buffer->failed = true;
            return;
        }
        buffer->text = larger;
        buffer->size = size;
    }
    memcpy(buffer->text + buffer->len, text, len);
    buffer->len += len;
    buffer->text[buffer->len] = '\0';
}

struct replacement {
    const char *from, *to;
};

/* Line and paragraph separators, and bidirectional formatting characters. */
static const struct replacement layout[] = {
    {"\xe2\x80\xa8", " "},
    {"\xe2\x80\xa9", " "},
    {"\xe2\x80\xaa", ""},
    {"\xe2\x80\xab", ""},
    {"\xe2\x80\xac", ""},
    {"\xe2\x80\xad", ""},
    {"\xe2\x80\xae", ""},
    {"\xe2\x81\xa6", ""},
    {"\xe2\x81\xa7", ""},
    {"\xe2\x81\xa8", ""},
    {"\xe2\x81\xa9", ""},
};

static const struct replacement html[] = {
    {"&", "&amp;"},
    {"<", "&lt;"},
    {">", "&gt;"},
    {"\"", "&quot;"},
    {"'", "&#39;"},
};

/* The characters by which mail programs recognize URLs and addresses, in several scripts. The zero-width
 * space prevents a program from turning a user's name into a link. */
static const struct replacement link_punctuation[] = {
    {".", ".\xe2\x80\x8b"},
    {":", ":\xe2\x80\x8b"},
    {"@", "@\xe2\x80\x8b"},
    {"\xe3\x80\x82", "\xe3\x80\x82\xe2\x80\x8b"},
    {"\xef\xbc\x8e", "\xef\xbc\x8e\xe2\x80\x8b"},
    {"\xef\xbc\xa0", "\xef\xbc\xa0\xe2\x80\x8b"},
    {"\xef\xbd\xa1", "\xef\xbd\xa1\xe2\x80\x8b"},
};

static const struct replacement *find_replacement(
    const struct replacement *replacements, size_t count, const char *text, size_t len)
{
    for (size_t i = 0; i < count; i++) {
        size_t from_len = strlen(replacements[i].from);

        if (from_len <= len && memcmp(replacements[i].from, text, from_len) == 0)
            return &replacements[i];
    }
    return NULL;
}

/* Where text comes from, which decides what is replaced in it. */
enum origin { OF_TEMPLATE, OF_VALUE, OF_NAME };

static void append_text(struct buffer *buffer, const char *text, size_t len, bool is_html, enum origin origin)
{
    while (len > 0) {
        const struct replacement *replacement = NULL;
        size_t taken = 1;

        if (origin != OF_TEMPLATE)
            replacement = find_replacement(layout, COUNT(layout), text, len);
        if (origin == OF_NAME && replacement == NULL &&
            (replacement = find_replacement(link_punctuation, COUNT(link_punctuation), text, len)) != NULL &&
            (strlen(replacement->from) == len || text[strlen(replacement->from)] == ' '))
            replacement = NULL;
        if (replacement == NULL && is_html)
            replacement = find_replacement(html, COUNT(html), text, len);
        if (replacement != NULL) {
            taken = strlen(replacement->from);
            append(buffer, replacement->to, strlen(replacement->to));
        } else {
            append(buffer, text, 1);
        }
        text += taken;
        len -= taken;
    }
}

static void append_value(struct buffer *buffer, const struct fill_value *value, bool is_html)
{
    static const char open[] = "<bdi>", close[] = "</bdi>";
    bool is_isolated = is_html && value->kind == FILL_NAME;

    if (value->kind == FILL_RAW) {
        append(buffer, value->value, strlen(value->value));
        return;
    }
    if (is_isolated)
        append(buffer, open, sizeof(open) - 1);
    append_text(
        buffer, value->value, strlen(value->value), is_html, value->kind == FILL_NAME ? OF_NAME : OF_VALUE);
    if (is_isolated)
        append(buffer, close, sizeof(close) - 1);
}

static const struct fill_value *find_value(
    const struct fill_value *values, size_t count, const char *name, size_t len)
{
    for (size_t i = 0; i < count; i++) {
        if (text_equals(name, len, values[i].name))
            return &values[i];
    }
    return NULL;
}

const char *fill_next_placeholder(const char *template, const char **name, size_t *len)
{
    for (const char *open = template; (open = strchr(open, '{')) != NULL; open++) {
        const char *end = open + 1;

        while (text_is_letter((unsigned char)*end))
            end++;
        if (*end == '}' && end > open + 1) {
            *name = open + 1;
            *len = (size_t)(end - open - 1);
            return end + 1;
        }
    }
    return NULL;
}

char *fill(const char *template, enum fill_format format, const struct fill_value *values, size_t count)
{
    struct buffer buffer = {.text = NULL};
    const char *name, *after;
    size_t len;

    append(&buffer, "", 0);
    while ((after = fill_next_placeholder(template, &name, &len)) != NULL) {
        const struct fill_value *value = find_value(values, count, name, len);
        const char *end = value != NULL ? name - 1 : after;

        append_text(&buffer, template, (size_t)(end - template), format == FILL_SENTENCE, OF_TEMPLATE);
        if (value != NULL)
            append_value(&buffer, value, format != FILL_PLAIN);
        template = after;
    }
    append_text(&buffer, template, strlen(template), format == FILL_SENTENCE, OF_TEMPLATE);
    if (buffer.failed) {
        free(buffer.text);
        return NULL;
    }
    return buffer.text;
}
