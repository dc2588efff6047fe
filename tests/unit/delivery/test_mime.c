#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/count.h"
#include "delivery/mime.h"

#define ADDRESS "ada@example.com"

static char *make(
    const char *to_name, const char *to_address, const char *subject, const char *text, const char **reason)
{
    struct mime_message message = {.to_name = to_name,
        .to_address = to_address,
        .subject = subject,
        .id = "invitation.1.2@portal.example",
        .date = 0,
        .text = text,
        .html = "<p>x</p>\n"};
    size_t len;
    char *made;

    cr_assert(mime_read_mailbox("Accounts <accounts@example.com>", &message.from));
    made = mime_make(&message, &len, reason);
    if (made != NULL)
        cr_expect_eq(strlen(made), len);
    return made;
}

/* What is true of every message: short lines that end in CRLF, and the known header fields. */
static void expect_valid(const char *made, const char *name)
{
    static const char *const fields[] = {"Date: ", "From: ", "To: ", "Subject: ", "Message-ID: ",
        "Auto-Submitted: ", "MIME-Version: ", "Content-Type: "};
    size_t field = 0;
    bool is_header = true;

    for (const char *line = made; *line != '\0';) {
        const char *end = strstr(line, "\r\n");

        cr_assert_not_null(end, "%s: a line without its end", name);
        cr_expect_leq(end - line, is_header ? 76 : 998, "%s: %s", name, line);
        for (const char *c = line; c < end; c++)
            cr_expect(*c != '\r' && *c != '\n' && *c != '\0' && (*c & 0x80) == 0, "%s: byte %d", name, *c);
        if (end == line)
            is_header = false;
        if (is_header && *line != ' ') {
            cr_assert_lt(field, COUNT(fields), "%s: one field more: %s", name, line);
            cr_expect_eq(strncmp(line, fields[field], strlen(fields[field])), 0, "%s: %s", name, line);
            field++;
        }
        line = end + 2;
    }
    cr_expect_eq(field, COUNT(fields), "%s", name);
}

/* A field of a message, unfolded; the caller frees it. */
static char *field_of(const char *made, const char *name)
{
    const char *begin = strstr(made, name), *end;
    char *value, *out;

    cr_assert_not_null(begin);
    for (end = begin; strncmp(end, "\r\n", 2) != 0 || end[2] == ' '; end++)
        ;
    value = out = calloc(1, (size_t)(end - begin) + 1);
    for (const char *c = begin; c < end; c++) {
        if (*c != '\r' && *c != '\n')
            *out++ = *c;
    }
    return value;
}

/* Decodes encoded words, followed by the rest. */
static char *decode(const char *field)
{
    char *text = calloc(1, strlen(field) + 1), *out = text;

    while (*field != '\0') {
        if (strncmp(field, "=?UTF-8?Q?", 10) != 0) {
            *out++ = *field++;
            continue;
        }
        cr_expect_leq(strstr(field, "?=") + 2 - field, 75);
        for (field += 10; strncmp(field, "?=", 2) != 0; field++) {
            unsigned byte;

            if (*field == '=') {
                cr_assert_eq(sscanf(field, "=%2X", &byte), 1);
                *out++ = (char)byte;
                field += 2;
            } else {
                *out++ = (char)(*field == '_' ? ' ' : *field);
            }
        }
        field += 2;
        /* White space between two encoded words is ignored. */
        if (strncmp(field, " =?UTF-8?Q?", 11) == 0)
            field++;
    }
    return text;
}

static char *repeat(const char *text, size_t times)
{
    char *all = NULL;
    size_t len;
    FILE *out = open_memstream(&all, &len);

    for (size_t i = 0; i < times; i++)
        fputs(text, out);
    fclose(out);
    return all;
}

static void expect_text(const char *text, const char *expected)
{
    const char *reason;
    char *made = make(text, ADDRESS, text, "x\n", &reason), *to, *subject, *decoded, line[64];

    cr_assert_not_null(made, "%s: %s", text, reason);
    expect_valid(made, text);
    subject = field_of(made, "Subject: ");
    decoded = decode(subject + strlen("Subject: "));
    cr_expect_str_eq(decoded, expected);
    free(decoded);
    to = field_of(made, "To: ");
    decoded = decode(to + strlen("To: "));
    snprintf(line, sizeof(line), " <%s>", ADDRESS);
    cr_expect_str_eq(decoded + strlen(decoded) - strlen(line), line);
    decoded[strlen(decoded) - strlen(line)] = '\0';
    if (to[strlen("To: ")] == '"') {
        cr_expect_eq(decoded[strlen(decoded) - 1], '"');
        cr_expect_eq(strncmp(decoded + 1, expected, strlen(expected)), 0, "%s", decoded);
    } else {
        cr_expect_str_eq(decoded, expected);
    }
    free(decoded);
    free(subject);
    free(to);
    free(made);
}

