#include "namespace.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/if_tun.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "netlink.h"

static const char device_name[] = "proxyspec0";

static bool fail(struct px_error *err, const char *what)
{
    int error = errno;

    (void)px_fail(err, error, "%s: %s", what, strerror(error));
    return false;
}

/* Small files -------------------------------------------------------------- */

static bool write_text(const char *path, const char *text)
{
    int fd = open(path, O_WRONLY | O_CLOEXEC);
    size_t len = strlen(text);
    bool is_written;

    if (fd < 0)
        return false;
    is_written = write(fd, text, len) == (ssize_t)len;
    return close(fd) == 0 && is_written;
}

/* Shows everybody in the namespace this text in the place of a file. */
static bool cover(const char *path, struct px_bytes text)
{
    char mine[] = "/tmp/proxyspec.XXXXXX";
    int fd = mkostemp(mine, O_CLOEXEC);
    bool is_done;

    if (fd < 0)
        return false;
    is_done = write(fd, text.data, text.len) == (ssize_t)text.len &&
              fchmod(fd, 0644) == 0 &&
              mount(mine, path, NULL, MS_BIND, NULL) == 0;
    (void)unlink(mine); /* what is mounted stays */
    return close(fd) == 0 && is_done;
}

/* The namespaces ----------------------------------------------------------- */

/* Who we are stays who we are; only the rights over the new namespaces come. */
static bool map_ids(uid_t uid, gid_t gid)
{
    char text[64];

    (void)snprintf(text, sizeof(text), "%u %u 1", (unsigned)uid, (unsigned)uid);
    if (!write_text("/proc/self/setgroups", "deny") ||
        !write_text("/proc/self/uid_map", text))
        return false;
    (void)snprintf(text, sizeof(text), "%u %u 1", (unsigned)gid, (unsigned)gid);
    return write_text("/proc/self/gid_map", text);
}

static bool leave(struct px_error *err)
{
    const int flags = CLONE_NEWNET | CLONE_NEWNS;
    uid_t uid = geteuid();
    gid_t gid = getegid();

    if (unshare(flags) != 0) {
        if (errno != EPERM || unshare(flags | CLONE_NEWUSER) != 0)
            return fail(err, "no network namespace");
        if (!map_ids(uid, gid))
            return fail(err, "no user namespace");
    }
    /* Mounts of ours do not show outside. */
    if (mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0)
        return fail(err, "no mount namespace");
    return true;
}

static int open_device(void)
{
    struct ifreq request = {.ifr_flags = IFF_TUN | IFF_NO_PI};
    int fd = open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC);

    (void)snprintf(request.ifr_name, sizeof(request.ifr_name), "%s",
                   device_name);
    if (fd >= 0 && ioctl(fd, TUNSETIFF, &request) != 0) {
        (void)close(fd);
        return -1;
    }
    return fd;
}

/* Addresses and routes ----------------------------------------------------- */

static bool add_routes_ipv4(int fd, bool has_device, struct px_error *err)
{
    return (!has_device ||
            (netlink_set_up(fd, device_name, err) &&
             netlink_add_address(fd, device_name, "192.0.2.1", 24, err) &&
             netlink_add_route(fd, device_name, NAMESPACE_ROUTED_IPV4 "0", 24,
                               RTN_UNICAST, err))) &&
           netlink_add_route(fd, NULL, NAMESPACE_KERNEL_IPV4 "1", 32,
                             RTN_UNREACHABLE, err) &&
           netlink_add_route(fd, NULL, NAMESPACE_KERNEL_IPV4 "2", 32,
                             RTN_PROHIBIT, err);
}

static bool add_routes_ipv6(int fd, bool has_device, struct px_error *err)
{
    return (!has_device ||
            (netlink_add_address(fd, device_name, "2001:db8:0:2::1", 64, err) &&
             netlink_add_route(fd, device_name, NAMESPACE_ROUTED_IPV6, 64,
                               RTN_UNICAST, err))) &&
           netlink_add_route(fd, NULL, NAMESPACE_KERNEL_IPV6 "1", 128,
                             RTN_UNREACHABLE, err) &&
           netlink_add_route(fd, NULL, NAMESPACE_KERNEL_IPV6 "2", 128,
                             RTN_PROHIBIT, err);
}

