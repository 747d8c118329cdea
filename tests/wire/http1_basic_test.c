#include <stdlib.h>
#include <string.h>

#include "http1.h"
#include "rows.h"

struct basic_row {
    const char *name; /* the value of Proxy-Authorization */
    bool is_good;
    struct px_bytes user;
    struct px_bytes password;
};

static const struct basic_row rows[] = {
    {"Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==", true, BYTES("Aladdin"),
     BYTES("open sesame")},
    {"bASIC dTpw", true, BYTES("u"), BYTES("p")},
    {"Basic   dTpw", true, BYTES("u"), BYTES("p")},
    /* the first colon splits: RFC 7617 section 2 */
    {"Basic dTpwOnE=", true, BYTES("u"), BYTES("p:q")},
    {"Basic Og==", true, BYTES(""), BYTES("")},
    {"Basic OnA=", true, BYTES(""), BYTES("p")},
    {"Basic dTo=", true, BYTES("u"), BYTES("")},
    {"Basic AP86+/8=", true, BYTES("\x00\xff"), BYTES("\xfb\xff")},
    {"", false, BYTES(""), BYTES("")},
    {"Basic", false, BYTES(""), BYTES("")},
    {"Basic ", false, BYTES(""), BYTES("")},
    {"BasicdTpw", false, BYTES(""), BYTES("")},
    {"Basics dTpw", false, BYTES(""), BYTES("")},
    {"Basic\tdTpw", false, BYTES(""), BYTES("")},
    {"Digest dTpw", false, BYTES(""), BYTES("")},
    {"Basic dXA=", false, BYTES(""), BYTES("")},    /* no colon */
    {"Basic dTpwOnE", false, BYTES(""), BYTES("")}, /* no padding */
    {"Basic dTpwOnE==", false, BYTES(""), BYTES("")},
    {"Basic dTpwOnF=", false, BYTES(""), BYTES("")}, /* stray bits */
    {"Basic Oh==", false, BYTES(""), BYTES("")},     /* stray bits */
    {"Basic Og==dTpw", false, BYTES(""), BYTES("")}, /* padding inside */
    {"Basic dT pw", false, BYTES(""), BYTES("")},
    {"Basic dT_w", false, BYTES(""), BYTES("")}, /* the URL alphabet */
    {"Basic ====", false, BYTES(""), BYTES("")},
    {"Basic d===", false, BYTES(""), BYTES("")},
};

static void check_basic(void **state)
{
    const struct basic_row *row = *state;
    struct px_bytes in = px_bytes_of(row->name, strlen(row->name));

    for (size_t len = 0; len <= in.len; len++) {
        uint8_t *copy = copy_exact(in, len);
        uint8_t buf[64];
        struct px_bytes user, password;
        bool is_good = http1_parse_basic(px_bytes_of(copy, len), buf,
                                         sizeof(buf), &user, &password);

        if (len == in.len) {
            assert_int_equal(is_good, row->is_good);
            if (is_good) {
                assert_bytes_equal(user, row->user);
                assert_bytes_equal(password, row->password);
            }
        }
        free(copy);
    }
}

/* Every length modulo three, and room that is too small by one. */
static void what_is_written_is_parsed(void **state)
{
    static const struct px_bytes secret = BYTES("\x00p:\xff\n");

    (void)state;
    for (size_t len = 0; len <= secret.len; len++) {
        uint8_t text[64], buf[64];
        struct px_writer w = px_writer_over(text, sizeof(text));
        struct px_bytes password = px_bytes_of(secret.data, len);
        struct px_bytes user, got;

        http1_write_basic(PX_LITERAL("me"), password, &w);
        assert_false(w.is_full);
        assert_true(
            http1_parse_basic(px_written(&w), buf, 3 + len, &user, &got));
        assert_bytes_equal(user, PX_LITERAL("me"));
        assert_bytes_equal(got, password);
        assert_false(
            http1_parse_basic(px_written(&w), buf, 2 + len, &user, &got));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_written_is_parsed),
    };

    return RUN_ROWS(rows, check_basic) +
           cmocka_run_group_tests(tests, NULL, NULL);
}
