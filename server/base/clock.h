#ifndef ACCOUNTSD_CLOCK_H
#define ACCOUNTSD_CLOCK_H

/* The monotonic clock. Any thread. */

#include <stdint.h>
#include <time.h>

uint64_t clock_now_us(void);
int64_t clock_now_ms(void);
/* A value of clock_now_ms() for the functions of pthreads that take CLOCK_MONOTONIC. */
struct timespec clock_timespec(int64_t ms);

#endif
