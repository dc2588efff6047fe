#include <criterion/criterion.h>
#include <string.h>

#include "base/count.h"
#include "base/text.h"
#include "database/postgres.h"
#include "delivery/transport.h"

#define SIZE 8

Test(text, is_read_character_by_character)
{
    static const char text[] = "a\xc3\xa4\xe2\x82\xac\xf0\x9f\x99\x82z";
    static const uint32_t characters[] = {'a', 0xe4, 0x20ac, 0x1f642, 'z'};
    const char *at = text, *end = text + strlen(text);

    for (size_t i = 0; i < COUNT(characters); i++)
        cr_expect_eq(text_next(&at, end), characters[i], "character %zu", i);
    cr_expect_eq(at, end);
}

Test(text, is_utf8_or_not)
{
    static const char *const texts[] = {
        "", "abc", "\x7f", "\xc2\x80", "\xed\x9f\xbf", "\xef\xbf\xbf", "\xf4\x8f\xbf\xbf"};
    /* Cut, overlong, surrogates, beyond Unicode, bytes that begin nothing. */
    static const char *const others[] = {"a\xc3", "\xe2\x82", "\xf0\x9f\x99", "\xc3z", "\xc0\x80", "\xc1\xbf",
        "\xe0\x9f\xbf", "\xf0\x8f\xbf\xbf", "\xed\xa0\x80", "\xf4\x90\x80\x80", "\x80", "\xff"};

    for (size_t i = 0; i < COUNT(texts); i++)
        cr_expect(text_is_utf8(texts[i], strlen(texts[i])), "row %zu", i);
    for (size_t i = 0; i < COUNT(others); i++)
        cr_expect_not(text_is_utf8(others[i], strlen(others[i])), "row %zu", i);
    cr_expect(text_is_ascii("\x7f z", 3));
    cr_expect_not(text_is_ascii("a\xc3\xa4", 3));
}

/* After an invalid sequence, decoding continues at its second byte. */
Test(text, continues_after_an_invalid_byte)
{
    static const char text[] = "\xe2\x82z";
    const char *at = text, *end = text + strlen(text);

    cr_expect_eq(text_next(&at, end), TEXT_NOT_UTF8);
    cr_expect_eq(text_next(&at, end), TEXT_NOT_UTF8);
    cr_expect_eq(text_next(&at, end), 'z');
}

Test(text, is_of_classes_of_ascii)
{
    static const char others[] = "\"(),/:;<=>?@[\\]{}";

    for (uint32_t c = 0; c < 0x120; c++) {
        bool is_letter = (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z'), is_digit = c >= '0' && c <= '9';
        char text[] = {(char)c, 'a'};

        cr_expect_eq(text_is_letter(c), is_letter, "%u", c);
        cr_expect_eq(text_is_digit(c), is_digit, "%u", c);
        cr_expect_eq(text_is_alphanumeric(c), is_letter || is_digit, "%u", c);
        cr_expect_eq(
            text_is_token_character(c), c > ' ' && c < 0x7f && strchr(others, (int)c) == NULL, "%u", c);
        if (c < 0x100)
            cr_expect_eq(text_is_base64url(text, 2), is_letter || is_digit || c == '-' || c == '_', "%u", c);
    }
}

Test(text, is_compared_as_a_whole)
{
    cr_expect(text_equals("", 0, ""));
    cr_expect(text_equals("Hostile", 4, "Host"));
    cr_expect_not(text_equals("Host", 4, "host"));
    cr_expect_not(text_equals("Host", 3, "Host"));
    cr_expect_not(text_equals("Host\0", 5, "Host"));
    cr_expect(text_equals_in_any_case("Host", 4, "hOST"));
    cr_expect_not(text_equals_in_any_case("Host", 3, "host"));
    cr_expect_not(text_equals_in_any_case("hos@", 4, "hos`"));
}

Test(text, is_written_as_hexadecimal_digits)
{
    char hex[] = "--------";

    text_write_hex((const unsigned char[]){0x00, 0x9a, 0xff}, 3, hex);
    cr_expect_str_eq(hex, "009aff");
}

Test(line, is_what_json_can_say)
{
    static const struct {
        const char *said, *line;
    } cases[] = {
        {"", ""},
        {"abc", "abc"},
        {"abcdefghi", "abcdefg"},
        {"a\nb", "a"},
        {"a\r\nb", "a"},
        {"\nb", ""},
        {"a\tb\x7f\x01", "a?b??"},
        {"\xc3\xa4\xe2\x82\xac", "\xc3\xa4\xe2\x82\xac"},
        /* Characters of two, three and four bytes, cut by the size. */
        {"abcdef\xc3\xa4", "abcdef"},
        {"abcdef\xe2\x82\xac", "abcdef"},
        {"abcde\xe2\x82\xac", "abcde"},
        {"abcde\xf0\x9f\x99\x82", "abcde"},
        {"abcd\xf0\x9f\x99\x82", "abcd"},
        {"abc\xf0\x9f\x99\x82", "abc\xf0\x9f\x99\x82"},
        /* Cut before. */
        {"a\xe2\x82\nb", "a"},
        /* Latin-1, and no known encoding. */
        {"\xe4z", "?z"},
        {"b\xe4", "b"},
        {"\x80\x80", "??"},
        {"\xc0\xaf\xff\xfez", "????z"},
    };

    for (size_t i = 0; i < COUNT(cases); i++) {
        char line[SIZE + 1] = "????????";

        text_print_line(line, SIZE, "%s", cases[i].said);
        cr_expect_str_eq(line, cases[i].line, "case %zu: \"%s\"", i, line);
    }
}

/* Longer than the buffer, with two bytes for each character: one of the two offsets cuts a character. */
Test(line, is_what_reasons_are)
{
    static const char *const beginnings[] = {"a", "ab"};

    for (size_t i = 0; i < 2; i++) {
        char said[2048], error[POSTGRES_ERROR_MAX];
        struct transport_result result;
        size_t len = strlen(beginnings[i]);

        memcpy(said, beginnings[i], len);
        for (; len + 2 < sizeof(said); len += 2)
            memcpy(&said[len], "\xc3\xa4", 2);
        said[len] = '\0';
        postgres_copy_error(error, said);
        cr_expect_eq(strlen(error), sizeof(error) - 1 - i, "%s", error);
        transport_set_reason(&result, said, len);
        cr_expect_str_eq(result.reason, error);
    }
}
