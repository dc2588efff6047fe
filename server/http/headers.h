#ifndef ACCOUNTSD_HEADERS_H
#define ACCOUNTSD_HEADERS_H

/* The header fields of a request, where libh2o leaves or takes them otherwise than the standards do. Those
 * that it keeps to itself (Content-Length, Expect, Host, Transfer-Encoding, Upgrade) are not among them. */

#include <h2o.h>
#include <stdbool.h>

/* RFC 9110, section 5.5: white space around a value is none of it. libh2o leaves what is behind it. Before
 * any value is read. */
void header_trim(h2o_req_t *req);

/* The value of the first field of a name in lower case; base is NULL where there is none. */
h2o_iovec_t header_find(h2o_req_t *req, const char *name);

/* The parts of a value (RFC 9110, section 5.6): each returns where the part that begins at at ends. */
const char *header_skip_space(const char *at, const char *end);
const char *header_skip_token(const char *at, const char *end);
/* A quoted string; end where nothing closes it. */
const char *header_skip_string(const char *at, const char *end);

/* Whether a token or a quoted string is expected, in any case. */
bool header_value_is(const char *text, const char *end, const char *expected);

/* RFC 9110, section 8.3: application/json or application/<anything>+json, with any parameters but another
 * charset than UTF-8. */
bool header_is_json(h2o_iovec_t media_type);

/* RFC 9112, section 9.6: close closes, whatever stands beside it; libh2o lets keep-alive win, and reads one
 * field. */
void header_mind_close(h2o_req_t *req);

#endif
