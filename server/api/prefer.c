#include "api/prefer.h"

#include <string.h>
#include <strings.h>

#include "base/text.h"

/* preference = token [ BWS "=" BWS word ] *( OWS ";" [ OWS parameter ] ), and commas between preferences. */

static const char *skip_token(const char *at, const char *end)
{
    while (at < end && text_is_token_character((unsigned char)*at))
        at++;
    return at;
}

static const char *skip_space(const char *at, const char *end)
{
    while (at < end && (*at == ' ' || *at == '\t'))
        at++;
    return at;
}

/* The end of a quoted string that begins at at; end where nothing closes it. */
static const char *skip_string(const char *at, const char *end)
{
    for (at++; at < end; at++) {
        if (*at == '"')
            return at + 1;
        if (*at == '\\' && at + 1 < end)
            at++;
    }
    return end;
}

/* Whether text, a token or a quoted string with escapes, says the same as expected. */
static bool says(const char *text, const char *end, const char *expected)
{
    bool is_string = text < end && *text == '"';

    if (is_string && (end - text < 2 || end[-1] != '"'))
        return false;
    if (is_string)
        text++, end--;
    for (; text < end; text++, expected++) {
        if (is_string && *text == '\\' && ++text == end)
            return false;
        if (*expected == '\0' || strncasecmp(text, expected, 1) != 0)
            return false;
    }
    return *expected == '\0';
}

/* Looks at the preference at *at, and moves *at to the comma behind it, or to the end. */
static enum prefer_verdict look(const char **at, const char *end, const char *name, const char *value)
{
    const char *token = *at, *token_end = skip_token(token, end), *word, *word_end;
    enum prefer_verdict verdict = PREFER_UNSAID;

    word = word_end = skip_space(token_end, end);
    if (word < end && *word == '=') {
        word = skip_space(word + 1, end);
        word_end = word < end && *word == '"' ? skip_string(word, end) : skip_token(word, end);
    }
    *at = skip_space(word_end, end);
    if (says(token, token_end, name) && (*at == end || **at == ',' || **at == ';'))
        verdict = says(word, word_end, value) ? PREFER_YES : PREFER_OTHER;
    while (*at < end && **at != ',')
        *at = **at == '"' ? skip_string(*at, end) : *at + 1;
    return verdict;
}

enum prefer_verdict prefer_find(const char *header, size_t len, const char *name, const char *value)
{
    const char *end = header + len;
    enum prefer_verdict verdict = PREFER_UNSAID;

    while (header < end && verdict == PREFER_UNSAID) {
        header = skip_space(header, end);
        verdict = look(&header, end, name, value);
        if (header < end)
            header++;
    }
    return verdict;
}
