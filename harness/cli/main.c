/* Finds the subcommand, and makes sure that what was printed arrived. */

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>

#include "cli.h"

/* Room for 1024 scenarios at once, each with both ends of two connections. */
enum { DESCRIPTORS_WANTED = 16384 };

struct subcommand {
    const char *name;
    int (*run)(int argc, char **argv);
    const char *summary; /* NULL: for the program's own use */
};

static const struct subcommand subcommands[] = {
    {"test", cli_test, "test a proxy, by default the built-in reference"},
    {"probe", cli_probe, "tell what a proxy offers"},
    {"pcap", cli_pcap, "judge the dialogues of a packet capture"},
    {"bench", cli_bench, "measure how fast proxies are, side by side"},
    {"serve", cli_serve, "run the reference proxy, correct or with a fault"},
    {"selftest", cli_selftest, "prove that every check can fail"},
    {"list", cli_list, "list scenarios, requirements, features, ..."},
    {"explain", cli_explain, "explain a requirement, scenario or fault"},
    {"helper", cli_helper, NULL},
};

enum { SUBCOMMAND_COUNT = sizeof(subcommands) / sizeof(subcommands[0]) };

static int print_help(void)
{
    (void)puts("usage: proxyspec SUBCOMMAND [options] ...\n\n"
               "Tells whether a SOCKS or HTTP proxy does what the "
               "specifications say.\n");
    for (size_t i = 0; i < SUBCOMMAND_COUNT; i++) {
        if (subcommands[i].summary)
            (void)printf("  %-10s%s\n", subcommands[i].name,
                         subcommands[i].summary);
    }
    (void)puts("\n'proxyspec SUBCOMMAND --help' tells the options; the manual "
               "page is proxyspec(1).");
    return CLI_CONFORMANT;
}

static int print_version(void)
{
    (void)puts("proxyspec " PROXYSPEC_VERSION);
    return CLI_CONFORMANT;
}

static int dispatch(int argc, char **argv)
{
    const char *word = argc > 1 ? argv[1] : "";

    if (strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0 ||
        strcmp(word, "help") == 0)
        return print_help();
    if (strcmp(word, "--version") == 0 || strcmp(word, "-V") == 0)
        return print_version();
    for (size_t i = 0; i < SUBCOMMAND_COUNT; i++) {
        if (strcmp(word, subcommands[i].name) == 0)
            return subcommands[i].run(argc - 2, argv + 2);
    }
    if (word[0] == '\0')
        (void)fputs("proxyspec: no subcommand; see proxyspec --help\n", stderr);
    else
        (void)fprintf(stderr,
                      "proxyspec: unknown %s '%s'; see proxyspec --help\n",
                      word[0] == '-' ? "option" : "subcommand", word);
    return CLI_USAGE;
}

static void raise_descriptor_limit(void)
{
    struct rlimit limit;

    if (getrlimit(RLIMIT_NOFILE, &limit) != 0 ||
        limit.rlim_cur >= DESCRIPTORS_WANTED)
        return;
    limit.rlim_cur = limit.rlim_max < DESCRIPTORS_WANTED ? limit.rlim_max
                                                         : DESCRIPTORS_WANTED;
    (void)setrlimit(RLIMIT_NOFILE, &limit);
}

int main(int argc, char **argv)
{
    int status;

    /* A peer that went away is a failed write, never the end of us. */
    (void)signal(SIGPIPE, SIG_IGN);
    raise_descriptor_limit();
    status = dispatch(argc, argv);
    if (fflush(stdout) != 0 || ferror(stdout)) {
        (void)fprintf(stderr, "proxyspec: standard output: %s\n",
                      strerror(errno));
        return CLI_INTERNAL;
    }
    return status;
}
