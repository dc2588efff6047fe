#ifndef ACCOUNTSD_TESTS_WIRE_ROWS_H
#define ACCOUNTSD_TESTS_WIRE_ROWS_H

/* Bytes on a socket, each followed by a whole request that would invite somebody, and what must become of
 * them. */

#include <stddef.h>

struct wire_row {
    const char *bytes;
    size_t len;
    int status;
};

#define HOST "Host: a\r\n"
#define POST "POST /a HTTP/1.1\r\n" HOST
#define GET "GET /a HTTP/1.1\r\n" HOST

/* After each the connection is closed, and what follows never runs. */
extern const struct wire_row framing_rows[], chunk_rows[], head_rows[], target_rows[];
extern const size_t framing_row_count, chunk_row_count, head_row_count, target_row_count;

/* A request each: what follows it runs, in turn. */
extern const struct wire_row served_rows[];
extern const size_t served_row_count;

#endif
