#ifndef ACCOUNTSD_TEXT_H
#define ACCOUNTSD_TEXT_H

/* UTF-8, classes of ASCII characters whatever the locale, hexadecimal digits, and one-line messages. Pure. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define TEXT_NOT_UTF8 UINT32_MAX

/* Returns the character at *at and advances *at past it. If there is none, returns TEXT_NOT_UTF8 and advances
 * *at by one byte. */
uint32_t text_next(const char **at, const char *end);

bool text_is_utf8(const char *text, size_t len);
bool text_is_ascii(const char *text, size_t len);

bool text_is_digit(uint32_t c);
bool text_is_letter(uint32_t c);
bool text_is_alphanumeric(uint32_t c);
/* RFC 9110, section 5.6.2. */
bool text_is_token_character(uint32_t c);
/* The alphabet of secrets and codes: base64url (RFC 4648, section 5) without padding. */
bool text_is_base64url(const char *text, size_t len);

bool text_equals(const char *text, size_t len, const char *expected);
/* Ignores the case of ASCII letters. */
bool text_equals_in_any_case(const char *text, size_t len, const char *expected);

/* Writes two lower-case digits per byte and a NUL. */
void text_write_hex(const unsigned char *bytes, size_t len, char *hex);

/* Like snprintf, for messages of other programs and libraries: writes only the first line, and writes it as a
 * valid JSON string. A character that does not fit whole is left out, and '?' replaces each control character
 * and, if the line is not UTF-8, each byte beyond ASCII. */
__attribute__((format(printf, 3, 4))) void text_print_line(char *line, size_t size, const char *format, ...);

#endif
