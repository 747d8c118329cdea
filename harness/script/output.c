#include "output.h"

#include <errno.h>
#include <poll.h>
#include <unistd.h>

int output_write(int fd, const char *data, size_t len)
{
    struct pollfd writable = {.fd = fd, .events = POLLOUT};
    ssize_t sent;

    while (len) {
        sent = write(fd, data, len);
        if (sent > 0) {
            data += sent;
            len -= (size_t)sent;
        } else if (sent < 0 && errno == EAGAIN) {
            (void)poll(&writable, 1, -1);
        } else if (sent < 0 && errno != EINTR) {
            return errno;
        }
    }
    return 0;
}
