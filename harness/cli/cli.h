#ifndef CLI_H
#define CLI_H

/*
 * cli: the command line. One file a subcommand, each with one function that
 * gets the arguments behind the subcommand's name and returns the exit
 * status. Only this folder prints and exits.
 */

/* Exit statuses; precedence 4 > 2 > 1 > 3 > 77 > 0. */
enum cli_status {
    CLI_CONFORMANT = 0,
    CLI_VIOLATIONS = 1,
    CLI_USAGE = 2,        /* or a selector that matched nothing */
    CLI_INCONCLUSIVE = 3, /* unreachable, or below --min */
    CLI_INTERNAL = 4,     /* the harness or a script is at fault */
    CLI_SKIPPED = 77,     /* everything was skipped */
};

int cli_test(int argc, char **argv);
int cli_probe(int argc, char **argv);
int cli_bench(int argc, char **argv);
int cli_serve(int argc, char **argv);
int cli_selftest(int argc, char **argv);
int cli_list(int argc, char **argv);
int cli_explain(int argc, char **argv);
int cli_helper(int argc, char **argv);
int cli_pcap(int argc, char **argv);

#endif
