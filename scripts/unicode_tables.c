/* Generates the character tables that C and SQL share: server/base/unicode_tables.h; with the argument
 * "texts" sql/internal/texts/unicode_texts.sql, with "domains" unicode_domains.sql in the same folder. They
 * are of the version of Unicode of PostgreSQL 15's normalize(), whatever version ICU has, because the stored
 * key of an address must not change. Run by "make unicode". Fails if ICU contradicts the rules of
 * sql/internal/texts/domain_ascii.sql. */

#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unicode/uchar.h>
#include <unicode/uidna.h>
#include <unicode/unorm2.h>
#include <unicode/uscript.h>
#include <unicode/ustring.h>

#define UNICODE_VERSION 14
#define WIDTH 119

static UErrorCode status = U_ZERO_ERROR;
static const UNormalizer2 *nfc, *nfkc;
static bool is_sql;

static void check(bool is_valid, const char *what, UChar32 c)
{
    if (is_valid)
        return;
    fprintf(stderr, "U+%04X: %s\n", (unsigned)c, what);
    exit(1);
}

static bool is_assigned(UChar32 c)
{
    UVersionInfo age;

    u_charAge(c, age);
    return u_charType(c) != U_UNASSIGNED && age[0] <= UNICODE_VERSION;
}

static bool is_mark(UChar32 c)
{
    return is_assigned(c) && (U_GET_GC_MASK(c) & U_GC_M_MASK) != 0;
}

static bool is_ignorable(UChar32 c)
{
    return u_hasBinaryProperty(c, UCHAR_DEFAULT_IGNORABLE_CODE_POINT);
}

/* Categories C and Z, and default ignorable characters. */
static bool is_not_in_address(UChar32 c)
{
    return c >= 0x80 &&
           (!is_assigned(c) || is_ignorable(c) || (U_GET_GC_MASK(c) & (U_GC_C_MASK | U_GC_Z_MASK)) != 0);
}

static bool is_one_of(UChar32 c, const UChar32 *set)
{
    while (*set != 0 && *set != c)
        set++;
    return *set != 0;
}

static int32_t normalized(const UNormalizer2 *form, const UChar *text, int32_t len, UChar out[64])
{
    len = unorm2_normalize(form, text, len, out, 64, &status);
    check(U_SUCCESS(status), "is not normalized", 0);
    return len;
}

/* RFC 5892, section 2.2: changed by NFKC or case folding. */
static bool is_unstable(UChar32 c)
{
    UChar text[64], folded[64], stable[64], itself[2];
    int32_t itself_len = 0, len;

    U16_APPEND_UNSAFE(itself, itself_len, c);
    len = normalized(nfkc, itself, itself_len, text);
    len = u_strFoldCase(folded, 64, text, len, U_FOLD_CASE_DEFAULT, &status);
    len = normalized(nfkc, folded, len, stable);
    return len != itself_len || u_memcmp(stable, itself, len) != 0;
}

/* PVALID or CONTEXTO by RFC 5892, beyond ASCII. CONTEXTJ, the joiners, is not allowed in addresses. */
static bool is_in_domain(UChar32 c)
{
    static const UChar32 valid[] = {
        0xdf, 0x3c2, 0x6fd, 0x6fe, 0xf0b, 0x3007, 0xb7, 0x375, 0x5f3, 0x5f4, 0x30fb, 0};
    static const UChar32 invalid[] = {
        0x640, 0x7fa, 0x302e, 0x302f, 0x3031, 0x3032, 0x3033, 0x3034, 0x3035, 0x303b, 0};
    int32_t jamo = u_getIntPropertyValue(c, UCHAR_HANGUL_SYLLABLE_TYPE);

    if (c < 0x80 || !is_assigned(c) || is_one_of(c, invalid))
        return false;
    if (is_one_of(c, valid))
        return true;
    return !is_unstable(c) && !is_ignorable(c) && !u_hasBinaryProperty(c, UCHAR_WHITE_SPACE) &&
           !u_hasBinaryProperty(c, UCHAR_NONCHARACTER_CODE_POINT) &&
           ublock_getCode(c) != UBLOCK_COMBINING_MARKS_FOR_SYMBOLS &&
           ublock_getCode(c) != UBLOCK_MUSICAL_SYMBOLS &&
           ublock_getCode(c) != UBLOCK_ANCIENT_GREEK_MUSICAL_NOTATION && jamo != U_HST_LEADING_JAMO &&
           jamo != U_HST_VOWEL_JAMO && jamo != U_HST_TRAILING_JAMO &&
           (U_GET_GC_MASK(c) & (U_GC_LL_MASK | U_GC_LU_MASK | U_GC_LO_MASK | U_GC_ND_MASK | U_GC_LM_MASK |
                                   U_GC_MN_MASK | U_GC_MC_MASK)) != 0;
}

