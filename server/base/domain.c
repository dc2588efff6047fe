#include "base/domain.h"

#include <stdbool.h>
#include <string.h>
#include <unicode/uidna.h>

#include "base/text.h"
#include "base/unicode.h"

/* Of UTF-8 of at most 254 bytes: what a character is mapped to has at most 18 characters, of 3 bytes at most.
 */
#define MAPPED_MAX (254 * 18)

/* Whether all that is not ASCII is in a set, or none of it. */
static bool is_all(bool is_member, enum unicode_set set, const char *name, int32_t len)
{
    for (const char *at = name, *end = name + len; at < end;) {
        uint32_t c = text_next(&at, end);

        if (c >= 0x80 && unicode_is_in(set, c) != is_member)
            return false;
    }
    return true;
}

/* Whether a label has hyphens as its third and fourth character (RFC 5891, section 4.2.3.1). ICU counts units
 * of UTF-16, and so misses those behind a character of two units. */
static bool has_hyphens_of_prefix(const char *name, int32_t len)
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

static enum domain_verdict convert(const UIDNA *idna, const char *name, int32_t len, char ascii[DOMAIN_MAX])
{
    UIDNAInfo info = UIDNA_INFO_INITIALIZER, info_again = UIDNA_INFO_INITIALIZER;
    UErrorCode status = U_ZERO_ERROR;
    char shown[MAPPED_MAX], again[DOMAIN_MAX];
    int32_t ascii_len, shown_len, again_len;

    /* UTS 46 would drop some. */
    if (!is_all(false, UNICODE_NOT_IN_ADDRESS, name, len))
        return DOMAIN_REFUSED;
    ascii_len = uidna_nameToASCII_UTF8(idna, name, len, ascii, DOMAIN_MAX, &info, &status);
    if (status == U_BUFFER_OVERFLOW_ERROR || (U_SUCCESS(status) && info.errors != 0))
        return DOMAIN_REFUSED;
    shown_len = uidna_nameToUnicodeUTF8(idna, ascii, ascii_len, shown, sizeof(shown), &info, &status);
    again_len = uidna_nameToASCII_UTF8(idna, shown, shown_len, again, DOMAIN_MAX, &info_again, &status);
    if (U_FAILURE(status) || status == U_STRING_NOT_TERMINATED_WARNING)
        return DOMAIN_UNKNOWN;
    /* UTS 46 allows more than IDNA 2008, symbols, for one. An A-label that is made of what is none,
     * "xn--abc-", say, is lost on the way. */
    return info.errors == 0 && is_all(true, UNICODE_IN_DOMAIN, shown, shown_len) &&
                   !has_hyphens_of_prefix(shown, shown_len) && again_len == ascii_len &&
                   memcmp(ascii, again, (size_t)ascii_len) == 0
               ? DOMAIN_OK
               : DOMAIN_REFUSED;
}

enum domain_verdict domain_to_ascii(const char *name, size_t len, char ascii[DOMAIN_MAX])
{
    UErrorCode status = U_ZERO_ERROR;
    UIDNA *idna = uidna_openUTS46(UIDNA_USE_STD3_RULES | UIDNA_CHECK_BIDI | UIDNA_CHECK_CONTEXTJ |
                                      UIDNA_CHECK_CONTEXTO | UIDNA_NONTRANSITIONAL_TO_ASCII |
                                      UIDNA_NONTRANSITIONAL_TO_UNICODE,
        &status);
    enum domain_verdict verdict = DOMAIN_UNKNOWN;

    if (U_SUCCESS(status))
        verdict = convert(idna, name, (int32_t)len, ascii);
    uidna_close(idna);
    return verdict;
}
