#include "base/domain.h"

#include <stdbool.h>
#include <string.h>
#include <unicode/uidna.h>

#include "base/text.h"
#include "base/unicode.h"

/* UTS 46 maps a character to at most 18, of at most 3 bytes each; a name has at most 254 bytes. */
#define MAPPED_MAX (254 * 18)

/* Whether every character beyond ASCII is a member of the set (is_member), or none is. */
static bool is_all(bool is_member, enum unicode_set set, const char *name, int32_t len)
{
    for (const char *at = name, *end = name + len; at < end;) {
        uint32_t c = text_next(&at, end);

        if (c >= 0x80 && unicode_is_in(set, c) != is_member)
            return false;
    }
    return true;
}

/* Whether a label has hyphens as its third and fourth character (RFC 5891, section 4.2.3.1). ICU's own check
 * counts UTF-16 code units, and so misses hyphens after a surrogate pair. */
static bool has_reserved_hyphens(const char *name, int32_t len)
{
    bool was_hyphen = false;
    size_t place = 0;

    for (const char *at = name, *end = name + len; at < end;) {
        uint32_t c = text_next(&at, end);

        place = c == '.' ? 0 : place + 1;
        if (place == 4 && c == '-' && was_hyphen)
            return true;
        was_hyphen = c == '-';
    }
    return false;
}

static bool convert(const UIDNA *idna, const char *name, int32_t len, char ascii[DOMAIN_MAX])
{
    UIDNAInfo info = UIDNA_INFO_INITIALIZER, round_trip_info = UIDNA_INFO_INITIALIZER;
    UErrorCode status = U_ZERO_ERROR;
    char unicode[MAPPED_MAX], round_trip[DOMAIN_MAX];
    int32_t ascii_len, unicode_len, round_trip_len;

    /* UTS 46 would drop some of these characters. */
    if (!is_all(false, UNICODE_NOT_IN_ADDRESS, name, len))
        return false;
    ascii_len = uidna_nameToASCII_UTF8(idna, name, len, ascii, DOMAIN_MAX, &info, &status);
    if (U_FAILURE(status) || info.errors != 0)
        return false;
    unicode_len = uidna_nameToUnicodeUTF8(idna, ascii, ascii_len, unicode, sizeof(unicode), &info, &status);
    round_trip_len =
        uidna_nameToASCII_UTF8(idna, unicode, unicode_len, round_trip, DOMAIN_MAX, &round_trip_info, &status);
    /* UTS 46 allows more than IDNA 2008, for example symbols. A fake A-label such as "xn--abc-" does not
     * survive the round trip. */
    return U_SUCCESS(status) && status != U_STRING_NOT_TERMINATED_WARNING && info.errors == 0 &&
           is_all(true, UNICODE_IN_DOMAIN, unicode, unicode_len) &&
           !has_reserved_hyphens(unicode, unicode_len) && round_trip_len == ascii_len &&
           memcmp(ascii, round_trip, (size_t)ascii_len) == 0;
}

bool domain_to_ascii(const char *name, size_t len, char ascii[DOMAIN_MAX])
{
    UErrorCode status = U_ZERO_ERROR;
    UIDNA *idna = uidna_openUTS46(UIDNA_USE_STD3_RULES | UIDNA_CHECK_BIDI | UIDNA_CHECK_CONTEXTJ |
                                      UIDNA_CHECK_CONTEXTO | UIDNA_NONTRANSITIONAL_TO_ASCII |
                                      UIDNA_NONTRANSITIONAL_TO_UNICODE,
        &status);
    bool is_allowed = U_SUCCESS(status) && convert(idna, name, (int32_t)len, ascii);

    uidna_close(idna);
    return is_allowed;
}
