#include "api/prefer.h"

#include "http/headers.h"

/* preference = token [ BWS "=" BWS word ] *( OWS ";" [ OWS parameter ] ), separated by commas. */

/* Parses the preference at *at and advances *at to the next comma or to the end. */
static enum prefer_verdict parse(const char **at, const char *end, const char *name, const char *value)
{
    const char *token = *at, *token_end = header_skip_token(token, end), *word, *word_end;
    enum prefer_verdict verdict = PREFER_NOT_GIVEN;

    word = word_end = header_skip_space(token_end, end);
    if (word < end && *word == '=') {
        word = header_skip_space(word + 1, end);
        word_end = word < end && *word == '"' ? header_skip_string(word, end) : header_skip_token(word, end);
    }
    *at = header_skip_space(word_end, end);
    if (header_value_is(token, token_end, name) && (*at == end || **at == ',' || **at == ';'))
        verdict = header_value_is(word, word_end, value) ? PREFER_YES : PREFER_OTHER;
    while (*at < end && **at != ',')
        *at = **at == '"' ? header_skip_string(*at, end) : *at + 1;
    return verdict;
}

enum prefer_verdict prefer_find(const char *header, size_t len, const char *name, const char *value)
{
    const char *end = header + len;
    enum prefer_verdict verdict = PREFER_NOT_GIVEN;

    while (header < end && verdict == PREFER_NOT_GIVEN) {
        header = header_skip_space(header, end);
        verdict = parse(&header, end, name, value);
        if (header < end)
            header++;
    }
    return verdict;
}
