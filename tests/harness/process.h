#ifndef ACCOUNTSD_TESTS_PROCESS_H
#define ACCOUNTSD_TESTS_PROCESS_H

/* What the kernel says about a process, and how long a test may be. */

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

/* AddressSanitizer keeps what is freed for a while. There its leak check at the end is the test. */
#ifdef __SANITIZE_ADDRESS__
#define IS_RESIDENT_TOLD false
#else
#define IS_RESIDENT_TOLD true
#endif
/* KiB of memory that are resident now. */
size_t process_resident(pid_t pid);
size_t process_descriptors(pid_t pid);
/* Lets this process, and those it starts, open that many files. */
void process_allow_descriptors(size_t count);

/* SOAK=1: the long form of a test. */
bool is_soak(void);
/* The second in the long form. */
long short_or_soak(long in_short, long in_soak);

long now_us(void);
void sleep_ms(long ms);

#endif