/* The same as in server/base/field_rules.c, which reports them separately. */
static bool is_control(UChar32 c)
{
    return u_charType(c) == U_CONTROL_CHAR || (c >= 0x2028 && c <= 0x202e) || (c >= 0x2066 && c <= 0x2069);
}

/* Characters that are invisible on their own. */
static bool is_blank(UChar32 c)
{
    static const UChar32 blank[] = {0x2800, 0x1d159, 0};

    return !is_control(c) && (is_one_of(c, blank) || is_mark(c) || is_ignorable(c) ||
                                 (is_assigned(c) && (U_GET_GC_MASK(c) & (U_GC_CF_MASK | U_GC_Z_MASK)) != 0));
}

static bool is_noncharacter(UChar32 c)
{
    return U_IS_UNICODE_NONCHAR(c);
}

/* Characters that are displayed as part of the one before, or not at all. */
static bool is_extending(UChar32 c)
{
    int32_t jamo = u_getIntPropertyValue(c, UCHAR_HANGUL_SYLLABLE_TYPE);

    return is_mark(c) || is_ignorable(c) ||
           (is_assigned(c) &&
               (u_charType(c) == U_FORMAT_CHAR || u_hasBinaryProperty(c, UCHAR_GRAPHEME_EXTEND) ||
                   u_hasBinaryProperty(c, UCHAR_EMOJI_MODIFIER) || jamo == U_HST_VOWEL_JAMO ||
                   jamo == U_HST_TRAILING_JAMO));
}

static bool has_direction(UChar32 c, char class)
{
    if (!is_in_domain(c) && c != '-' && !(c >= '0' && c <= '9'))
        return false;
    switch (u_charDirection(c)) {
    case U_LEFT_TO_RIGHT:
        return false;
    case U_RIGHT_TO_LEFT:
    case U_RIGHT_TO_LEFT_ARABIC:
        return class == 'R';
    case U_ARABIC_NUMBER:
        return class == 'A';
    case U_EUROPEAN_NUMBER:
        return class == 'E';
    case U_DIR_NON_SPACING_MARK:
        return class == 'N';
    default:
        return class == 'O';
    }
}

static bool is_right_to_left(UChar32 c)
{
    return has_direction(c, 'R');
}

static bool is_arabic_number(UChar32 c)
{
    return has_direction(c, 'A');
}

static bool is_european_number(UChar32 c)
{
    return has_direction(c, 'E');
}

static bool is_non_spacing(UChar32 c)
{
    return has_direction(c, 'N');
}

static bool is_neutral(UChar32 c)
{
    return has_direction(c, 'O');
}

static bool is_greek(UChar32 c)
{
    return is_in_domain(c) && uscript_getScript(c, &status) == USCRIPT_GREEK;
}

static bool is_hebrew(UChar32 c)
{
    return is_in_domain(c) && uscript_getScript(c, &status) == USCRIPT_HEBREW;
}

static bool is_japanese(UChar32 c)
{
    UScriptCode script = uscript_getScript(c, &status);

    return is_in_domain(c) &&
           (script == USCRIPT_HIRAGANA || script == USCRIPT_KATAKANA || script == USCRIPT_HAN);
}

/* Items are separated by commas and wrapped into lines. */
static char pending[128];
static size_t column;

static void write_pending(const char *comma)
{
    size_t width = strlen(comma);

    for (const char *c = pending; *c != '\0'; c++)
        width += (*c & 0xc0) != 0x80;
    if (column == 0 || column + width + !is_sql > WIDTH) {
        fputs(is_sql ? "\n" : "\n   ", stdout);
        column = is_sql ? 0 : 3;
    }
    printf("%s%s%s", is_sql ? "" : " ", pending, comma);
    column += width + !is_sql;
    pending[0] = '\0';
}

__attribute__((format(printf, 1, 2))) static void write_item(const char *format, ...)
{
    va_list arguments;

    if (pending[0] != '\0')
        write_pending(",");
    va_start(arguments, format);
    vsnprintf(pending, sizeof(pending), format, arguments);
    va_end(arguments);
}

static void end_items(const char *end)
{
    if (pending[0] != '\0')
        write_pending("");
    column = 0;
    puts(end);
}

