#include "base/field_rules.h"

#include <stdint.h>
#include <string.h>
#include <strings.h>
#include <unicode/unorm2.h>
#include <unicode/ustring.h>

#include "base/count.h"
#include "base/domain.h"
#include "base/text.h"
#include "base/unicode.h"

struct range {
    uint32_t first, last;
};

/* Category Cc, the line and paragraph separators, and the bidirectional formatting characters. */
static const struct range control_ranges[] = {
    {0x0000, 0x001f}, {0x007f, 0x009f}, {0x2028, 0x202e}, {0x2066, 0x2069}};

/* Category Zs. */
static const struct range space_ranges[] = {{0x0020, 0x0020}, {0x00a0, 0x00a0}, {0x1680, 0x1680},
    {0x2000, 0x200a}, {0x202f, 0x202f}, {0x205f, 0x205f}, {0x3000, 0x3000}};

/* Characters that NFC turns into ASCII. An address that has one would become another person's. */
static const struct range nfc_to_ascii_ranges[] = {{0x037e, 0x037e}, {0x1fef, 0x1fef}, {0x212a, 0x212a}};

/* Regional indicators, two of which are a flag. */
static const struct range regional_ranges[] = {{0x1f1e6, 0x1f1ff}};

#define NAME_MAX_BYTES 800

#define IN_RANGES(c, ranges) in_ranges((c), (ranges), COUNT(ranges))

static bool in_ranges(uint32_t c, const struct range *ranges, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (ranges[i].first <= c && c <= ranges[i].last)
            return true;
    }
    return false;
}

static bool all_digits(const char *text, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        if (!text_is_digit((unsigned char)text[i]))
            return false;
    }
    return true;
}

static size_t count_characters(const char *text, size_t len)
{
    size_t count = 0;

    for (const char *at = text, *end = text + len; at < end; count++)
        text_next(&at, end);
    return count;
}

/* The number of bytes of a text of at most NAME_MAX_BYTES in NFC. */
static size_t nfc_len(const char *text, size_t len)
{
    UErrorCode status = U_ZERO_ERROR;
    UChar typed[NAME_MAX_BYTES], normal[NAME_MAX_BYTES * 3];
    const UNormalizer2 *nfc;
    int32_t typed_len, normal_len, bytes = (int32_t)len;

    if (text_is_ascii(text, len))
        return len;
    nfc = unorm2_getNFCInstance(&status);
    u_strFromUTF8(typed, NAME_MAX_BYTES, &typed_len, text, (int32_t)len, &status);
    normal_len = unorm2_normalize(nfc, typed, typed_len, normal, NAME_MAX_BYTES * 3, &status);
    u_strToUTF8(NULL, 0, &bytes, normal, normal_len, &status);
    return (size_t)bytes;
}

static bool is_local_part(const char *at, const char *end)
{
    if (at == end || end - at > 64 || nfc_len(at, (size_t)(end - at)) > 64)
        return false;
    for (bool dot_allowed = false; at < end;) {
        uint32_t c = text_next(&at, end);

        if (c == '.') {
            if (!dot_allowed || at == end)
                return false;
            dot_allowed = false;
            continue;
        }
        if (c < 0x80 ? !text_is_alphanumeric(c) && (c == 0 || strchr("!#$%&'*+/=?^_`{|}~-", (int)c) == NULL)
                     : unicode_is_in(UNICODE_NOT_IN_ADDRESS, c) || IN_RANGES(c, nfc_to_ascii_ranges))
            return false;
        dot_allowed = true;
    }
    return true;
}

static bool is_domain_label(const char *at, const char *end)
{
    if (at == end || *at == '-' || end[-1] == '-' || end - at > 63)
        return false;
    for (; at < end; at++) {
        unsigned char c = (unsigned char)*at;

        if (!text_is_alphanumeric(c) && c != '-')
            return false;
    }
    return true;
}

/* Whether an ASCII name has at least two labels, the last of them not a number. */
static bool is_domain(const char *at, const char *end)
{
    for (size_t labels = 1;; labels++) {
        const char *dot = memchr(at, '.', (size_t)(end - at));
        const char *label_end = dot != NULL ? dot : end;

        if (!is_domain_label(at, label_end))
            return false;
        if (dot == NULL)
            return labels >= 2 && !all_digits(at, (size_t)(end - at));
        at = dot + 1;
    }
}

