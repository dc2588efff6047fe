#include "base/text.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <unicode/utf8.h>

uint32_t text_next(const char **at, const char *end)
{
    int32_t taken = 0;
    UChar32 c;

    U8_NEXT(*at, taken, (int32_t)(end - *at), c);
    *at += c < 0 ? 1 : taken;
    return c < 0 ? TEXT_NOT_UTF8 : (uint32_t)c;
}

bool text_is_utf8(const char *text, size_t len)
{
    for (const char *at = text, *end = text + len; at < end;) {
        if (text_next(&at, end) == TEXT_NOT_UTF8)
            return false;
    }
    return true;
}

bool text_is_ascii(const char *text, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        if ((unsigned char)text[i] >= 0x80)
            return false;
    }
    return true;
}

bool text_is_digit(uint32_t c)
{
    return c >= '0' && c <= '9';
}

bool text_is_letter(uint32_t c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

bool text_is_alphanumeric(uint32_t c)
{
    return text_is_letter(c) || text_is_digit(c);
}

bool text_is_token_character(uint32_t c)
{
    return text_is_alphanumeric(c) || (c > ' ' && c < 0x7f && strchr("!#$%&'*+-.^_`|~", (int)c) != NULL);
}

bool text_is_base64url(const char *text, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        unsigned char c = (unsigned char)text[i];

        if (!text_is_alphanumeric(c) && c != '-' && c != '_')
            return false;
    }
    return true;
}

bool text_equals(const char *text, size_t len, const char *expected)
{
    return len == strlen(expected) && memcmp(text, expected, len) == 0;
}

bool text_equals_in_any_case(const char *text, size_t len, const char *expected)
{
    return len == strlen(expected) && strncasecmp(text, expected, len) == 0;
}

void text_write_hex(const unsigned char *bytes, size_t len, char *hex)
{
    static const char digits[] = "0123456789abcdef";

    for (size_t i = 0; i < len; i++) {
        *hex++ = digits[bytes[i] >> 4];
        *hex++ = digits[bytes[i] & 15];
    }
    *hex = '\0';
}

void text_print_line(char *line, size_t size, const char *format, ...)
{
    va_list arguments;
    bool is_utf8;
    int32_t len;

    va_start(arguments, format);
    vsnprintf(line, size, format, arguments);
    va_end(arguments);
    len = (int32_t)strcspn(line, "\r\n");
    U8_TRUNCATE_IF_INCOMPLETE(line, 0, len);
    line[len] = '\0';
    is_utf8 = text_is_utf8(line, (size_t)len);
    for (char *c = line; *c != '\0'; c++) {
        unsigned char byte = (unsigned char)*c;

        if (byte < ' ' || byte == 0x7f || (byte >= 0x80 && !is_utf8))
            *c = '?';
    }
}