Test(message, names_and_subjects_are_preserved)
{
    static const char *const same[] = {"Ada Lovelace", "O'Hara", "Lovelace, Ada",
        "Ada \"the first\" Lovelace", "back\\slash", "<ada@example.com>", "Ada <evil@example.com>",
        "a@b.c, evil@example.com", "semi;colon: group;", "=?UTF-8?Q?x?=", "José Ñandú", "日本太郎",
        "👩‍🚀🙂", "שלום עולם", "\u202eevil", "a.b", "(comment)", "under_score", "equals=sign",
        "100%", "-", "Zo\u0308e"};

    for (size_t i = 0; i < COUNT(same); i++)
        expect_text(same[i], same[i]);
}

Test(message, control_characters_are_spaces)
{
    static const char *const rows[][2] = {{"Ada\r\nBcc: evil@example.com", "Ada  Bcc: evil@example.com"},
        {"Ada\nEvil", "Ada Evil"}, {"Ada\rEvil", "Ada Evil"}, {"\r\n\r\nbody", "    body"}, {"a\tb", "a b"},
        {"a\x01\x7f\x1b[31m", "a   [31m"},
        {"nel\xc2\x85"
         "x",
            "nel x"},
        {"line\u2028x\u2029", "line x "}};

    for (size_t i = 0; i < COUNT(rows); i++)
        expect_text(rows[i][0], rows[i][1]);
}

Test(message, invalid_utf8_becomes_a_question_mark)
{
    static const char *const rows[][2] = {{"a\xff", "a?"}, {"\xc0\x80", "??"}, {"\xed\xa0\x80", "???"},
        {"\xf4\x90\x80\x80", "????"}, {"\xc3", "?"}, {"\xe2\x80", "??"}, {"\xf0\x9f\x99", "???"}};

    for (size_t i = 0; i < COUNT(rows); i++)
        expect_text(rows[i][0], rows[i][1]);
}

Test(message, long_texts_are_folded_between_characters)
{
    static const char *const units[] = {"a", "a ", "é", "日", "🙂", "\"", "e\u0301"};

    for (size_t i = 0; i < COUNT(units); i++) {
        for (size_t times = 1; times <= 400; times += times < 90 ? 1 : 31) {
            char *text = repeat(units[i], times);

            expect_text(text, text);
            free(text);
        }
    }
}

Test(message, a_name_may_be_missing)
{
    const char *reason;
    char *made = make("", ADDRESS, "", "x\n", &reason);

    cr_assert_not_null(made);
    cr_expect_not_null(strstr(made, "\r\nTo: <ada@example.com>\r\n"));
    free(made);
}

Test(message, an_invalid_address_is_refused)
{
    static const char *const addresses[] = {"", "ada", "@example.com", "ada@", "ada@example",
        "a b@example.com", "ada@example.com\r\nBcc: x@y.z", "ada@example.com>", "<ada@example.com>",
        "ada@example.com,eve@example.com", "ada\n@example.com", "\"a b\"@example.com", "ada@[127.0.0.1]",
        "ada@exa\xffmple.com"};
    const char *reason;

    for (size_t i = 0; i < COUNT(addresses); i++) {
        char *made = make("Ada", addresses[i], "x", "x\n", &reason);

        cr_expect_null(made, "\"%s\" is taken for an address", addresses[i]);
        if (made == NULL)
            cr_expect_str_eq(reason, "the recipient's address is not valid");
        free(made);
    }
}

Test(message, addresses_are_not_encoded)
{
    static const char *const addresses[] = {"!#$%&'*+-/=?^_`{|}~@example.com", "Ada.Lovelace@Example.COM",
        "zoë@example.com", "ada@bücher.example"};
    const char *reason;

    for (size_t i = 0; i < COUNT(addresses); i++) {
        char *made = make("Ada", addresses[i], "x", "x\n", &reason), line[128];

        cr_assert_not_null(made, "%s", addresses[i]);
        snprintf(line, sizeof(line), "\r\nTo: Ada\r\n <%s>\r\n", addresses[i]);
        cr_expect_not_null(strstr(made, line), "%s", made);
        free(made);
    }
}

Test(message, an_id_is_a_valid_file_name)
{
    static const char *const ids[] = {"", "../x@y", "a/b@c", ".a@b", "a\r\nb@c", "a b@c", "a>@b"};
    struct mime_message message = {
        .to_name = "", .to_address = ADDRESS, .subject = "x", .text = "", .html = ""};
    const char *reason;
    size_t len;

    cr_assert(mime_read_mailbox("a@b.c", &message.from));
    for (size_t i = 0; i < COUNT(ids); i++) {
        message.id = ids[i];
        cr_expect_null(mime_make(&message, &len, &reason), "%s", ids[i]);
    }
}

