/*
 * Runs one target over files, without an engine: the corpus as a test.
 *
 *   TARGET_replay [-r REACHED] PATH…
 *
 * A directory stands for the files in it and in its folders, by name. Prints
 * a TAP line for each file; writes each with what it reached to REACHED.
 * Each input runs in a process of its own, so that one that ends it is a
 * failure of that input alone.
 */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "fuzz.h"

enum { PATH_SIZE = 1024, FILE_MAX = 1 << 20 };

static struct {
    FILE *reached; /* NULL: nobody asks */
    unsigned count;
    unsigned failed;
} run;

/* Reads a file into heap memory of exactly its length; NULL on failure. */
static uint8_t *read_file(const char *path, size_t *len)
{
    FILE *file = fopen(path, "rb");
    struct stat st;
    uint8_t *octets = NULL;

    if (!file)
        return NULL;
    if (fstat(fileno(file), &st) == 0 && st.st_size <= FILE_MAX) {
        *len = (size_t)st.st_size;
        octets = malloc(*len ? *len : 1);
        if (octets && fread(octets, 1, *len, file) != *len) {
            free(octets);
            octets = NULL;
        }
    }
    (void)fclose(file);
    return octets;
}

_Noreturn static void run_one(const char *path)
{
    size_t len = 0;
    uint8_t *octets = read_file(path, &len);

    if (!octets) {
        perror(path);
        exit(2);
    }
    (void)LLVMFuzzerTestOneInput(octets, len);
    free(octets);
    if (run.reached)
        (void)fprintf(run.reached, "%s\t%s\n", path, fuzz_reached());
    exit(0); /* not _exit: the leak check runs here */
}

static void replay_file(const char *path)
{
    int status = -1;
    pid_t child;

    (void)fflush(stdout);
    child = fork();
    if (child == 0)
        run_one(path);
    if (child < 0 || waitpid(child, &status, 0) != child)
        perror("replay");
    run.count++;
    if (status != 0)
        run.failed++;
    printf("%sok %u - %s\n", status == 0 ? "" : "not ", run.count, path);
}

static int is_visible(const struct dirent *entry)
{
    return entry->d_name[0] != '.';
}

static void replay(const char *path)
{
    struct dirent **entries;
    struct stat st;
    int count;

    if (stat(path, &st) != 0 || !S_ISDIR(st.st_mode)) {
        replay_file(path); /* one that is not there fails as a file */
        return;
    }
    count = scandir(path, &entries, is_visible, alphasort);
    for (int i = 0; i < count; i++) {
        char below[PATH_SIZE];

        if (snprintf(below, sizeof(below), "%s/%s", path, entries[i]->d_name) <
            (int)sizeof(below))
            replay(below);
        free(entries[i]);
    }
    if (count >= 0)
        free(entries);
}

int main(int argc, char **argv)
{
    int first = 1;

    if (argc > 2 && strcmp(argv[1], "-r") == 0) {
        run.reached = fopen(argv[2], "w");
        if (!run.reached) {
            perror(argv[2]);
            return 2;
        }
        first = 3;
    }
    for (int i = first; i < argc; i++)
        replay(argv[i]);
    if (run.count == 0) {
        (void)fputs("replay: no input\n", stderr);
        return 2;
    }
    printf("1..%u\n", run.count);
    if (run.reached && fclose(run.reached) != 0) {
        perror(argv[2]);
        return 2;
    }
    return run.failed ? 1 : 0;
}
