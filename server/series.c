#include "series.h"

#include <h2o.h>
#include <stdatomic.h>
#include <stdbool.h>

#include "version.h"

const struct series_bounds series_seconds = {SERIES_BUCKETS, 1e-6,
    {{1000, "0.001"}, {2500, "0.0025"}, {5000, "0.005"}, {10000, "0.01"}, {25000, "0.025"}, {50000, "0.05"},
        {100000, "0.1"}, {250000, "0.25"}, {500000, "0.5"}, {1000000, "1"}, {2500000, "2.5"}, {5000000, "5"},
        {10000000, "10"}}};

uint64_t series_get(const series_cell *from)
{
    return atomic_load_explicit(from, memory_order_relaxed);
}

void series_set(series_cell *to, uint64_t value)
{
    atomic_store_explicit(to, value, memory_order_relaxed);
}

/* With one writer that is no read-modify-write, and costs as much as a plain addition. */
void series_add(series_cell *to, uint64_t value)
{
    series_set(to, series_get(to) + value);
}

void series_observe(struct series_histogram *histogram, const struct series_bounds *bounds, uint64_t value)
{
    size_t i = 0;

    while (i < bounds->count && value > bounds->bounds[i].value)
        i++;
    series_add(&histogram->buckets[i], 1);
    series_add(&histogram->sum, value);
}

void series_add_up(struct series_total *total, const struct series_histogram *histogram)
{
    for (size_t i = 0; i <= SERIES_BUCKETS; i++) {
        uint64_t value = series_get(&histogram->buckets[i]);

        total->buckets[i] += value;
        total->count += value;
    }
    total->sum += series_get(&histogram->sum);
}

void series_render_family(const struct series_family *family, FILE *out)
{
    fprintf(out, "# HELP %s %s\n# TYPE %s %s\n", family->name, family->help, family->name, family->type);
}

void series_render_number(const char *name, const char *labels, uint64_t value, FILE *out)
{
    bool has_labels = *labels != '\0';

    fprintf(out, "%s%s%s%s %lu\n", name, has_labels ? "{" : "", labels, has_labels ? "}" : "", value);
}

void series_render_total(const char *name, const char *labels, const struct series_bounds *bounds,
    const struct series_total *total, FILE *out)
{
    bool has_labels = *labels != '\0';
    const char *open = has_labels ? "{" : "", *close = has_labels ? "}" : "", *comma = has_labels ? "," : "";
    uint64_t count = 0;

    for (size_t i = 0; i < bounds->count; i++) {
        count += total->buckets[i];
        fprintf(out, "%s_bucket{%s%sle=\"%s\"} %lu\n", name, labels, comma, bounds->bounds[i].text, count);
    }
    fprintf(out, "%s_bucket{%s%sle=\"+Inf\"} %lu\n", name, labels, comma, total->count);
    fprintf(out, "%s_sum%s%s%s %.15g\n", name, open, labels, close, (double)total->sum * bounds->unit);
    fprintf(out, "%s_count%s%s%s %lu\n", name, open, labels, close, total->count);
}

void series_render_build(FILE *out)
{
    static const char name[] = "accountsd_build_info";

    fprintf(out,
        "# HELP %s A constant 1, labelled with what this server was built from.\n# TYPE %s gauge\n"
        "%s{libh2o=\"%s\",version=\"%s\"} 1\n",
        name, name, name, H2O_VERSION, ACCOUNTSD_VERSION);
}