/* The text of the first part, decoded. */
static char *text_of(const char *made)
{
    const char *begin = strstr(made, "\r\n\r\n--"), *end;
    bool is_7bit = strncmp(strstr(begin, "Encoding: "), "Encoding: 7bit\r\n", 16) == 0;
    char *text, *out;

    begin = strstr(begin + 4, "\r\n\r\n") + 4;
    end = strstr(begin, "--=_alternative\r\n");
    text = out = calloc(1, (size_t)(end - begin) + 1);
    while (begin < end) {
        unsigned byte;
        const char *line_end = strstr(begin, "\r\n");

        cr_expect_leq(line_end - begin, is_7bit ? 998 : 76);
        cr_expect_neq(*begin, '.');
        cr_expect_neq(strncmp(begin, "From ", 5), 0);
        cr_expect(line_end == begin || line_end[-1] != ' ');
        for (; begin < line_end; begin++) {
            if (*begin != '=' || is_7bit) {
                cr_expect(!is_7bit || (*begin >= ' ' && *begin <= '~'));
                *out++ = *begin;
            } else if (begin + 1 == line_end) {
                break;
            } else {
                cr_assert_eq(sscanf(begin, "=%2X", &byte), 1);
                *out++ = (char)byte;
                begin += 2;
            }
        }
        if (*begin != '=' || begin == line_end)
            *out++ = '\n';
        begin = line_end + 2;
    }
    return text;
}

Test(message, a_link_stays_whole_where_a_body_is_ascii)
{
    static const char link[] = "https://portal.example/invitations/AUSR-4134-7183-7330/"
                               "fVreVke7rnsnaZsBsiAdZlFT2JWjxbjDidAbCdEfGhI?a=b";
    const char *reason;
    char *plain = make("Ada", ADDRESS, "x", link, &reason), *long_text = repeat("x", 999), *too_long;

    cr_expect_not_null(strstr(plain, link), "%s", plain);
    too_long = make("Ada", ADDRESS, "x", long_text, &reason);
    cr_expect_null(strstr(too_long, long_text), "%s", too_long);
    free(too_long);
    free(long_text);
    free(plain);
}

Test(message, bodies_are_preserved)
{
    static const char *const texts[] = {"", "x\n", "\n\n\n", ".\n", ".dot\n..\n", "From me\nFrom you\n",
        "trailing space \n", "tab\t\n", "equals = sign =3D\n", "--=_alternative\n", "--=_alternative--\n",
        "é日🙂\n", "a\rb\n", " \n", "no end"};

    for (size_t i = 0; i < COUNT(texts); i++) {
        for (size_t pad = 0; pad < 80; pad++) {
            const char *reason;
            char *before = repeat("x", pad), *text = NULL, *made, *decoded;

            cr_assert_geq(asprintf(&text, "%s%s%s%s", before, texts[i], before, texts[i]), 0);
            if (*text != '\0' && text[strlen(text) - 1] != '\n') {
                char *ended = NULL;

                cr_assert_geq(asprintf(&ended, "%s\n", text), 0);
                free(text);
                text = ended;
            }
            made = make("Ada", ADDRESS, "x", text, &reason);
            cr_assert_not_null(made);
            expect_valid(made, text);
            decoded = text_of(made);
            cr_expect_str_eq(decoded, text);
            free(decoded);
            free(made);
            free(text);
            free(before);
        }
    }
}

Test(message, reads_mailboxes)
{
    static const struct {
        const char *text, *name, *address;
    } rows[] = {{"a@b.c", "", "a@b.c"}, {" a@b.c ", "", "a@b.c"}, {"<a@b.c>", "", "a@b.c"},
        {"Ada <a@b.c>", "Ada", "a@b.c"}, {"\"Lovelace, Ada\" <a@b.c>", "Lovelace, Ada", "a@b.c"},
        {"Ada L <a@b.c>", "Ada L", "a@b.c"}, {"Zoë <a@b.c>", "Zoë", "a@b.c"}};
    static const char *const none[] = {
        "", " ", "Ada", "Ada <>", "Ada <a@b.c", "a@b.c, d@e.f", "Ada <a@b.c> x", "<a@b.c> <"};
    struct mailbox mailbox;

    for (size_t i = 0; i < COUNT(rows); i++) {
        cr_assert(mime_read_mailbox(rows[i].text, &mailbox), "%s", rows[i].text);
        cr_expect_eq(mailbox.name.len, strlen(rows[i].name), "%s", rows[i].text);
        cr_expect_eq(memcmp(mailbox.name.text, rows[i].name, mailbox.name.len), 0, "%s", rows[i].text);
        cr_expect_eq(mailbox.address.len, strlen(rows[i].address), "%s", rows[i].text);
        cr_expect_eq(
            memcmp(mailbox.address.text, rows[i].address, mailbox.address.len), 0, "%s", rows[i].text);
    }
    for (size_t i = 0; i < COUNT(none); i++)
        cr_expect_not(mime_read_mailbox(none[i], &mailbox), "%s", none[i]);
}
