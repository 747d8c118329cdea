#include "guard.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

enum { GROUPS_MAX = 256 };

struct guard {
    int fd; /* news for the child */
    pid_t child;
};

/* What the child is told: a group that began, or a negative one that ended. */

static int take_news(int *groups, int count, int news)
{
    if (news > 0 && count < GROUPS_MAX) {
        groups[count] = news;
        return count + 1;
    }
    for (int i = 0; i < count; i++) {
        if (groups[i] == -news) {
            groups[i] = groups[count - 1];
            return count - 1;
        }
    }
    return count;
}

/* The child; only what is allowed behind a fork among threads. */
static _Noreturn void keep_guard(int fd)
{
    int groups[GROUPS_MAX];
    int count = 0, news;
    ssize_t got;

    (void)setsid(); /* what a terminal tells its programs is not for it */
    do {
        got = read(fd, &news, sizeof(news));
        if (got == sizeof(news))
            count = take_news(groups, count, news);
    } while (got > 0 || (got < 0 && errno == EINTR));
    while (count)
        (void)kill(-groups[--count], SIGKILL);
    _exit(0);
}

struct guard *guard_new(void)
{
    struct guard *g = malloc(sizeof(*g));
    int fds[2];

    if (!g || pipe2(fds, O_CLOEXEC) != 0) {
        free(g);
        return NULL;
    }
    g->child = fork();
    if (g->child == 0) {
        (void)close(fds[1]);
        keep_guard(fds[0]);
    }
    (void)close(fds[0]);
    g->fd = fds[1];
    if (g->child > 0)
        return g;
    (void)close(g->fd);
    free(g);
    return NULL;
}

static void tell(const struct guard *g, int news)
{
    ssize_t sent = g ? write(g->fd, &news, sizeof(news)) : 0;

    (void)sent; /* a guard that is gone is missed by nobody but it */
}

void guard_add(struct guard *g, int group)
{
    tell(g, group);
}

void guard_remove(struct guard *g, int group)
{
    tell(g, -group);
}

void guard_free(struct guard *g)
{
    if (!g)
        return;
    (void)close(g->fd);
    while (waitpid(g->child, NULL, 0) < 0 && errno == EINTR) {
    }
    free(g);
}
