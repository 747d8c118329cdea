#include "ident.h"

#include <stdlib.h>
#include <string.h>

#include "rows.h"

struct reply_row {
    const char *name;
    struct px_bytes in;
    enum px_status status;
    struct px_bytes user;
};

/* The connection is from port 6193 to our port 1080. */
static const struct reply_row rows[] = {
    {"a user", BYTES("6193,1080:USERID:UNIX:joe\r\n"), PX_DONE, BYTES("joe")},
    {"blanks around separators",
     BYTES(" 6193 , 1080 : USERID : UNIX : joe\r\n"), PX_DONE, BYTES("joe")},
    {"blanks of the user", BYTES("6193,1080:USERID:OTHER:  j o \r\n"), PX_DONE,
     BYTES(" j o ")},
    {"a colon in the user", BYTES("6193,1080:USERID:UNIX:a:b\r\n"), PX_DONE,
     BYTES("a:b")},
    {"a character set", BYTES("6193,1080:USERID:UNIX,UTF-8:joe\r\n"), PX_DONE,
     BYTES("joe")},
    {"in lower case", BYTES("6193,1080:userid:unix:joe\r\n"), PX_DONE,
     BYTES("joe")},
    {"LF alone", BYTES("6193,1080:USERID:UNIX:joe\n"), PX_DONE, BYTES("joe")},
    {"more behind it", BYTES("6193,1080:USERID:UNIX:joe\r\nmore"), PX_DONE,
     BYTES("joe")},
    {"an error", BYTES("6193,1080:ERROR:NO-USER\r\n"), PX_DONE, BYTES("")},
    {"an error with a colon", BYTES("6193,1080:ERROR:X-A:joe\r\n"), PX_DONE,
     BYTES("")},
    {"another port there", BYTES("6194,1080:USERID:UNIX:joe\r\n"), PX_DONE,
     BYTES("")},
    {"another port here", BYTES("6193,1081:USERID:UNIX:joe\r\n"), PX_DONE,
     BYTES("")},
    {"a port too long", BYTES("006193,1080:USERID:UNIX:joe\r\n"), PX_DONE,
     BYTES("")},
    {"a port that is none", BYTES("61x3,1080:USERID:UNIX:joe\r\n"), PX_DONE,
     BYTES("")},
    {"no ports", BYTES(",:USERID:UNIX:joe\r\n"), PX_DONE, BYTES("")},
    {"no user", BYTES("6193,1080:USERID:UNIX:\r\n"), PX_DONE, BYTES("")},
    {"an empty line", BYTES("\r\n"), PX_DONE, BYTES("")},
    {"nothing", BYTES(""), PX_NEED_MORE, BYTES("")},
    {"no line's end", BYTES("6193,1080:USERID:UNIX:joe\r"), PX_NEED_MORE,
     BYTES("")},
};

static void check_reply(void **state)
{
    const struct reply_row *row = *state;
    struct px_bytes user = {0};
    struct px_error err;
    uint8_t *in = copy_exact(row->in, row->in.len);

    assert_int_equal(ident_decode_reply(px_bytes_of(in, row->in.len), 6193,
                                        1080, &user, &err),
                     row->status);
    assert_bytes_equal(user, row->user);
    free(in);
}

/* Section 5: a line has up to 1,000 octets. */
static void long_lines_are_refused(void **state)
{
    uint8_t line[IDENT_REPLY_MAX + 1];
    struct px_bytes user = {0};
    struct px_error err;

    (void)state;
    memset(line, 'x', sizeof(line));
    assert_int_equal(ident_decode_reply(px_bytes_of(line, IDENT_REPLY_MAX - 1),
                                        1, 2, &user, &err),
                     PX_NEED_MORE);
    assert_int_equal(ident_decode_reply(px_bytes_of(line, IDENT_REPLY_MAX), 1,
                                        2, &user, &err),
                     PX_ERROR);
    line[IDENT_REPLY_MAX - 1] = '\n';
    assert_int_equal(ident_decode_reply(px_bytes_of(line, IDENT_REPLY_MAX), 1,
                                        2, &user, &err),
                     PX_DONE);
}

static void queries_have_both_ports(void **state)
{
    uint8_t storage[IDENT_QUERY_MAX];
    struct px_writer out = px_writer_over(storage, sizeof(storage));

    (void)state;
    assert_true(ident_encode_query(65535, 10801, &out));
    assert_bytes_equal(px_written(&out), PX_LITERAL("65535,10801\r\n"));
    out = px_writer_over(storage, 8);
    assert_false(ident_encode_query(65535, 10801, &out));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(long_lines_are_refused),
        cmocka_unit_test(queries_have_both_ports),
    };
    int failed = RUN_ROWS(rows, check_reply);

    return failed + cmocka_run_group_tests_name("lines", tests, NULL, NULL);
}
