#ifndef ACCOUNTSD_TESTS_WIRE_ROWS_H
#define ACCOUNTSD_TESTS_WIRE_ROWS_H

/* Bytes, each followed by a complete request that would invite a person, and the expected result. */

#include <stddef.h>

struct wire_row {
    const char *bytes;
    size_t len;
    int status;
};

#define HOST "Host: a\r\n"
#define POST "POST /a HTTP/1.1\r\n" HOST
#define GET "GET /a HTTP/1.1\r\n" HOST

/* The connection is closed after each, and what follows is never performed. */
extern const struct wire_row framing_rows[], chunk_rows[], head_rows[], target_rows[];
extern const size_t framing_row_count, chunk_row_count, head_row_count, target_row_count;

/* One request each; what follows it is performed too. */
extern const struct wire_row served_rows[];
extern const size_t served_row_count;

#endif
