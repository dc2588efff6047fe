#ifndef ACCOUNTSD_ONE_LINE_H
#define ACCOUNTSD_ONE_LINE_H

/* What others have said, as one line for logs and reasons. */

#include <stddef.h>

/* Writes as snprintf does, up to the end of the first line, and makes it a text that JSON can say: no
 * character is cut, a control character is '?', and so is every byte beyond ASCII where the line is not
 * UTF-8. */
__attribute__((format(printf, 3, 4))) void one_line_print(char *line, size_t size, const char *format, ...);

#endif
