/* Kills the process before its n-th change below a folder, whichever library makes it.
 *
 * Preloaded into step_harness.py, which arms it in every fork. Syncs are no steps: they change
 * nothing that a killed process leaves.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

static char root[4096];
static size_t root_length;
static long kill_at;
static int tears;
static long steps;
static volatile int armed;

#define REAL(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))

void steps_arm(const char *folder, long at, int torn)
{
    snprintf(root, sizeof root, "%s", folder);
    root_length = strlen(root);
    kill_at = at;
    tears = torn;
    steps = 0;
    armed = 1;
}

long steps_done(void)
{
    return steps;
}

static void die(void)
{
    kill(getpid(), SIGKILL);
    for (;;)
        pause();
}

static int below(const char *path)
{
    return strncmp(path, root, root_length) == 0;
}

static int is_ours(int descriptor)
{
    char link[64], path[4096];
    ssize_t length;

    if (!armed)
        return 0;
    if (descriptor == 1) /* what it says is a step, too */
        return 1;
    snprintf(link, sizeof link, "/proc/self/fd/%d", descriptor);
    length = readlink(link, path, sizeof path - 1);
    if (length < 0)
        return 0;
    path[length] = 0;
    return below(path);
}

static int concerns(int folder, const char *path)
{
    if (!armed)
        return 0;
    return path[0] == '/' || folder == AT_FDCWD ? below(path) : is_ours(folder);
}

static int is_last(void)
{
    return __atomic_add_fetch(&steps, 1, __ATOMIC_SEQ_CST) == kill_at;
}

static void step(int is_change)
{
    if (is_change && is_last())
        die();
}

static int makes(int flags)
{
    return flags & (O_CREAT | O_TRUNC);
}

#define OPENING(name)                                       \
    int name(const char *path, int flags, ...)              \
    {                                                       \
        va_list rest;                                       \
        va_start(rest, flags);                              \
        mode_t mode = va_arg(rest, mode_t);                 \
        va_end(rest);                                       \
        step(makes(flags) && concerns(AT_FDCWD, path));     \
        return REAL(name)(path, flags, mode);               \
    }

#define OPENING_AT(name)                                    \
    int name(int folder, const char *path, int flags, ...)  \
    {                                                       \
        va_list rest;                                       \
        va_start(rest, flags);                              \
        mode_t mode = va_arg(rest, mode_t);                 \
        va_end(rest);                                       \
        step(makes(flags) && concerns(folder, path));       \
        return REAL(name)(folder, path, flags, mode);       \
    }

OPENING(open)
OPENING(open64)
OPENING_AT(openat)
OPENING_AT(openat64)

ssize_t write(int descriptor, const void *data, size_t count)
{
    if (is_ours(descriptor) && is_last()) {
        if (tears && descriptor != 1 && count > 1)
            REAL(write)(descriptor, data, count / 2);
        die();
    }
    return REAL(write)(descriptor, data, count);
}

ssize_t pwrite64(int descriptor, const void *data, size_t count, off64_t at)
{
    if (is_ours(descriptor) && is_last()) {
        if (tears && count > 1)
            REAL(pwrite64)(descriptor, data, count / 2, at);
        die();
    }
    return REAL(pwrite64)(descriptor, data, count, at);
}

ssize_t writev(int descriptor, const struct iovec *parts, int count)
{
    step(is_ours(descriptor));
    return REAL(writev)(descriptor, parts, count);
}

int ftruncate64(int descriptor, off64_t length)
{
    step(is_ours(descriptor));
    return REAL(ftruncate64)(descriptor, length);
}

int rename(const char *old, const char *new)
{
    step(concerns(AT_FDCWD, new));
    return REAL(rename)(old, new);
}

int renameat(int from, const char *old, int to, const char *new)
{
    step(concerns(to, new));
    return REAL(renameat)(from, old, to, new);
}

int unlink(const char *path)
{
    step(concerns(AT_FDCWD, path));
    return REAL(unlink)(path);
}

int unlinkat(int folder, const char *path, int flags)
{
    step(concerns(folder, path));
    return REAL(unlinkat)(folder, path, flags);
}

int rmdir(const char *path)
{
    step(concerns(AT_FDCWD, path));
    return REAL(rmdir)(path);
}

int mkdir(const char *path, mode_t mode)
{
    step(concerns(AT_FDCWD, path));
    return REAL(mkdir)(path, mode);
}

int mkdirat(int folder, const char *path, mode_t mode)
{
    step(concerns(folder, path));
    return REAL(mkdirat)(folder, path, mode);
}
