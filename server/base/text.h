#ifndef ACCOUNTSD_TEXT_H
#define ACCOUNTSD_TEXT_H

/* UTF-8, classes of ASCII characters in any locale, hexadecimal digits, and messages of one line. Pure. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define TEXT_NOT_UTF8 UINT32_MAX

/* The character at *at, which moves past it; TEXT_NOT_UTF8, and *at moves by one byte, where there is none.
 */
uint32_t text_next(const char **at, const char *end);

bool text_is_utf8(const char *text, size_t len);
bool text_is_ascii(const char *text, size_t len);

bool text_is_digit(uint32_t c);
bool text_is_letter(uint32_t c);
bool text_is_alphanumeric(uint32_t c);
/* Section 5.6.2 of RFC 9110. */
bool text_is_token_character(uint32_t c);
/* The alphabet of secrets and codes: base64url (RFC 4648, section 5) without padding. */
bool text_is_base64url(const char *text, size_t len);

bool text_equals(const char *text, size_t len, const char *expected);
/* The same where upper-case and lower-case letters of ASCII count as equal. */
bool text_equals_in_any_case(const char *text, size_t len, const char *expected);

/* Writes two lower-case digits a byte and a NUL. */
void text_write_hex(const unsigned char *bytes, size_t len, char *hex);

/* Prints a message that others have written into line, of size bytes with the NUL: its first line, cut where
 * there is no room, but between characters. Control characters become ?, and so does every byte above ASCII
 * where the message is not UTF-8. */
__attribute__((format(printf, 3, 4))) void text_print_line(char *line, size_t size, const char *format, ...);

#endif
