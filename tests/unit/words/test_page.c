#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/count.h"
#include "words/page.h"

static struct templates *templates;
static const struct catalogue *english;

static void begin(void)
{
    char error[TEMPLATE_ERROR_MAX];

    cr_assert_not_null(templates = templates_load("", error), "%s", error);
    english = templates_find(templates, "en");
}

static void end(void)
{
    templates_free(templates);
}

TestSuite(page, .init = begin, .fini = end);

static char *render(const char *state, const char *name, int *status)
{
    char invitation[512];

    snprintf(invitation, sizeof(invitation),
        "{\"state\":\"%s\",\"user\":{\"name\":\"%s\"},\"account\":{\"name\":\"Demo "
        "Client\"},\"inviter\":\"Grace\","
        "\"expiresAt\":\"2026-12-02T03:00:00.000Z\"}",
        state, name);
    return page_render_invitation(templates, english, "en-US", invitation, status);
}

Test(page, depends_on_the_state_of_the_invitation)
{
    static const struct {
        const char *state;
        int status;
        const char *text;
    } rows[] = {
        {"Open", 200, "Grace</bdi> invites you to join"},
        {"Accepted", 200, "You are in!"},
        {"Expired", 410, "This invitation has expired"},
        {"Superseded", 410, "There is a newer invitation for you"},
        {"Revoked", 410, "This invitation has been withdrawn"},
        {"Disabled", 409, "is not available at the moment"},
        {"Wrong", 404, "This link leads to no invitation"},
    };

    for (size_t i = 0; i < COUNT(rows); i++) {
        int status = 0;
        char *page = render(rows[i].state, "Ada", &status);

        cr_assert_not_null(page, "%s", rows[i].state);
        cr_expect_eq(status, rows[i].status, "%s: %d", rows[i].state, status);
        cr_expect_not_null(strstr(page, rows[i].text), "%s: %s", rows[i].state, page);
        cr_expect_eq(strstr(page, "<button") != NULL, i == 0, "%s: %s", rows[i].state, page);
        free(page);
    }
}

Test(page, shows_names_as_text)
{
    int status;
    char *page = render("Open", "<script>alert(1)</script>", &status);

    cr_expect_null(strstr(page, "<script"), "%s", page);
    cr_expect_not_null(strstr(page, "&lt;script&gt;alert(1)"), "%s", page);
    free(page);
}

Test(page, is_not_made_from_malformed_invitations)
{
    static const char *const texts[] = {"", "{", "[]", "{}", "{\"state\":\"Else\"}", "{\"state\":1}",
        "{\"state\":\"Open\",\"expiresAt\":\"soon\"}", "{\"state\":\"Open\",\"state\":\"Open\"}"};

    for (size_t i = 0; i < COUNT(texts); i++) {
        int status = 0;

        cr_expect_null(page_render_invitation(templates, english, NULL, texts[i], &status), "%s", texts[i]);
        cr_expect_eq(status, 500, "%s: %d", texts[i], status);
    }
}

Test(page, of_a_problem_depends_on_its_status)
{
    static const struct {
        int status;
        const char *text;
    } rows[] = {{404, "This link leads to no invitation"}, {429, "One moment, please"},
        {503, "One moment, please"}, {504, "One moment, please"}, {500, "this reference: abc123"},
        {400, "in a way that we do not understand"}, {405, "in a way that we do not understand"}};

    for (size_t i = 0; i < COUNT(rows); i++) {
        char *page = page_render_problem(templates, english, rows[i].status, "abc123");

        cr_expect_not_null(strstr(page, rows[i].text), "%d: %s", rows[i].status, page);
        free(page);
    }
}

Test(page, is_used_only_below_invitations)
{
    static const struct {
        const char *path;
        bool is_page;
    } rows[] = {{"/invitations/", true}, {"/invitations/AUSR-1/code", true}, {"/invitations", false},
        {"/invitations2/", false}, {"/", false}, {"", false}, {"/x/invitations/", false}};

    for (size_t i = 0; i < COUNT(rows); i++)
        cr_expect_eq(page_is_at(rows[i].path, strlen(rows[i].path)), rows[i].is_page, "%s", rows[i].path);
}
