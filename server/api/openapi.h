#ifndef ACCOUNTSD_OPENAPI_H
#define ACCOUNTSD_OPENAPI_H

/* server/api/openapi.json, which the Makefile compiles in. */

#include <stddef.h>

/* UTF-8, followed by a NUL that openapi_json_len does not count. */
extern const char openapi_json[];
extern const size_t openapi_json_len;

#endif
