#ifndef ACCOUNTSD_OPENAPI_H
#define ACCOUNTSD_OPENAPI_H

/* server/openapi.json, the description of every route, as the Makefile compiles it in. */

#include <stddef.h>

/* UTF-8; a NUL follows, which openapi_json_len does not count. */
extern const char openapi_json[];
extern const size_t openapi_json_len;

#endif
