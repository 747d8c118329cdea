#include "requirements.h"

#include <ctype.h>
#include <string.h>

#include "rows.h"

static void every_row_is_whole_and_found(void **state)
{
    (void)state;
    for (int i = REQ_NONE + 1; i < REQ_COUNT; i++) {
        const struct requirement_row *row =
            requirement_row((enum requirement)i);

        assert_int_equal(requirement_by_id(row->id, strlen(row->id)), i);
        assert_true(strlen(row->source) > 0);
        assert_true(strlen(row->section) > 0);
        assert_true(strlen(row->summary) > 0);
        assert_true(strlen(row->how) > 0);
        assert_true(strlen(requirement_level_name(row->level)) > 0);
        assert_true(strlen(requirement_role_name(row->role)) > 0);
        assert_true(strlen(requirement_testability_name(row->testability)) > 0);
    }
}

static void one_row_is_as_written(void **state)
{
    const struct requirement_row *row =
        requirement_row(REQ_SOCKS5_REQUEST_ATYP_UNKNOWN);

    (void)state;
    assert_string_equal(row->id, "socks5.request.atyp-unknown");
    assert_string_equal(row->source, "RFC1928");
    assert_int_equal(row->role, ROLE_SERVER);
}

static void other_ids_are_none(void **state)
{
    static const char id[] = "socks5.request.version";

    (void)state;
    assert_int_equal(requirement_by_id(id, strlen(id)),
                     REQ_SOCKS5_REQUEST_VERSION);
    assert_int_equal(requirement_by_id(id, strlen(id) - 1), REQ_NONE);
    assert_int_equal(requirement_by_id("", 0), REQ_NONE);
    assert_int_equal(requirement_by_id("no.such-thing", 13), REQ_NONE);
    assert_int_equal(requirement_by_id("Socks5.request.version", 22), REQ_NONE);
}

static void words_are_the_catalogues(void **state)
{
    (void)state;
    assert_string_equal(requirement_level_name(LEVEL_MUST_NOT), "MUST-NOT");
    assert_string_equal(requirement_level_name(LEVEL_ADVICE), "ADVICE");
    assert_string_equal(requirement_role_name(ROLE_BOTH), "both");
    assert_string_equal(requirement_testability_name(SEEN_WHITEBOX),
                        "whitebox");
}

/* The catalogue's promise of plain ASCII, which reports rely on. */
static void text_is_printable_ascii(void **state)
{
    (void)state;
    for (int i = REQ_NONE + 1; i < REQ_COUNT; i++) {
        const struct requirement_row *row =
            requirement_row((enum requirement)i);
        const char *const texts[] = {row->id, row->source, row->section,
                                     row->summary, row->how};

        for (size_t t = 0; t < LENGTH(texts); t++)
            for (const char *c = texts[t]; *c; c++)
                assert_true(isprint((unsigned char)*c));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_row_is_whole_and_found),
        cmocka_unit_test(one_row_is_as_written),
        cmocka_unit_test(other_ids_are_none),
        cmocka_unit_test(words_are_the_catalogues),
        cmocka_unit_test(text_is_printable_ascii),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