/* Whether an ASCII domain has an A-label. */
static bool has_a_label(const char *at, const char *end)
{
    while (at != NULL && end - at >= 4) {
        if (strncasecmp(at, "xn--", 4) == 0)
            return true;
        at = memchr(at, '.', (size_t)(end - at));
        at = at != NULL ? at + 1 : NULL;
    }
    return false;
}

static const char too_long_email[] = "is longer than 254 bytes";
static const char no_email[] = "is not an email address";

/* NULL if the address is valid. */
static const char *find_email_mistake(const char *text, size_t len)
{
    const char *end = text + len, *at_sign = memchr(text, '@', len), *domain;
    char ascii[DOMAIN_MAX];

    if (len > 254 || nfc_len(text, len) > 254)
        return too_long_email;
    if (at_sign == NULL || !is_local_part(text, at_sign))
        return no_email;
    domain = at_sign + 1;
    if (!text_is_ascii(domain, (size_t)(end - domain)) || has_a_label(domain, end)) {
        if (!domain_to_ascii(domain, (size_t)(end - domain), ascii))
            return "has a domain name that IDNA 2008 refuses";
        domain = ascii;
        end = ascii + strlen(ascii);
    }
    if (!is_domain(domain, end))
        return no_email;
    return nfc_len(text, (size_t)(at_sign + 1 - text)) + (size_t)(end - domain) > 254 ? too_long_email : NULL;
}

static size_t check_any(const char *text, size_t len, const char *messages[])
{
    if (count_characters(text, len) <= 1000)
        return 0;
    messages[0] = "is longer than 1000 characters";
    return 1;
}

static size_t check_email(const char *text, size_t len, const char *messages[])
{
    messages[0] = find_email_mistake(text, len);
    return messages[0] != NULL;
}

/* The number of user-perceived characters, approximately: marks, and a joiner with what it joins, belong to
 * the character before; two regional indicators are a flag. */
static size_t count_perceived(const char *at, const char *end)
{
    size_t count = 0;
    bool is_half_flag = false;

    while (at < end) {
        uint32_t c = text_next(&at, end);
        bool is_regional = IN_RANGES(c, regional_ranges);

        if (c == 0x200d && at < end)
            text_next(&at, end);
        else if (!unicode_is_in(UNICODE_EXTENDING, c) && !(is_regional && is_half_flag))
            count++;
        is_half_flag = is_regional && !is_half_flag;
    }
    return count;
}

static size_t check_name(const char *text, size_t len, const char *messages[])
{
    const char *first = NULL, *last = text;
    size_t found = 0;
    bool has_control = false, has_noncharacter = false, is_blank = true, is_long = len > NAME_MAX_BYTES;

    for (const char *at = text, *end = text + len; at < end;) {
        const char *start = at;
        uint32_t c = text_next(&at, end);

        has_control = has_control || IN_RANGES(c, control_ranges);
        has_noncharacter = has_noncharacter || unicode_is_in(UNICODE_NONCHARACTER, c);
        is_blank = is_blank && unicode_is_in(UNICODE_BLANK, c);
        if (!IN_RANGES(c, space_ranges)) {
            first = first == NULL ? start : first;
            last = at;
        }
    }
    if (!is_long && (is_blank || first == NULL))
        messages[found++] = "is empty";
    else if (!is_long && count_perceived(first, last) > 100)
        messages[found++] = "is longer than 100 characters";
    else if (is_long || nfc_len(first, (size_t)(last - first)) > NAME_MAX_BYTES)
        messages[found++] = "is longer than 800 bytes";
    if (has_control)
        messages[found++] = "has a control character";
    if (has_noncharacter)
        messages[found++] = "has a noncharacter";
    return found;
}

static size_t check_phone_prefix(const char *text, size_t len, const char *messages[])
{
    if (len >= 2 && len <= 5 && text[0] == '+' && all_digits(text + 1, len - 1))
        return 0;
    messages[0] = "is not + and 1 to 4 digits";
    return 1;
}

static size_t check_phone_number(const char *text, size_t len, const char *messages[])
{
    if (len >= 1 && len <= 15 && all_digits(text, len))
        return 0;
    messages[0] = "is not 1 to 15 digits";
    return 1;
}

/* One subtag of a language tag. */
struct subtag {
    const char *text;
    size_t len;
    bool letters, digits;
};

/* Reads the subtag at *at and advances *at past it and its hyphen. len is 0 if there is none. */
static struct subtag next_subtag(const char **at, const char *end)
{
    struct subtag tag = {.text = *at, .letters = true, .digits = true};

