#ifndef ACCOUNTSD_SERIES_H
#define ACCOUNTSD_SERIES_H

/* Numbers and histograms that one thread writes and any may read without a lock, and how they are written in
 * Prometheus's text format 0.0.4. Knows not what they are of. */

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#define SERIES_BUCKETS 13

typedef _Atomic uint64_t series_cell;

struct series_histogram {
    /* Values up to each bound and above the one before; the last has no bound. */
    series_cell buckets[SERIES_BUCKETS + 1];
    series_cell sum;
};

struct series_bounds {
    size_t count;
    /* What one of the values' unit is in the unit that is shown. */
    double unit;
    struct {
        uint64_t value;
        const char *text;
    } bounds[SERIES_BUCKETS];
};

/* Of microseconds, shown as seconds from 1 ms to 10 s. */
extern const struct series_bounds series_seconds;

struct series_family {
    const char *name;
    const char *type;
    const char *help;
};

/* One of a table of numbers. Rows of one name stand together; one without a name is not shown. */
struct series_number {
    struct series_family family;
    const char *labels;
};

#define SERIES_GAUGE(name, labels, help)                                                                     \
    {                                                                                                        \
        {"accountsd_" name, "gauge", help}, labels                                                           \
    }
#define SERIES_COUNTER(name, labels, help)                                                                   \
    {                                                                                                        \
        {"accountsd_" name "_total", "counter", help}, labels                                                \
    }

uint64_t series_get(const series_cell *from);

/* The writer's side. */
void series_set(series_cell *to, uint64_t value);
void series_add(series_cell *to, uint64_t value);
void series_observe(struct series_histogram *histogram, const struct series_bounds *bounds, uint64_t value);

/* What is added up of several histograms. */
struct series_total {
    uint64_t buckets[SERIES_BUCKETS + 1];
    uint64_t count;
    uint64_t sum;
};

void series_add_up(struct series_total *total, const struct series_histogram *histogram);

/* labels: "" or as they stand between { and }. */
void series_render_family(const struct series_family *family, FILE *out);
void series_render_number(const char *name, const char *labels, uint64_t value, FILE *out);
void series_render_total(const char *name, const char *labels, const struct series_bounds *bounds,
    const struct series_total *total, FILE *out);
/* accountsd_build_info. */
void series_render_build(FILE *out);

#endif
