#include "http1_date.h"

#include "rows.h"

struct date_row {
    const char *name;
    uint64_t unix_s;
    struct px_bytes text;
};

static const struct date_row rows[] = {
    {"the first second", 0, BYTES("Thu, 01 Jan 1970 00:00:00 GMT")},
    {"RFC 9110's", 784111777, BYTES("Sun, 06 Nov 1994 08:49:37 GMT")},
    {"the end of a leap day", 951868799,
     BYTES("Tue, 29 Feb 2000 23:59:59 GMT")},
    {"the day after it", 951868800, BYTES("Wed, 01 Mar 2000 00:00:00 GMT")},
    {"the end of a year", 1704067199, BYTES("Sun, 31 Dec 2023 23:59:59 GMT")},
    {"no leap year", 4107542400, BYTES("Mon, 01 Mar 2100 00:00:00 GMT")},
    {"the last one", 253402300799, BYTES("Fri, 31 Dec 9999 23:59:59 GMT")},
};

static void check_row(void **state)
{
    const struct date_row *row = *state;
    uint8_t octets[HTTP1_DATE_LEN];
    struct px_writer out = px_writer_over(octets, sizeof(octets));

    http1_put_date(row->unix_s, &out);
    assert_false(out.is_full);
    assert_int_equal(out.len, row->text.len);
    assert_memory_equal(octets, row->text.data, out.len);
}

int main(void)
{
    return RUN_ROWS(rows, check_row);
}
