#include "rows.h"

#include <stdlib.h>
#include <string.h>

uint8_t *copy_exact(struct px_bytes in, size_t len)
{
    uint8_t *copy;

    if (len == 0)
        return NULL;
    copy = malloc(len);
    assert_non_null(copy);
    memcpy(copy, in.data, len);
    return copy;
}

void assert_bytes_equal(struct px_bytes got, struct px_bytes want)
{
    assert_int_equal(got.len, want.len);
    if (got.len)
        assert_memory_equal(got.data, want.data, got.len);
}

static void check_at_length(const struct decode_row *row, size_t len)
{
    uint8_t *copy = copy_exact(row->in, len);
    uint8_t again[1024];
    struct px_writer out = px_writer_over(again, sizeof(again));
    struct px_error err = {0};
    size_t used = 0;
    enum px_status got = row->decode(px_bytes_of(copy, len), &used, &err, &out);

    assert_int_equal(got, len < row->enough ? PX_NEED_MORE : row->status);
    assert_int_equal(used, got == PX_DONE ? row->enough : 0);
    assert_int_equal(err.req, got == PX_ERROR ? row->req : REQ_NONE);
    if (got == PX_ERROR) {
        assert_true(err.offset < row->enough);
        assert_true(strlen(err.detail) > 0);
    }
    if (got == PX_DONE && out.len)
        assert_bytes_equal(px_written(&out), px_bytes_of(copy, used));
    free(copy);
}

void check_decode_row(void **state)
{
    const struct decode_row *row = *state;

    for (size_t len = 0; len <= row->in.len; len++)
        check_at_length(row, len);
}

int run_rows(const char *group, const void *rows, size_t count, size_t row_len,
             CMUnitTestFunction check)
{
    struct CMUnitTest *tests = calloc(count, sizeof(*tests));
    int failed;

    assert_non_null(tests);
    for (size_t i = 0; i < count; i++) {
        const void *row = (const uint8_t *)rows + i * row_len;

        /* A row begins with its name, so that this needs no callback. */
        memcpy(&tests[i].name, row, sizeof(tests[i].name));
        tests[i].test_func = check;
        tests[i].initial_state = (void *)row;
    }
    failed = _cmocka_run_group_tests(group, tests, count, NULL, NULL);
    free(tests);
    return failed;
}