    for (; *at < end && **at != '-'; ++*at, tag.len++) {
        unsigned char c = (unsigned char)**at;

        tag.letters = tag.letters && text_is_letter(c);
        tag.digits = tag.digits && text_is_digit(c);
        if (!text_is_alphanumeric(c)) {
            tag.len = 0;
            return tag;
        }
    }
    if (tag.len > 8)
        tag.len = 0;
    if (*at < end && *at + 1 < end)
        ++*at;
    return tag;
}

/* RFC 5646, section 2.1: language, then extlangs, script, region, variants, extensions, private use. */
static bool is_language_tag(const char *text, size_t len)
{
    struct subtag tags[18] = {0};
    size_t count = 0, i = 0;
    const char *at = text, *end = text + len;

    if (len == 0 || len > 35 || text[len - 1] == '-')
        return false;
    while (at < end) {
        tags[count] = next_subtag(&at, end);
        if (tags[count++].len == 0)
            return false;
    }

#define IS_VARIANT(t)                                                                                        \
    (((t).len >= 5 && (t).len <= 8) || ((t).len == 4 && text_is_digit((unsigned char)(t).text[0])))
#define IS_SINGLETON(t, is_x) ((t).len == 1 && (((t).text[0] | 0x20) == 'x') == (is_x))
    if (!IS_SINGLETON(tags[0], true)) {
        if (!tags[0].letters || tags[0].len < 2)
            return false;
        i = 1;
        if (tags[0].len <= 3) {
            for (size_t extlangs = 0; extlangs < 3 && i < count && tags[i].len == 3 && tags[i].letters;
                 extlangs++)
                i++;
        }
        if (i < count && tags[i].len == 4 && tags[i].letters)
            i++;
        if (i < count && ((tags[i].len == 2 && tags[i].letters) || (tags[i].len == 3 && tags[i].digits)))
            i++;
        while (i < count && IS_VARIANT(tags[i]))
            i++;
        while (i < count && IS_SINGLETON(tags[i], false)) {
            size_t start = ++i;

            while (i < count && tags[i].len >= 2)
                i++;
            if (i == start)
                return false;
        }
    }
    if (i < count && IS_SINGLETON(tags[i], true))
        return i + 1 < count;
    return i == count;
#undef IS_VARIANT
#undef IS_SINGLETON
}

static size_t check_language_tag(const char *text, size_t len, const char *messages[])
{
    if (count_characters(text, len) > 35)
        messages[0] = "is longer than 35 characters";
    else if (!is_language_tag(text, len))
        messages[0] = "is not a language tag such as en-US";
    else
        return 0;
    return 1;
}

bool field_is_id(const char *text, size_t len, const char *prefix, size_t groups)
{
    size_t prefix_len = strlen(prefix);

    if ((len != prefix_len + groups * 5 - 1 && len != prefix_len + groups * 5 + 4) ||
        memcmp(text, prefix, prefix_len) != 0)
        return false;
    for (size_t i = 0; i < len - prefix_len; i++) {
        char c = text[prefix_len + i];

        if (i % 5 == 4 ? c != '-' : !text_is_digit((unsigned char)c))
            return false;
    }
    return true;
}

static size_t check_account_id(const char *text, size_t len, const char *messages[])
{
    if (field_is_id(text, len, "ACC-", 2))
        return 0;
    messages[0] = "is not an account id";
    return 1;
}

static size_t check_user_group_id(const char *text, size_t len, const char *messages[])
{
    if (field_is_id(text, len, "UGR-", 2))
        return 0;
    messages[0] = "is not a user group id";
    return 1;
}

static size_t check_invitation_status(const char *text, size_t len, const char *messages[])
{
    if (text_equals(text, len, "Invited"))
        return 0;
    messages[0] = "is not Invited";
    return 1;
}

static size_t (*const checks[])(const char *, size_t, const char *[]) = {
    [FIELD_ANY] = check_any,
    [FIELD_EMAIL] = check_email,
    [FIELD_NAME] = check_name,
    [FIELD_PHONE_PREFIX] = check_phone_prefix,
    [FIELD_PHONE_NUMBER] = check_phone_number,
    [FIELD_LANGUAGE_TAG] = check_language_tag,
    [FIELD_ACCOUNT_ID] = check_account_id,
    [FIELD_USER_GROUP_ID] = check_user_group_id,
    [FIELD_INVITATION_STATUS] = check_invitation_status,
};

size_t field_check(
    enum field_rule rule, const char *text, size_t len, const char *messages[FIELD_MAX_MESSAGES])
{
    return checks[rule](text, len, messages);
}