static void write_ranges(const char *name, const char *about, bool (*is_member)(UChar32))
{
    if (is_sql)
        printf("\n-- %s\ncreate or replace function internal.%s()\nreturns int4multirange\nlanguage sql "
               "immutable "
               "parallel safe\nas $$ select '{",
            about, name);
    else
        printf("\n/* %s */\nstatic const struct range %s_ranges[] = {", about, name);
    for (UChar32 first = 0, last; first <= UCHAR_MAX_VALUE; first = last + 1) {
        last = first;
        if (!is_member(first))
            continue;
        while (last < UCHAR_MAX_VALUE && is_member(last + 1))
            last++;
        if (is_sql)
            write_item("[%d,%d]", (int)first, (int)last);
        else
            write_item("{0x%x, 0x%x}", (unsigned)first, (unsigned)last);
    }
    end_items(is_sql ? "\n}'::int4multirange $$;" : "};");
}

/* Folds the case of a character of a local part, but never from or to ASCII. */
static UChar32 folded_in_local_part(UChar32 c)
{
    UChar32 folded = u_foldCase(c, U_FOLD_CASE_DEFAULT);

    return is_assigned(c) && (c < 0x80) == (folded < 0x80) ? folded : c;
}

/* Maps a character of a text in NFKC to its form in a domain. */
static int32_t folded_in_domain(UChar32 c, UChar out[64])
{
    UChar text[2];
    int32_t len = 0;

    U16_APPEND_UNSAFE(text, len, c);
    return u_strFoldCase(out, 64, text, len, U_FOLD_CASE_DEFAULT, &status);
}

static void write_fold(UChar32 c, const UChar *to, int32_t to_len)
{
    char from[8] = "", into[64] = "";
    UChar text[2];
    int32_t len = 0;

    U16_APPEND_UNSAFE(text, len, c);
    u_strToUTF8(from, sizeof(from), NULL, text, len, &status);
    u_strToUTF8(into, sizeof(into), NULL, to, to_len, &status);
    write_item("\"%s\":\"%s\"", from, into);
}

/* Whether NFKC does not change the character. */
static bool is_compatible(UChar32 c)
{
    UChar alone[2], text[64];
    int32_t alone_len = 0, len;

    U16_APPEND_UNSAFE(alone, alone_len, c);
    len = normalized(nfkc, alone, alone_len, text);
    return len == alone_len && u_memcmp(text, alone, len) == 0;
}

static void write_folds(const char *name, const char *about, bool is_domain)
{
    printf("\n-- %s\ncreate or replace function internal.%s()\nreturns jsonb\nlanguage sql immutable "
           "parallel safe\n"
           "as $$ select '{",
        about, name);
    for (UChar32 c = 0; c <= UCHAR_MAX_VALUE; c++) {
        UChar alone[2], text[64];
        int32_t alone_len = 0, len;

        if (!is_assigned(c) || U_IS_SURROGATE(c))
            continue;
        U16_APPEND_UNSAFE(alone, alone_len, folded_in_local_part(c));
        len = folded_in_domain(c, text);
        if (is_domain && (len != alone_len || u_memcmp(text, alone, len) != 0) && is_compatible(c))
            write_fold(c, text, len);
        else if (!is_domain && folded_in_local_part(c) != c)
            write_fold(c, alone, alone_len);
    }
    end_items("\n}'::jsonb $$;");
}

/* Finds characters that UTS 46 refuses or drops although NFKC and case folding map them to allowed ones. */
static UIDNA *idna;

static bool is_refused_by_uts46(UChar32 c)
{
    /* After a letter without joining behavior, because a label must not begin with a mark. */
    UChar text[3] = {'q'}, compatible[64], mapped[64], expected[64], got[64];
    int32_t text_len = 1, compatible_len, mapped_len = 0, expected_len, got_len;
    UIDNAInfo info = UIDNA_INFO_INITIALIZER;

    if (c < 0x80 || is_not_in_address(c) || U_IS_SURROGATE(c))
        return false;
    U16_APPEND_UNSAFE(text, text_len, c);
    compatible_len = normalized(nfkc, text, text_len, compatible);
    for (int32_t i = 0; i < compatible_len;) {
        UChar32 part;

        U16_NEXT(compatible, i, compatible_len, part);
        mapped_len += folded_in_domain(part, mapped + mapped_len);
    }
    expected_len = normalized(nfc, mapped, mapped_len, expected);
    /* Deviation characters, which UTS 46 (nontransitional) keeps. */
    if (c == 0xdf || c == 0x3c2)
        expected_len = normalized(nfc, text, text_len, expected);
    got_len = uidna_nameToUnicode(idna, text, text_len, got, 64, &info, &status);
    check(U_SUCCESS(status), "UTS 46 has failed", c);
    if ((info.errors & (UIDNA_ERROR_DISALLOWED | UIDNA_ERROR_INVALID_ACE_LABEL)) != 0) {
        bool is_allowed = true;

        for (int32_t i = 0; i < expected_len;) {
            UChar32 part;

            U16_NEXT(expected, i, expected_len, part);
            is_allowed = is_allowed && (part < 0x80 ? u_isalnum(part) || part == '-' || part == '.'
                                                    : part == 0x3002 || is_in_domain(part));
        }
        return is_allowed;
    }
    /* Only UTS 46 maps the ideographic full stop to a dot. */
    check(c == 0x3002 || c == 0xff61 || (got_len == expected_len && u_memcmp(got, expected, got_len) == 0),
        "UTS 46 maps it to something else", c);
    return false;
}

