#include <criterion/criterion.h>
#include <string.h>

#include "base/one_line.h"
#include "database/postgres.h"
#include "delivery/transport.h"

#define SIZE 8

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

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char line[SIZE + 1] = "????????";

        one_line_print(line, SIZE, "%s", cases[i].said);
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
