#ifndef ACCOUNTSD_TEXT_H
#define ACCOUNTSD_TEXT_H

/* UTF-8, hexadecimal digits, and messages of one line. Pure. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define TEXT_NOT_UTF8 UINT32_MAX

/* The character at *at, which moves past it; TEXT_NOT_UTF8, and *at moves by one byte, where there is none.
 */
uint32_t text_next(const char **at, const char *end);

bool text_is_utf8(const char *text, size_t len);
bool text_is_ascii(const char *text, size_t len);

/* Writes two lower-case digits a byte and a NUL. */
void text_write_hex(const unsigned char *bytes, size_t len, char *hex);

/* Prints a message that others have written into line, of size bytes with the NUL: its first line, cut where
 * there is no room, but between characters. Control characters become ?, and so does every byte above ASCII
 * where the message is not UTF-8. */
__attribute__((format(printf, 3, 4))) void text_print_line(char *line, size_t size, const char *format, ...);

#endif
