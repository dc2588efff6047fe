#ifndef ACCOUNTSD_CLOCK_H
#define ACCOUNTSD_CLOCK_H

/* The monotonic clock. Any thread. */

#include <stdint.h>

uint64_t clock_now_us(void);
int64_t clock_now_ms(void);

#endif
