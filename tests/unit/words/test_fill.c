#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/count.h"
#include "words/fill.h"

static void expect(const char *template, enum fill_format format, const char *value, enum fill_kind kind,
    const char *expected)
{
    const struct fill_value values[] = {{"other", "?", FILL_TEXT}, {"name", value, kind}};
    char *text = fill(template, format, values, 2);

    cr_expect_str_eq(text, expected);
    free(text);
}

Test(fill, replaces_placeholders)
{
    expect("", FILL_PLAIN, "Ada", FILL_TEXT, "");
    expect("Hello", FILL_PLAIN, "Ada", FILL_TEXT, "Hello");
    expect("{name}", FILL_PLAIN, "Ada", FILL_TEXT, "Ada");
    expect("Hello {name}, {name}! {other}", FILL_PLAIN, "Ada", FILL_NAME, "Hello Ada, Ada! ?");
    expect("{name}", FILL_PLAIN, "", FILL_TEXT, "");
}

Test(fill, leaves_other_braces_alone)
{
    expect("a { b } {} { name} {name } {na-me} {{name}}", FILL_PLAIN, "x", FILL_TEXT,
        "a { b } {} { name} {name } {na-me} {x}");
    expect("{unknown} {name", FILL_PLAIN, "x", FILL_TEXT, "{unknown} {name");
    expect("{unknown} {name}", FILL_HTML, "x", FILL_TEXT, "{unknown} x");
}

Test(fill, does_not_look_for_placeholders_in_values)
{
    expect("{name}{other}", FILL_PLAIN, "{other}", FILL_TEXT, "{other}?");
    expect("{name}{other}", FILL_HTML, "{name}", FILL_TEXT, "{name}?");
}

Test(fill, escapes_in_html)
{
    expect("<b>{name}</b>", FILL_HTML, "<a href=\"x\" id='y'>&amp;", FILL_TEXT,
        "<b>&lt;a href=&quot;x&quot; id=&#39;y&#39;&gt;&amp;amp;</b>");
    expect("a < b & {name}", FILL_SENTENCE, "<i>", FILL_TEXT, "a &lt; b &amp; &lt;i&gt;");
    expect("a < b & {name}", FILL_PLAIN, "<i>", FILL_TEXT, "a < b & <i>");
    expect("<{name}>", FILL_HTML, "<br>", FILL_RAW, "<<br>>");
    expect("{name}", FILL_SENTENCE, "<Ада & עדה \xf0\x9f\x8e\x89>", FILL_NAME,
        "<bdi>&lt;Ада &amp; עדה \xf0\x9f\x8e\x89&gt;</bdi>");
}

Test(fill, removes_line_separators_and_bidi_controls)
{
    static const char layout[] = "a\xe2\x80\xa8"
                                 "b\xe2\x80\xa9"
                                 "c\xe2\x80\xae"
                                 "d\xe2\x81\xa6"
                                 "e\xe2\x80\xaa"
                                 "f\xe2\x81\xa9"
                                 "g\xe2\x80\xa6";

    expect("{name}", FILL_PLAIN, layout, FILL_NAME, "a b cdefg\xe2\x80\xa6");
    expect("{name}", FILL_HTML, layout, FILL_NAME, "<bdi>a b cdefg\xe2\x80\xa6</bdi>");
    expect("\xe2\x80\xae{name}", FILL_PLAIN, "x", FILL_TEXT, "\xe2\x80\xaex");
}

#define APART "\xe2\x80\x8b"

Test(fill, prevents_links_in_names)
{
    static const struct {
        const char *name, *filled;
    } rows[] = {
        {"example.com", "example." APART "com"},
        {"www.example.com/a?b", "www." APART "example." APART "com/a?b"},
        {"HTTPS://EXAMPLE.COM", "HTTPS:" APART "//EXAMPLE." APART "COM"},
        {"mailto:ann@example.com", "mailto:" APART "ann@" APART "example." APART "com"},
        {"example\xe3\x80\x82"
         "com",
            "example\xe3\x80\x82" APART "com"},
        {"example\xef\xbc\x8e"
         "com",
            "example\xef\xbc\x8e" APART "com"},
        {"example\xef\xbd\xa1"
         "com",
            "example\xef\xbd\xa1" APART "com"},
        {"Dr. Ada J. Lovelace jr.", "Dr. Ada J. Lovelace jr."},
        {"Team: North @ Acme Inc.", "Team: North @ Acme Inc."},
        {"...", "." APART "." APART "."},
    };

    for (size_t i = 0; i < COUNT(rows); i++) {
        char html[128];

        snprintf(html, sizeof(html), "<bdi>%s</bdi>.com", rows[i].filled);
        expect("{name}", FILL_PLAIN, rows[i].name, FILL_NAME, rows[i].filled);
        expect("{name}.com", FILL_HTML, rows[i].name, FILL_NAME, html);
        expect("{name}", FILL_PLAIN, rows[i].name, FILL_TEXT, rows[i].name);
    }
}

Test(fill, finds_placeholders)
{
    const char *name, *after = fill_next_placeholder("a{b}{ c}{De}", &name, &(size_t){0});
    size_t len;

    cr_assert_str_eq(after, "{ c}{De}");
    after = fill_next_placeholder(after, &name, &len);
    cr_assert_str_eq(after, "");
    cr_assert(len == 2 && memcmp(name, "De", 2) == 0);
    cr_assert_null(fill_next_placeholder(after, &name, &len));
}
