/* Random inputs, for which the two sides must agree. TEST_SEED repeats a run. */

#ifndef RANDOM_H
#define RANDOM_H

#include <jansson.h>
#include <libpq-fe.h>
#include <stddef.h>
#include <stdint.h>

#define RANDOM_INPUTS 2000
#define RANDOM_INPUTS_A_CALL 250

/* Initialises the generator; returns the seed, for messages. */
uint64_t random_seed(void);
size_t random_below(size_t limit);
/* One of the pool's strings, with some random changes or none. The caller releases it. */
json_t *random_text(json_t *pool);

/* Expects that both sides agree on every input. judge returns the verdict of C, which this function
 * releases; sql takes the inputs as a JSON array, $2, and a parameter, $1, and returns a row for each, in
 * order. */
void random_compare(PGconn *connection, json_t *inputs, json_t *(*judge)(json_t *input, void *data),
    void *data, const char *sql, const char *parameter, uint64_t seed);

#endif
