#include <stdlib.h>
#include <string.h>

#include "http1_auth_param.h"
#include "rows.h"

enum { PARAMS_MAX = 4 };

/* A list, and each parameter as name, "=" or "~" for quoted, and value. */
struct list_row {
    const char *name; /* the list */
    enum http1_auth_next end;
    const char *params[PARAMS_MAX];
};

static const struct list_row lists[] = {
    {"", HTTP1_AUTH_END, {0}},
    {" ,\t,", HTTP1_AUTH_END, {0}},
    {"a=b", HTTP1_AUTH_END, {"a=b"}},
    {"a = b", HTTP1_AUTH_END, {"a=b"}},
    {"a\t=\t\"b\"", HTTP1_AUTH_END, {"a~b"}},
    {"a=\"\"", HTTP1_AUTH_END, {"a~"}},
    {"a=\"b,c=d\"", HTTP1_AUTH_END, {"a~b,c=d"}},
    {"a=\"b\\\"c\\\\\",d=e", HTTP1_AUTH_END, {"a~b\"c\\", "d=e"}},
    {"a=\"\\b\"", HTTP1_AUTH_END, {"a~b"}},
    {"a=\"\xc3\xa9\t\"", HTTP1_AUTH_END, {"a~\xc3\xa9\t"}},
    {"a=b,c=d", HTTP1_AUTH_END, {"a=b", "c=d"}},
    {", a=b ,, c=\"d\" ,", HTTP1_AUTH_END, {"a=b", "c~d"}},
    {"A*=UTF-8''x%20y", HTTP1_AUTH_END, {"A*=UTF-8''x%20y"}},
    {"a", HTTP1_AUTH_BAD, {0}},
    {"a b=c", HTTP1_AUTH_BAD, {0}},
    {"=b", HTTP1_AUTH_BAD, {0}},
    {"a=", HTTP1_AUTH_BAD, {0}},
    {"a=,b=c", HTTP1_AUTH_BAD, {0}},
    {"a=b c=d", HTTP1_AUTH_BAD, {0}},
    {"a=\"b\"c", HTTP1_AUTH_BAD, {0}},
    {"a=b=c", HTTP1_AUTH_BAD, {0}},
    {"a=b/c", HTTP1_AUTH_BAD, {0}},
    {"a=\"b", HTTP1_AUTH_BAD, {0}},
    {"a=\"b\\\"", HTTP1_AUTH_BAD, {0}},
    {"a=\"b\\", HTTP1_AUTH_BAD, {0}},
    {"a=\"\x01\"", HTTP1_AUTH_BAD, {0}},
    {"a=\"\\\x7f\"", HTTP1_AUTH_BAD, {0}},
    {"a=b,\"c\"", HTTP1_AUTH_BAD, {"a=b"}},
    {"a=b;c=d", HTTP1_AUTH_BAD, {0}},
};

static void check_param(const struct http1_auth_param *param, const char *want)
{
    uint8_t text[64];
    struct px_writer w = px_writer_over(text, sizeof(text));

    px_put_bytes(&w, param->name);
    px_put_u8(&w, param->is_quoted ? '~' : '=');
    http1_put_auth_value(param, &w);
    assert_bytes_equal(px_written(&w), px_bytes_of(want, strlen(want)));
}

static void check_list(void **state)
{
    const struct list_row *row = *state;
    size_t len = strlen(row->name);
    uint8_t *copy = copy_exact(px_bytes_of(row->name, len), len);
    struct px_bytes rest = px_bytes_of(copy, len);
    struct http1_auth_param param;
    enum http1_auth_next next;
    size_t count = 0;

    while ((next = http1_next_auth_param(&rest, &param)) == HTTP1_AUTH_PARAM) {
        assert_true(count < PARAMS_MAX && row->params[count]);
        check_param(&param, row->params[count++]);
    }
    assert_int_equal(next, row->end);
    assert_true(count == PARAMS_MAX || !row->params[count]);
    assert_true(next != HTTP1_AUTH_END || rest.len == 0);
    free(copy);
}

/* No beginning of a list reads past its end, or loses its place. */
static void check_beginnings(void **state)
{
    const struct list_row *row = *state;
    struct px_bytes whole = px_bytes_of(row->name, strlen(row->name));

    for (size_t len = 0; len <= whole.len; len++) {
        uint8_t *copy = copy_exact(whole, len);
        struct px_bytes rest = px_bytes_of(copy, len);
        struct http1_auth_param param;
        size_t left;

        do {
            left = rest.len;
        } while (http1_next_auth_param(&rest, &param) == HTTP1_AUTH_PARAM &&
                 rest.len < left);
        assert_true(rest.len <= len);
        free(copy);
    }
}

struct split_row {
    const char *name; /* the field's value */
    bool is_good;
    const char *scheme;
    const char *rest;
};

static const struct split_row splits[] = {
    {"Basic dTpw", true, "Basic", "dTpw"},
    {"Digest   a=b", true, "Digest", "a=b"},
    {"Digest", true, "Digest", ""},
    {"", false, "", ""},
    {" Digest a=b", false, "", ""},
    {"Digest\ta=b", false, "", ""},
    {"Digest,a=b", false, "", ""},
    {"\"Digest\" a=b", false, "", ""},
};

static void check_split(void **state)
{
    const struct split_row *row = *state;
    struct px_bytes scheme, rest;
    bool is_good = http1_split_credentials(
        px_bytes_of(row->name, strlen(row->name)), &scheme, &rest);

    assert_int_equal(is_good, row->is_good);
    if (!is_good)
        return;
    assert_bytes_equal(scheme, px_bytes_of(row->scheme, strlen(row->scheme)));
    assert_bytes_equal(rest, px_bytes_of(row->rest, strlen(row->rest)));
}

static void what_is_quoted_is_read_back(void **state)
{
    static const struct px_bytes text = BYTES("a \"b\\c\", d=\xff");
    uint8_t quoted[64], again[64];
    struct px_writer w = px_writer_over(quoted, sizeof(quoted));
    struct px_writer back = px_writer_over(again, sizeof(again));
    struct http1_auth_param param;
    struct px_bytes rest;

    (void)state;
    px_put_text(&w, "n=");
    http1_put_quoted(text, &w);
    rest = px_written(&w);
    assert_int_equal(http1_next_auth_param(&rest, &param), HTTP1_AUTH_PARAM);
    http1_put_auth_value(&param, &back);
    assert_bytes_equal(px_written(&back), text);
    back = px_writer_over(again, text.len - 1);
    http1_put_auth_value(&param, &back);
    assert_true(back.is_full);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_quoted_is_read_back),
    };

    return RUN_ROWS(lists, check_list) + RUN_ROWS(lists, check_beginnings) +
           RUN_ROWS(splits, check_split) +
           cmocka_run_group_tests(tests, NULL, NULL);
}
