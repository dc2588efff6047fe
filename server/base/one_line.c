#include "base/one_line.h"

#include <jansson.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

/* Where the last character begins, if its end is missing; else len. */
static size_t without_cut(const char *line, size_t len)
{
    size_t last = len;
    unsigned char lead;

    while (last > 0 && ((unsigned char)line[last - 1] & 0xc0) == 0x80)
        last--;
    if (last == 0)
        return len;
    lead = (unsigned char)line[--last];
    return lead >= 0xc0 && len - last < (lead < 0xe0 ? 2U : lead < 0xf0 ? 3U : 4U) ? last : len;
}

static bool is_utf8(const char *line)
{
    json_t *string = json_string(line);

    json_decref(string);
    return string != NULL;
}

void one_line_print(char *line, size_t size, const char *format, ...)
{
    va_list arguments;
    bool is_text;

    va_start(arguments, format);
    vsnprintf(line, size, format, arguments);
    va_end(arguments);
    line[without_cut(line, strcspn(line, "\r\n"))] = '\0';
    is_text = is_utf8(line);
    for (char *c = line; *c != '\0'; c++) {
        unsigned char byte = (unsigned char)*c;

        if (byte < ' ' || byte == 0x7f || (byte >= 0x80 && !is_text))
            *c = '?';
    }
}
