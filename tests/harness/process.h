#ifndef ACCOUNTSD_TESTS_PROCESS_H
#define ACCOUNTSD_TESTS_PROCESS_H

/* Facts about a process from the kernel, and the length of tests. */

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

/* AddressSanitizer keeps freed memory for a while. With it, the leak check at the end is the test. */
#ifdef __SANITIZE_ADDRESS__
#define IS_RESIDENT_MEANINGFUL false
#else
#define IS_RESIDENT_MEANINGFUL true
#endif
/* Resident memory in KiB. */
size_t process_resident(pid_t pid);
size_t process_descriptors(pid_t pid);
/* Raises the limit of open files for this process and its children. */
void process_allow_descriptors(size_t count);

/* SOAK=1: the long form of a test. */
bool is_soak(void);
/* The second in the long form. */
long short_or_soak(long in_short, long in_soak);

/* Sorts and returns the element below which so many percent of the numbers are. */
long percentile(long *numbers, size_t count, size_t percent);

/* Of a monotonic clock. */
long now_us(void);
long now_ms(void);
void sleep_ms(long ms);

#endif