/* Checks that NFC does not change the number of perceived characters. */
static void check_perceived(void)
{
    const UNormalizer2 *nfd = unorm2_getNFDInstance(&status);

    for (UChar32 c = 0; c <= UCHAR_MAX_VALUE; c++) {
        UChar alone[2], text[64];
        int32_t alone_len = 0, len, count = 0;

        if (!is_assigned(c) || U_IS_SURROGATE(c))
            continue;
        U16_APPEND_UNSAFE(alone, alone_len, c);
        len = normalized(nfd, alone, alone_len, text);
        for (int32_t i = 0; i < len;) {
            UChar32 part;

            U16_NEXT(text, i, len, part);
            count += !is_extending(part);
        }
        check(count == !is_extending(c), "has another number of perceived characters when decomposed", c);
    }
}

static void write_not_in_address(void)
{
    write_ranges("not_in_address", "Beyond ASCII: categories C and Z, and default ignorable characters.",
        is_not_in_address);
}

static void write_in_domain(void)
{
    write_ranges("in_domain", "Beyond ASCII: what IDNA 2008 allows in a label, everywhere or in a context.",
        is_in_domain);
}

static void write_in_texts(void)
{
    write_ranges("blank", "What shows nothing when it stands alone.", is_blank);
    write_ranges(
        "extending", "What is seen as a part of the character before it, or not at all.", is_extending);
    write_ranges("noncharacter", "What Unicode has set apart for programs.", is_noncharacter);
}

static void write_header(void)
{
    printf("/* Made by \"make unicode\" for unicode.c: Unicode %d. */\n\n/* clang-format off */\n",
        UNICODE_VERSION);
    write_not_in_address();
    write_in_domain();
    write_in_texts();
}

static void write_texts(void)
{
    write_not_in_address();
    write_in_texts();
    write_folds("case_folds", "Simple case folding, but never across the border of ASCII.", false);
}

static void write_domains(void)
{
    write_in_domain();
    write_ranges("refused_in_domain", "What UTS 46 does not allow, and NFKC would.", is_refused_by_uts46);
    write_ranges("mark", "Category M.", is_mark);
    write_ranges("bidi_right_to_left", "Of what a label may have: classes R and AL.", is_right_to_left);
    write_ranges("bidi_arabic_number", "Class AN.", is_arabic_number);
    write_ranges("bidi_european_number", "Class EN.", is_european_number);
    write_ranges("bidi_non_spacing", "Class NSM.", is_non_spacing);
    write_ranges("bidi_neutral", "Classes ES, CS, ET, ON and BN.", is_neutral);
    write_ranges("script_greek", "Of what a label may have: the script Greek.", is_greek);
    write_ranges("script_hebrew", "The script Hebrew.", is_hebrew);
    write_ranges("script_japanese", "The scripts Hiragana, Katakana and Han.", is_japanese);
    write_folds("domain_folds", "Where a domain in NFKC is folded otherwise.", true);
}

int main(int argc, char **argv)
{
    is_sql = argc > 1;
    nfc = unorm2_getNFCInstance(&status);
    nfkc = unorm2_getNFKCInstance(&status);
    idna = uidna_openUTS46(
        UIDNA_USE_STD3_RULES | UIDNA_NONTRANSITIONAL_TO_ASCII | UIDNA_NONTRANSITIONAL_TO_UNICODE, &status);
    check(U_SUCCESS(status), u_errorName(status), 0);
    check_perceived();
    if (!is_sql) {
        write_header();
    } else {
        printf("-- Made by \"make unicode\": Unicode %d.\n", UNICODE_VERSION);
        if (strcmp(argv[1], "domains") == 0)
            write_domains();
        else
            write_texts();
    }
    uidna_close(idna);
    return fflush(stdout) == 0 ? 0 : 1;
}
