/* The vectors of the files in this folder; README.md describes their format. */

#ifndef VECTOR_H
#define VECTOR_H

#include <jansson.h>
#include <stddef.h>

#define VECTOR_MAX_STEPS 3

/* All members but body live as long as the JSON that they were read from. */
struct vector {
    const char *name;
    char *body;
    size_t len;
    json_t *request; /* NULL if the body is given as text or bytes */
    /* Verdicts, see verdict.h. */
    json_t *errors, *sql_verdict;
};

/* Calls a callback for each vector of a file, with its place for messages. The vector is valid during the
 * call. */
void vector_for_each(
    const char *file, void (*on_vector)(const struct vector *vector, const char *at, void *data), void *data);

/* The strings at a path in the valid vectors of a file; "0" leads into an array. The caller releases it. */
json_t *vector_valid_texts(const char *file, const char *const path[VECTOR_MAX_STEPS]);

#endif
