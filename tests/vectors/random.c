#include "random.h"

#include <criterion/criterion.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/count.h"
#include "verdict.h"

static uint64_t state;

uint64_t random_seed(void)
{
    const char *seed = getenv("TEST_SEED");
    struct timespec now;

    clock_gettime(CLOCK_REALTIME, &now);
    state =
        seed != NULL ? strtoull(seed, NULL, 10) : (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
    return state;
}

/* splitmix64. */
size_t random_below(size_t limit)
{
    uint64_t z = state += 0x9e3779b97f4a7c15;

    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
    z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
    return (z ^ (z >> 31)) % limit;
}

/* Characters at which a verdict may change: the ends of all ranges that a rule uses, and some of each
 * class that the rules of domains and the counting of characters distinguish. */
static const uint32_t border_characters[] = {0x1, 0x8, 0x9, 0xa, 0xd, 0x1f, 0x20, 0x21, 0x7e, 0x7f, 0x80,
    0x85, 0x9f, 0xa0, 0xa1, 0xac, 0xad, 0xae, 0xb7, 0xbd, 0xdf, 0xe9, 0x130, 0x131, 0x17f, 0x301, 0x323,
    0x344, 0x345, 0x34f, 0x375, 0x37e, 0x3a3, 0x3b1, 0x3c2, 0x3c3, 0x3f2, 0x4c0, 0x5b0, 0x5d0, 0x5f3, 0x5f4,
    0x627, 0x628, 0x640, 0x64b, 0x660, 0x669, 0x6dd, 0x6f0, 0x6f9, 0x7ca, 0x7ff, 0x800, 0x903, 0x94d, 0x958,
    0x1100, 0x1112, 0x115f, 0x1161, 0x11a8, 0x167f, 0x1680, 0x1681, 0x17b4, 0x180d, 0x180e, 0x180f, 0x1e9e,
    0x1f80, 0x1fef, 0x1fff, 0x2000, 0x200a, 0x200b, 0x200c, 0x200d, 0x200f, 0x2010, 0x2024, 0x2027, 0x2028,
    0x2029, 0x202a, 0x202e, 0x202f, 0x2030, 0x205e, 0x205f, 0x2060, 0x2065, 0x2066, 0x2069, 0x206a, 0x206f,
    0x2070, 0x20dd, 0x2100, 0x212a, 0x2764, 0x2800, 0x2fff, 0x3000, 0x3001, 0x3002, 0x3007, 0x3042, 0x30a2,
    0x30fb, 0x3164, 0x4e2d, 0xac00, 0xd55c, 0xd7ff, 0xe000, 0xfb01, 0xfb1d, 0xfdcf, 0xfdd0, 0xfdef, 0xfdf0,
    0xfe0f, 0xfefe, 0xfeff, 0xff00, 0xff0d, 0xff0e, 0xff10, 0xff20, 0xff21, 0xff61, 0xff9e, 0xffa0, 0xfff8,
    0xfff9, 0xfffb, 0xfffc, 0xfffe, 0xffff, 0x10000, 0x10800, 0x1d15e, 0x1d159, 0x1d7bb, 0x1d7ce, 0x1e900,
    0x1f1e6, 0x1f1ff, 0x1f3fb, 0x1f468, 0x1f600, 0x1fffe, 0x2f8ff, 0xe0001, 0xe0020, 0xe0100, 0x10ffff};

static uint32_t random_character(void)
{
    static const char telling[] = "+-.@_ /0189:AXZaxz'\"\\\n";
    uint32_t c;

    switch (random_below(8)) {
    case 0:
    case 1:
    case 2:
        return (unsigned char)telling[random_below(sizeof(telling) - 1)];
    case 3:
    case 4:
        return (uint32_t)(0x20 + random_below(0x5f));
    case 5:
        c = (uint32_t)(1 + random_below(0xffff));
        break;
    case 6:
        c = (uint32_t)(1 + random_below(0x10ffff));
        break;
    default:
        return border_characters[random_below(COUNT(border_characters))];
    }
    return c >= 0xd800 && c <= 0xdfff ? 0xfffd : c;
}

#define MAX_CHARACTERS 1200

struct text {
    uint32_t at[MAX_CHARACTERS];
    size_t len;
};

static struct text text_of(const char *utf8)
{
    struct text text = {.len = 0};

    for (const unsigned char *p = (const unsigned char *)utf8; *p != '\0' && text.len < MAX_CHARACTERS;) {
        uint32_t c = *p++;
        int more = c < 0x80 ? 0 : c < 0xe0 ? 1 : c < 0xf0 ? 2 : 3;

        c = more == 0 ? c : c & (0x3f >> more);
        for (; more > 0; more--)
            c = c << 6 | (*p++ & 0x3f);
        text.at[text.len++] = c;
    }
    return text;
}

static json_t *json_of_text(const struct text *text)
{
    char utf8[MAX_CHARACTERS * 4];
    size_t len = 0;

    for (size_t i = 0; i < text->len; i++) {
        uint32_t c = text->at[i];
        int more = c < 0x80 ? 0 : c < 0x800 ? 1 : c < 0x10000 ? 2 : 3;

        utf8[len++] = (char)(more == 0 ? c : (0xf0u << (3 - more) & 0xff) | c >> 6 * more);
        while (more-- > 0)
            utf8[len++] = (char)(0x80 | (c >> 6 * more & 0x3f));
    }
    json_t *value = json_stringn(utf8, len);
    cr_assert_not_null(value, "made a text that is not UTF-8");
    return value;
}

/* Replaces taken characters by count others, as far as there is room. */
static void splice(struct text *text, size_t at, size_t taken, const uint32_t *characters, size_t count)
{
    if (text->len - taken + count > MAX_CHARACTERS)
        return;
    memmove(&text->at[at + count], &text->at[at + taken], (text->len - at - taken) * sizeof(uint32_t));
    if (count > 0)
        memcpy(&text->at[at], characters, count * sizeof(uint32_t));
    text->len += count - taken;
}

static void mutate(struct text *text, const struct text *other)
{
    uint32_t c = random_character(), run[128];
    size_t at = random_below(text->len + 1), left = text->len - at, count, from;

    switch (random_below(7)) {
    case 0:
    case 1:
        splice(text, at, 0, &c, 1);
        break;
    case 2:
        splice(text, at, left > 0, &c, 1);
        break;
    case 3:
        splice(text, at, left > 0 ? 1 + random_below(left < 4 ? left : 4) : 0, NULL, 0);
        break;
    case 4: /* a run, to reach the limits of length */
        c = random_below(2) == 0 || at == 0 ? c : text->at[at - 1];
        count = random_below(COUNT(run));
        for (size_t i = 0; i < count; i++)
            run[i] = c;
        splice(text, at, 0, run, count);
        break;
    case 5: /* a piece of another text, perhaps of this one */
        from = random_below(other->len + 1);
        count = random_below(other->len - from + 1);
        count = count < COUNT(run) ? count : COUNT(run);
        memcpy(run, &other->at[from], count * sizeof(uint32_t));
        splice(text, at, 0, run, count);
        break;
    default: /* the other case of a letter */
        if (left > 0 && text->at[at] < 0x80)
            text->at[at] ^= 0x20 & (text->at[at] >> 1);
    }
}

json_t *random_text(json_t *pool)
{
    struct text text = text_of(json_string_value(json_array_get(pool, random_below(json_array_size(pool)))));

    for (size_t mutations = random_below(5); mutations > 0; mutations--) {
        const char *other = json_string_value(json_array_get(pool, random_below(json_array_size(pool))));
        struct text piece = text_of(other);

        mutate(&text, &piece);
    }
    return json_of_text(&text);
}

void random_compare(PGconn *connection, json_t *inputs, json_t *(*judge)(json_t *input, void *data),
    void *data, const char *sql, const char *parameter, uint64_t seed)
{
    char *array = json_dumps(inputs, JSON_COMPACT);
    PGresult *result = verdict_query(connection, sql, parameter, array);
    size_t i;
    json_t *input;

    cr_assert_eq((size_t)PQntuples(result), json_array_size(inputs));
    json_array_foreach(inputs, i, input)
    {
        json_auto_t *in_c = judge(input, data);
        json_auto_t *in_sql = verdict_of_row(result, (int)i);

        if (!verdict_is_same(in_c, in_sql)) {
            char *input_text = verdict_shown(input), *c_text = verdict_shown(in_c),
                 *sql_text = verdict_shown(in_sql);

            cr_expect_fail("TEST_SEED=%" PRIu64 ": of %s %s C says %s, SQL says %s", seed, parameter,
                input_text, c_text, sql_text);
            free(input_text);
            free(c_text);
            free(sql_text);
        }
    }
    PQclear(result);
    free(array);
}
