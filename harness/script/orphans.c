#include "orphans.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>

void orphans_expect(void)
{
    (void)prctl(PR_SET_CHILD_SUBREAPER, 1L, 0L, 0L, 0L);
}

bool orphans_has(const struct orphans *o, pid_t pid)
{
    for (size_t i = 0; i < o->count; i++) {
        if (o->pids[i] == pid)
            return true;
    }
    return false;
}

/* Children belong to threads; an orphan goes to any of them. */
static void add_of_thread(struct orphans *out, const char *thread)
{
    char path[64];
    FILE *file;
    int pid;

    (void)snprintf(path, sizeof(path), "/proc/self/task/%.20s/children",
                   thread);
    file = fopen(path, "re");
    // NOLINTNEXTLINE(cert-err34-c): the system wrote it
    while (file && fscanf(file, "%d", &pid) == 1) {
        if (out->count < ORPHANS_MAX)
            out->pids[out->count++] = pid;
    }
    if (file)
        (void)fclose(file);
}

void orphans_children(struct orphans *out)
{
    DIR *dir = opendir("/proc/self/task");
    const struct dirent *entry;

    out->count = 0;
    while (dir && (entry = readdir(dir))) { // NOLINT(concurrency-mt-unsafe)
        if (entry->d_name[0] != '.')
            add_of_thread(out, entry->d_name);
    }
    if (dir)
        (void)closedir(dir);
}
