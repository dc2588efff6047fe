#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "api/prefer.h"
#include "base/count.h"

Test(prefer, finds_a_preference_as_rfc_7240_spells_it)
{
    static const struct {
        const char *header;
        enum prefer_verdict verdict;
    } cases[] = {
        {"tx=rollback", PREFER_YES},
        {"TX=Rollback", PREFER_YES},
        {"tx = rollback", PREFER_YES},
        {"\ttx\t=\trollback\t", PREFER_YES},
        {"tx=\"rollback\"", PREFER_YES},
        {"tx=\"roll\\back\"", PREFER_YES},
        {"tx=rollback;a=b", PREFER_YES},
        {"tx=\"rollback\" ; a ; b=\"c,d\"", PREFER_YES},
        {"respond-async, tx=rollback", PREFER_YES},
        {"respond-async;x=\"tx=commit, tx=rollback\",wait=10 , tx=rollback", PREFER_YES},
        {"return=\"a\\\",tx=commit\", tx=rollback", PREFER_YES},
        {",, ,tx=rollback", PREFER_YES},
        {"tx=rollback, tx=commit", PREFER_YES},
        {"tx=rollback,", PREFER_YES},
        {"(broken, tx=rollback", PREFER_YES},
        {"tx=commit, tx=rollback", PREFER_OTHER},
        {"tx=commit", PREFER_OTHER},
        {"tx", PREFER_OTHER},
        {"tx=", PREFER_OTHER},
        {"tx=\"\"", PREFER_OTHER},
        {"tx=rollbac", PREFER_OTHER},
        {"tx=rollbacks", PREFER_OTHER},
        {"tx=\"rollback", PREFER_OTHER},
        {"tx=\"rollback\\\"", PREFER_OTHER},
        {"tx=\" rollback\"", PREFER_OTHER},
        {"", PREFER_NOT_GIVEN},
        {" ", PREFER_NOT_GIVEN},
        {",", PREFER_NOT_GIVEN},
        {"=", PREFER_NOT_GIVEN},
        {"\"", PREFER_NOT_GIVEN},
        {"rollback", PREFER_NOT_GIVEN},
        {"txx=rollback", PREFER_NOT_GIVEN},
        {"t=rollback", PREFER_NOT_GIVEN},
        {"x tx=rollback", PREFER_NOT_GIVEN},
        {"tx=rollback more", PREFER_NOT_GIVEN},
        {"a=\"tx=rollback\"", PREFER_NOT_GIVEN},
        {"a=\", tx=rollback", PREFER_NOT_GIVEN},
        {"a;tx=rollback", PREFER_NOT_GIVEN},
        {"\"tx\"=rollback", PREFER_NOT_GIVEN},
    };

    for (size_t i = 0; i < COUNT(cases); i++) {
        /* Without a terminating NUL, so that a read beyond the end is detected. */
        size_t len = strlen(cases[i].header);
        char *header = memcpy(malloc(len + 1), cases[i].header, len);

        header[len] = 'x';
        cr_expect_eq(prefer_find(header, len, "tx", "rollback"), cases[i].verdict, "%s", cases[i].header);
        free(header);
    }
}
