#ifndef ACCOUNTSD_MEMORY_H
#define ACCOUNTSD_MEMORY_H

/* What happens when memory runs out, as server/README.md promises it.
 *
 * jansson does not always report a failed allocation: a text may then parse as "not JSON" or lose a character
 * of a string, and output may lack a key. So jansson allocates through this module, which remembers a
 * failure. ICU crashes in some places; it allocates through this module too, which ends the process at a
 * failure. */

#include <stdbool.h>

/* Makes jansson and ICU allocate through this module. Call it before they allocate and before threads exist.
 */
void memory_watch(void);

/* Returns block; ends the process (die.h) if it is NULL. For allocations at the start and at the stop. */
void *memory_require(void *block);

/* Forgets earlier failures of this thread. */
void memory_begin(void);

/* Whether jansson ran out of memory on this thread since memory_begin. */
bool memory_ran_out(void);

#endif
