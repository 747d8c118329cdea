#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "native.h"

/*
 * native.process_usage(): what a process and those that it started hold, by
 * /proc (proc(5)).
 */

enum { PROCESSES_MAX = 4096, PATH_LEN = 64 };

struct usage_sum {
    long processes, threads, descriptors, sockets;
    double memory; /* octets: what is resident, shared pages in parts */
    double data;   /* octets: address space for data of its own */
    double cpu;    /* seconds */
};

struct family {
    long pids[PROCESSES_MAX];
    size_t count;
};

struct process_stat {
    long threads;
    double cpu;
};

/* The name in /proc/PID/stat may hold anything: what follows ")" counts. */
static bool read_stat(long pid, struct process_stat *out)
{
    char path[PATH_LEN], line[1024];
    unsigned long user, system;
    FILE *file;
    char *at;
    bool is_read;

    (void)snprintf(path, sizeof(path), "/proc/%ld/stat", pid);
    file = fopen(path, "re");
    if (!file)
        return false;
    at = fgets(line, sizeof(line), file) ? strrchr(line, ')') : NULL;
    (void)fclose(file);
    // NOLINTNEXTLINE(cert-err34-c): the system wrote it
    is_read = at && sscanf(at,
                           ") %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u "
                           "%lu %lu %*d %*d %*d %*d %ld",
                           &user, &system, &out->threads) == 3;
    if (is_read)
        out->cpu = (double)(user + system) / (double)sysconf(_SC_CLK_TCK);
    return is_read;
}

static bool has(const struct family *f, long pid)
{
    for (size_t i = 0; i < f->count; i++) {
        if (f->pids[i] == pid)
            return true;
    }
    return false;
}

static void add_child(struct family *f, long pid)
{
    if (pid > 0 && f->count < PROCESSES_MAX && !has(f, pid))
        f->pids[f->count++] = pid;
}

/* The children that one thread has started. */
static void add_children_of(struct family *f, long pid, const char *thread)
{
    char path[PATH_LEN];
    FILE *file;
    long child;

    (void)snprintf(path, sizeof(path), "/proc/%ld/task/%.20s/children", pid,
                   thread);
    file = fopen(path, "re");
    // NOLINTNEXTLINE(cert-err34-c): the system wrote it
    while (file && fscanf(file, "%ld", &child) == 1)
        add_child(f, child);
    if (file)
        (void)fclose(file);
}

/* Adds what the at-th of the family has started. */
static void add_children(struct family *f, size_t at)
{
    char path[PATH_LEN];
    const struct dirent *entry;
    DIR *dir;

    (void)snprintf(path, sizeof(path), "/proc/%ld/task", f->pids[at]);
    dir = opendir(path);
    while (dir && (entry = readdir(dir))) { // NOLINT(concurrency-mt-unsafe)
        if (entry->d_name[0] != '.')
            add_children_of(f, f->pids[at], entry->d_name);
    }
    if (dir)
        (void)closedir(dir);
}

static void add_descriptors(long pid, struct usage_sum *sum)
{
    char path[PATH_LEN], link[PATH_LEN];
    const struct dirent *entry;
    DIR *dir;

    (void)snprintf(path, sizeof(path), "/proc/%ld/fd", pid);
    dir = opendir(path);
    if (!dir)
        return;
    while ((entry = readdir(dir))) { // NOLINT(concurrency-mt-unsafe)
        ssize_t len = readlinkat(dirfd(dir), entry->d_name, link, sizeof(link));

        sum->descriptors += entry->d_name[0] != '.';
        sum->sockets += len > 7 && memcmp(link, "socket:", 7) == 0;
    }
    (void)closedir(dir);
}

/* The octets behind a word that begins a line of /proc/PID/NAME. */
static double read_octets(long pid, const char *name, const char *word)
{
    char path[PATH_LEN], line[256];
    size_t len = strlen(word);
    double octets = 0;
    FILE *file;

    (void)snprintf(path, sizeof(path), "/proc/%ld/%s", pid, name);
    file = fopen(path, "re");
    while (file && fgets(line, sizeof(line), file)) {
        if (strncmp(line, word, len) == 0)
            octets = (double)strtol(line + len, NULL, 10) * 1024;
    }
    if (file)
        (void)fclose(file);
    return octets;
}

static void set(lua_State *L, const char *name, double value)
{
    lua_pushnumber(L, value);
    lua_setfield(L, -2, name);
}

static int native_process_usage(lua_State *L)
{
    lua_Integer pid = luaL_checkinteger(L, 1);
    struct family *f = lua_newuserdatauv(L, sizeof(*f), 0);
    struct usage_sum sum = {0};

    f->pids[0] = (long)pid;
    f->count = 1;
    for (size_t i = 0; i < f->count; i++) {
        struct process_stat stat;

        add_children(f, i);
        if (!read_stat(f->pids[i], &stat))
            continue;
        sum.processes++;
        sum.threads += stat.threads;
        sum.cpu += stat.cpu;
        add_descriptors(f->pids[i], &sum);
        sum.memory += read_octets(f->pids[i], "smaps_rollup", "Pss:");
        sum.data += read_octets(f->pids[i], "status", "VmData:");
    }
    if (!sum.processes)
        return native_fail(L, "there is no such process");
    lua_createtable(L, 0, 7);
    set(L, "processes", (double)sum.processes);
    set(L, "threads", (double)sum.threads);
    set(L, "descriptors", (double)sum.descriptors);
    set(L, "sockets", (double)sum.sockets);
    set(L, "memory", sum.memory);
    set(L, "data", sum.data);
    set(L, "cpu", sum.cpu);
    return 1;
}

void native_open_usage(lua_State *L)
{
    lua_pushcfunction(L, native_process_usage);
    lua_setfield(L, -2, "process_usage");
}
