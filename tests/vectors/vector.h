/* The vectors of the files beside this one; README.md has their format. */

#ifndef VECTOR_H
#define VECTOR_H

#include <jansson.h>
#include <stddef.h>

#define VECTOR_MAX_STEPS 3

/* All but body lives as long as the JSON it was read from. */
struct vector {
    const char *name;
    char *body;
    size_t len;
    json_t *request; /* NULL where the body is given as text or bytes */
    /* Verdicts, see verdict.h. */
    json_t *errors, *sql_verdict;
};

/* Gives each vector of a file to a callback, with its place for messages. What it is given ends with the
 * call. */
void vector_for_each(
    const char *file, void (*on_vector)(const struct vector *vector, const char *at, void *data), void *data);

/* The strings at a place of the valid vectors of a file; "0" leads into an array. The caller's to decref. */
json_t *vector_sound_texts(const char *file, const char *const path[VECTOR_MAX_STEPS]);

#endif
