#include "words/language.h"

#include <stdbool.h>
#include <string.h>
#include <strings.h>

#include "base/text.h"

static size_t find_tag(const char *tag, size_t len, const char *const *tags, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (text_equals_in_any_case(tag, len, tags[i]))
            return i;
    }
    return count;
}

static size_t look_up(const char *tag, size_t len, const char *const *tags, size_t count)
{
    size_t found;

    while ((found = find_tag(tag, len, tags, count)) == count) {
        while (len > 0 && tag[len - 1] != '-')
            len--;
        if (len == 0)
            break;
        len--;
        /* Lookup also removes a single letter that introduced the removed subtag, as "x" in "de-x-mine". */
        if (len > 1 && tag[len - 2] == '-')
            len -= 2;
    }
    return found;
}

size_t language_lookup(const char *tag, const char *const *tags, size_t count)
{
    return look_up(tag, strlen(tag), tags, count);
}

static const char *skip_spaces(const char *text)
{
    return text + strspn(text, " \t");
}

/* Parses the weight after a tag (RFC 9110, section 12.4.2), in thousandths: 1000 if there is none, -1 if it
 * is malformed. */
static int parse_weight(const char *text)
{
    int weight, unit = 100;

    if (*(text = skip_spaces(text)) == ',' || *text == '\0')
        return 1000;
    if (*text++ != ';')
        return -1;
    text = skip_spaces(text);
    if ((*text != 'q' && *text != 'Q') || text[1] != '=' || (text[2] != '0' && text[2] != '1'))
        return -1;
    weight = (text[2] - '0') * 1000;
    text += 3;
    if (*text == '.') {
        for (text++; text_is_digit((unsigned char)*text); text++, unit /= 10)
            weight += (*text - '0') * unit;
    }
    text = skip_spaces(text);
    return (*text == ',' || *text == '\0') && weight <= 1000 ? weight : -1;
}

size_t language_accept(const char *header, const char *const *tags, size_t count)
{
    size_t best = count;
    int best_weight = 0;

    for (const char *at = header; *at != '\0'; at += strcspn(at, ",")) {
        at += strspn(at, ", \t");
        size_t len = strcspn(at, ",; \t"), found = look_up(at, len, tags, count);
        int weight = parse_weight(at + len);

        if (found < count && weight > best_weight) {
            best = found;
            best_weight = weight;
        }
    }
    return best;
}

/* Whether two tags, each perhaps followed by other text, have the same primary language. */
static bool same_language(const char *a, const char *b)
{
    static const char ends[] = "-,; \t";
    size_t len = strcspn(a, ends);

    return strcspn(b, ends) == len && strncasecmp(a, b, len) == 0;
}

void language_accepted_culture(const char *header, const char *language, char culture[LANGUAGE_CULTURE_MAX])
{
    *culture = '\0';
    for (const char *at = header; *at != '\0'; at += strcspn(at, ",")) {
        at += strspn(at, ", \t");
        size_t len = strcspn(at, ",; \t");

        if (!same_language(at, language) || len >= LANGUAGE_CULTURE_MAX)
            continue;
        memcpy(culture, at, len);
        culture[len] = '\0';
        return;
    }
}
