#ifndef ACCOUNTSD_HEADERS_H
#define ACCOUNTSD_HEADERS_H

/* The header fields of a request, with corrections where libh2o departs from the standards. libh2o does not
 * list Content-Length, Expect, Host, Transfer-Encoding and Upgrade. */

#include <h2o.h>
#include <stdbool.h>

/* Removes white space after values (RFC 9110, section 5.5), which libh2o keeps. Call it before any value is
 * read. */
void header_trim(h2o_req_t *req);

/* The value of the first field with a name, in lower case; base is NULL if there is none. */
h2o_iovec_t header_find(h2o_req_t *req, const char *name);

/* Parts of a value (RFC 9110, section 5.6). Each returns the end of the part that begins at at. */
const char *header_skip_space(const char *at, const char *end);
const char *header_skip_token(const char *at, const char *end);
/* A quoted string; end if it is not closed. */
const char *header_skip_string(const char *at, const char *end);

/* Whether the value of a token or a quoted string equals expected, ignoring case. */
bool header_value_is(const char *text, const char *end, const char *expected);

/* Whether a media type (RFC 9110, section 8.3) is application/json or application/<anything>+json. A charset
 * must be UTF-8; other parameters are ignored. */
bool header_is_json(h2o_iovec_t media_type);

/* Makes "Connection: close" close the connection whatever other options are given (RFC 9112, section 9.6);
 * libh2o prefers keep-alive and reads only one field. */
void header_honor_close(h2o_req_t *req);

#endif
