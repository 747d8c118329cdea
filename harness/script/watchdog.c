#include "watchdog.h"

#include <signal.h>
#include <unistd.h>

/* Only what a signal handler may call. */
static void on_alarm(int number)
{
    static const char line[] =
        "proxyspec: a script ran too long inside one library call\n";
    ssize_t sent = write(STDERR_FILENO, line, sizeof(line) - 1);

    (void)number;
    (void)sent; /* nothing is left to be done about it */
    _exit(WATCHDOG_STATUS);
}

void watchdog_start(int cpu_ms, struct itimerval *before)
{
    const struct itimerval limit = {
        .it_value = {cpu_ms / 1000, (suseconds_t)(cpu_ms % 1000) * 1000}};

    (void)signal(SIGVTALRM, on_alarm);
    (void)setitimer(ITIMER_VIRTUAL, &limit, before);
}

void watchdog_stop(const struct itimerval *before)
{
    (void)setitimer(ITIMER_VIRTUAL, before, NULL);
}
