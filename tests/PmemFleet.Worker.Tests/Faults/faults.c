// Makes file operations of a worker below its "hosts" folder fail, as a memory-mapped control file says. Loaded by LD_PRELOAD; the test that uses it builds it.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

struct control {
    int64_t first;      // the first operation that fails, counted from 0; negative: none
    int64_t last;       // the last one
    int64_t count;      // operations since the test reset it
    int64_t failed;     // those that failed
    int64_t error;      // the errno
    int64_t kinds;      // 1 writes, 2 flushes of files, 4 flushes of folders, 8 renames
    char path[64];      // only of paths with this part; empty: all
};

static struct control *control;

__attribute__((constructor)) static void begin(void) {
    const char *path = getenv("FAULTS");
    int file = path ? open(path, O_RDWR) : -1;
    if (file >= 0) {
        void *at = mmap(NULL, sizeof(struct control), PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
        control = at == MAP_FAILED ? NULL : at;
        close(file);
    }
}

static int fails(const char *path, int kind) {
    if (!control || !strstr(path, "/hosts/") || !strstr(path, control->path) || !(control->kinds & kind)) {
        return 0;
    }
    int64_t now = __sync_fetch_and_add(&control->count, 1);
    if (control->first < 0 || now < control->first || now > control->last) {
        return 0;
    }
    __sync_fetch_and_add(&control->failed, 1);
    errno = (int)control->error;
    return 1;
}

static int file_fails(int file, int kind) {
    char link[64], path[4096];
    if (!control) {
        return 0;
    }
    snprintf(link, sizeof link, "/proc/self/fd/%d", file);
    ssize_t length = readlink(link, path, sizeof path - 1);
    if (length <= 0) {
        return 0;
    }
    path[length] = 0;
    return fails(path, kind);
}

static void *real_dlsym(void *handle, const char *name) {
    static void *(*next)(void *, const char *);
    if (!next) {
        next = dlvsym(RTLD_NEXT, "dlsym", "GLIBC_2.34");
        if (!next) {
            next = dlvsym(RTLD_NEXT, "dlsym", "GLIBC_2.2.5");
        }
        if (!next) {
            next = dlvsym(RTLD_NEXT, "dlsym", "GLIBC_2.17");
        }
    }
    return next(handle, name);
}

#define NEXT(type, name) static type next_##name; if (!next_##name) next_##name = (type)real_dlsym(RTLD_NEXT, #name)

typedef ssize_t (*write_at)(int, const void *, size_t, off_t);
typedef int (*on_file)(int);
typedef int (*on_names)(const char *, const char *);

ssize_t pwrite(int file, const void *bytes, size_t count, off_t offset) {
    NEXT(write_at, pwrite);
    return file_fails(file, 1) ? -1 : next_pwrite(file, bytes, count, offset);
}

ssize_t pwrite64(int file, const void *bytes, size_t count, off_t offset) {
    NEXT(write_at, pwrite64);
    return file_fails(file, 1) ? -1 : next_pwrite64(file, bytes, count, offset);
}

int fdatasync(int file) {
    NEXT(on_file, fdatasync);
    return file_fails(file, 2) ? -1 : next_fdatasync(file);
}

int fsync(int file) {
    NEXT(on_file, fsync);
    return file_fails(file, 4) ? -1 : next_fsync(file);
}

int rename(const char *from, const char *to) {
    NEXT(on_names, rename);
    return fails(to, 8) ? -1 : next_rename(from, to);
}

// the runtime looks its imports up by name in libc itself
void *dlsym(void *handle, const char *name) {
    if (strcmp(name, "fdatasync") == 0) {
        return (void *)fdatasync;
    }
    if (strcmp(name, "fsync") == 0) {
        return (void *)fsync;
    }
    return real_dlsym(handle, name);
}