static bool set_up(struct namespace_parts *out, struct px_error *err)
{
    struct px_error ignored = {0};
    int fd = netlink_open(err);
    bool is_done;

    if (fd < 0)
        return false;
    is_done = netlink_set_up(fd, "lo", err);
    out->device = is_done ? open_device() : -1;
    is_done = is_done && add_routes_ipv4(fd, out->device >= 0, err);
    out->has_ipv6 = is_done && add_routes_ipv6(fd, out->device >= 0, &ignored);
    (void)close(fd);
    return is_done;
}

/* Names -------------------------------------------------------------------- */

/* The file of name services, with the resolver as the one source of hosts
 * beside /etc/hosts: other services may ask outside the namespace. */
static bool cover_services(void)
{
    static const char path[] = "/etc/nsswitch.conf";
    uint8_t text[8192];
    char line[512];
    struct px_writer w = px_writer_over(text, sizeof(text));
    FILE *in = fopen(path, "re");

    if (!in)
        return errno == ENOENT; /* what is built in asks the resolver */
    while (fgets(line, sizeof(line), in))
        px_put_text(&w, strncmp(line, "hosts:", 6) == 0 ? "hosts: files dns\n"
                                                        : line);
    (void)fclose(in);
    return !w.is_full && cover(path, px_written(&w));
}

/* A cache of names outside would answer instead of our resolver. */
static bool hide_cache(void)
{
    static const char *const dirs[] = {"/run/nscd", "/var/run/nscd"};
    struct stat is_there;

    for (size_t i = 0; i < sizeof(dirs) / sizeof(dirs[0]); i++) {
        if (stat(dirs[i], &is_there) == 0 &&
            mount("none", dirs[i], "tmpfs", MS_NOSUID | MS_NODEV, NULL) != 0)
            return false;
    }
    return true;
}

static bool take_names(void)
{
    /* No domain is tried behind a name. For the root that is searched instead,
     * glibc asks a second time: what is silent is silent for 2 s. */
    static const char resolver[] = "nameserver " NAMESPACE_RESOLVER "\n"
                                   "search .\n"
                                   "options timeout:1 attempts:1\n";

    return cover("/etc/resolv.conf",
                 px_bytes_of(resolver, sizeof(resolver) - 1)) &&
           cover_services() && hide_cache();
}

static bool enter(struct namespace_parts *out, struct px_error *err)
{
    if (!leave(err) || !set_up(out, err))
        return false;
    out->has_names = take_names();
    /* What is bound to 127.0.0.1 goes out as well. */
    (void)write_text("/proc/sys/net/ipv4/conf/proxyspec0/route_localnet", "1");
    /* Two SYNs in three seconds, and not seven in two minutes. */
    out->is_patient = !write_text("/proc/sys/net/ipv4/tcp_syn_retries", "1");
    return true;
}

/* ------------------------------------------------------------------------- */

/* What the child that tries first says: nothing, or why it cannot be. */
static bool read_trial(int fd, struct px_error *err)
{
    struct px_error seen;
    ssize_t got = read(fd, &seen, sizeof(seen));

    if (got == 0)
        return true;
    if (got == (ssize_t)sizeof(seen))
        *err = seen;
    else
        (void)px_fail(err, 0, "no network namespace");
    return false;
}

static bool try_first(struct px_error *err)
{
    int fds[2];
    int status = 0;
    pid_t child;
    bool is_possible;

    if (pipe2(fds, O_CLOEXEC) != 0)
        return fail(err, "pipe");
    child = fork();
    if (child == 0) {
        struct namespace_parts parts;
        struct px_error why = {0};

        if (!enter(&parts, &why))
            (void)!write(fds[1], &why, sizeof(why));
        _exit(0);
    }
    (void)close(fds[1]);
    is_possible = child > 0 ? read_trial(fds[0], err) : fail(err, "fork");
    (void)close(fds[0]);
    if (child > 0 && waitpid(child, &status, 0) == child && status != 0 &&
        is_possible) {
        (void)px_fail(err, 0, "no network namespace");
        return false;
    }
    return is_possible;
}

bool namespace_enter(struct namespace_parts *out, struct px_error *err)
{
    *out = (struct namespace_parts){.device = -1};
    return try_first(err) && enter(out, err);
}
