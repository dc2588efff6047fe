/* Inputs made at random, on which the two sides only have to agree. TEST_SEED repeats a run. */

#ifndef RANDOM_H
#define RANDOM_H

#include <jansson.h>
#include <libpq-fe.h>
#include <stddef.h>
#include <stdint.h>

#define RANDOM_INPUTS 2000
#define RANDOM_INPUTS_A_CALL 250

/* Begins anew; returns the seed, for messages. */
uint64_t random_seed(void);
size_t random_below(size_t limit);
/* One of the pool's strings, changed a few times or not at all. The caller's to decref. */
json_t *random_text(json_t *pool);

/* Demands that both sides say the same of every input. judge returns the verdict of one in C, for this
 * function to decref; sql takes the inputs as a JSON array, $2, beside a parameter, $1, and has a row for
 * each, in order. */
void random_compare(PGconn *connection, json_t *inputs, json_t *(*judge)(json_t *input, void *data),
    void *data, const char *sql, const char *parameter, uint64_t seed);

#endif
