#include "http1_date.h"

enum { DAY_S = 24 * 60 * 60 };

static bool is_leap(unsigned year)
{
    return (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
}

static unsigned month_days(unsigned year, unsigned month)
{
    static const uint8_t days[] = {31, 28, 31, 30, 31, 30,
                                   31, 31, 30, 31, 30, 31};

    return days[month] + (month == 1 && is_leap(year) ? 1U : 0U);
}

static void put_padded(struct px_writer *out, unsigned value)
{
    px_put_u8(out, (uint8_t)('0' + value / 10 % 10));
    px_put_u8(out, (uint8_t)('0' + value % 10));
}

void http1_put_date(uint64_t unix_s, struct px_writer *out)
{
    static const char *const weekdays[] = {"Thu, ", "Fri, ", "Sat, ", "Sun, ",
                                           "Mon, ", "Tue, ", "Wed, "};
    static const char *const months[] = {" Jan ", " Feb ", " Mar ", " Apr ",
                                         " May ", " Jun ", " Jul ", " Aug ",
                                         " Sep ", " Oct ", " Nov ", " Dec "};
    uint64_t day = unix_s / DAY_S;
    unsigned second = (unsigned)(unix_s % DAY_S);
    unsigned year = 1970, month = 0;

    px_put_text(out, weekdays[day % 7]); /* 1970-01-01 was a Thursday */
    while (year < 9999 && day >= (is_leap(year) ? 366U : 365U))
        day -= is_leap(year++) ? 366 : 365;
    while (month < 11 && day >= month_days(year, month))
        day -= month_days(year, month++);
    put_padded(out, (unsigned)day + 1);
    px_put_text(out, months[month]);
    put_padded(out, year / 100);
    put_padded(out, year % 100);
    px_put_text(out, " ");
    put_padded(out, second / 3600);
    px_put_text(out, ":");
    put_padded(out, second / 60 % 60);
    px_put_text(out, ":");
    put_padded(out, second % 60);
    px_put_text(out, " GMT");
}
