/* SPDX-License-Identifier: Apache-2.0
 *
 * os: clocks, random bytes, sockets, poll, small files. See os.h.
 *
 * Invariants:
 *   - no call blocks but reef_os_poll, for as long as it was told;
 *   - a descriptor is born closed-on-exec where the system can do that in one step, so
 *     that a fork in another thread inherits nothing. Channels are socket pairs for the
 *     same reason, and because a send can be told not to raise SIGPIPE, a write cannot;
 *   - random bytes come from the system or not at all. */
#include "net/os.h"
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <net/if.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>
#if defined(__linux__)
#include <sys/epoll.h>
#include <sys/random.h>
#endif

/* ---- clocks and random bytes -------------------------------------------------- */

int64_t reef_now_ms(void)
{
    struct timespec now = {0, 0};
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

int64_t reef_unix_ns(void)
{
    struct timespec now = {0, 0};
    clock_gettime(CLOCK_REALTIME, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

static int os_open_read(const char *path)
{
    int fd;
    do {
        fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    } while (fd < 0 && errno == EINTR);
    return fd;
}

/* Until `cap` bytes, the end of the file, or an error (-1 and errno). */
static ssize_t os_read_all(int fd, char *room, size_t cap)
{
    size_t len = 0;
    while (len < cap) {
        ssize_t got = read(fd, room + len, cap - len);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return -1;
        if (got == 0)
            break;
        len += (size_t)got;
    }
    return (ssize_t)len;
}

/* For systems without the call, and for sandboxes that forbid it. A character device
 * alone is believed: a plain file at that path is somebody's mistake or trick. */
static bool os_random_device(char *out, size_t len)
{
    struct stat info;
    int fd = os_open_read("/dev/urandom");
    if (fd < 0)
        return false;
    bool ok = fstat(fd, &info) == 0 && S_ISCHR(info.st_mode) &&
              os_read_all(fd, out, len) == (ssize_t)len;
    close(fd);
    return ok;
}

static bool os_random_call(char *out, size_t len)
{
#if defined(__linux__)
    size_t done = 0;
    while (done < len) {
        ssize_t got = getrandom(out + done, len - done, 0);
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            return false;
        done += (size_t)got;
    }
    return true;
#else
    (void)out;
    return len == 0;
#endif
}

reef_code reef_random_bytes(void *out, size_t len)
{
    if (len > SSIZE_MAX)
        return REEF_REFUSED;
    if (os_random_call(out, len) || os_random_device(out, len))
        return REEF_OK;
    memset(out, 0, len);
    return REEF_REFUSED;
}

/* ---- sockets ------------------------------------------------------------------ */

static bool os_set_flags(int fd)
{
    int status = fcntl(fd, F_GETFL);
    return status >= 0 && fcntl(fd, F_SETFL, status | O_NONBLOCK) == 0 &&
           fcntl(fd, F_SETFD, FD_CLOEXEC) == 0;
}

static int os_socket(int family, int type)
{
#if defined(SOCK_CLOEXEC) && defined(SOCK_NONBLOCK)
    return socket(family, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
#else
    int fd = socket(family, type, 0);
    if (fd >= 0 && !os_set_flags(fd)) {
        close(fd);
        return -1;
    }
    return fd;
#endif
}

/* A refused option costs comfort, not correctness: the result does not matter. */
static void os_option(int fd, int level, int name, int value)
{
    (void)setsockopt(fd, level, name, &value, sizeof value);
}

static void os_tune(int fd, int family, uint32_t stall_ms)
{
#ifdef SO_NOSIGPIPE
    os_option(fd, SOL_SOCKET, SO_NOSIGPIPE, 1);
#endif
    if (family == AF_UNIX)
        return;
    os_option(fd, IPPROTO_TCP, TCP_NODELAY, 1);
    os_option(fd, SOL_SOCKET, SO_KEEPALIVE, 1);
#ifdef TCP_KEEPIDLE
    os_option(fd, IPPROTO_TCP, TCP_KEEPIDLE, REEF_OS_KEEPALIVE_IDLE_S);
#endif
#ifdef TCP_KEEPINTVL
    os_option(fd, IPPROTO_TCP, TCP_KEEPINTVL, REEF_OS_KEEPALIVE_EVERY_S);
#endif
#ifdef TCP_KEEPCNT
    os_option(fd, IPPROTO_TCP, TCP_KEEPCNT, REEF_OS_KEEPALIVE_PROBES);
#endif
#ifdef TCP_USER_TIMEOUT
    uint32_t stall = stall_ms < REEF_OS_STALL_MIN_MS ? REEF_OS_STALL_MIN_MS : stall_ms;
    os_option(fd, IPPROTO_TCP, TCP_USER_TIMEOUT,
              stall > INT_MAX ? INT_MAX : (int)stall);
#else
    (void)stall_ms;
#endif
}

/* Room for an address of any family, so that no pointer to one is read as another. */
typedef union os_address {
    struct sockaddr any;
    struct sockaddr_in v4;
    struct sockaddr_in6 v6;
    struct sockaddr_un local;
} os_address;

/* All fill functions return the address' size, or 0. */
static socklen_t os_fill_local(os_address *out, const char *path)
{
    size_t len = strlen(path);
    if (len == 0 || len >= sizeof out->local.sun_path)
        return 0;
    out->local.sun_family = AF_UNIX;
    memcpy(out->local.sun_path, path, len + 1);
    return sizeof out->local;
}

static socklen_t os_fill_v4(os_address *out, const char *text, uint16_t port)
{
    out->v4.sin_family = AF_INET;
    out->v4.sin_port = htons(port);
    return inet_pton(AF_INET, text, &out->v4.sin_addr) == 1 ? sizeof out->v4 : 0;
}

/* An interface by its name or its number ("eth0", "2"); 0: there is none. */
static uint32_t os_scope(const char *text)
{
    uint32_t found = if_nametoindex(text);
    uint64_t number = 0;
    if (found != 0)
        return found;
    for (; *text >= '0' && *text <= '9' && number <= UINT32_MAX; text++)
        number = number * 10 + (uint64_t)(*text - '0');
    return *text == '\0' && number <= UINT32_MAX ? (uint32_t)number : 0;
}

/* inet_pton knows no scope ("fe80::1%eth0"), and link-local addresses need theirs. */
static socklen_t os_fill_v6(os_address *out, const char *text, uint16_t port)
{
    char digits[INET6_ADDRSTRLEN];
    const char *scope = strchr(text, '%');
    size_t len = scope != NULL ? (size_t)(scope - text) : strlen(text);
    if (len >= sizeof digits)
        return 0;
    memcpy(digits, text, len);
    digits[len] = '\0';
    out->v6.sin6_family = AF_INET6;
    out->v6.sin6_port = htons(port);
    if (scope != NULL && (out->v6.sin6_scope_id = os_scope(scope + 1)) == 0)
        return 0;
    return inet_pton(AF_INET6, digits, &out->v6.sin6_addr) == 1 ? sizeof out->v6 : 0;
}

static socklen_t os_fill(os_address *out, const reef_op *op)
{
    memset(out, 0, sizeof *out);
    if (op->local)
        return os_fill_local(out, op->address);
    socklen_t len = os_fill_v4(out, op->address, op->port);
    if (len == 0) {
        memset(out, 0, sizeof *out);
        len = os_fill_v6(out, op->address, op->port);
    }
    return len;
}

/* A connect to a port of this machine that nobody listens on can be given that very
 * port as its own, and then meets itself. Left alone, it would also keep the server
 * from coming back. */
static bool os_meets_itself(int fd)
{
    os_address own, peer;
    socklen_t own_len = sizeof own;
    socklen_t peer_len = sizeof peer;
    memset(&own, 0, sizeof own);
    memset(&peer, 0, sizeof peer);
    if (getsockname(fd, &own.any, &own_len) != 0 ||
        getpeername(fd, &peer.any, &peer_len) != 0)
        return false;
    if (own.any.sa_family == AF_INET) {
        return own.v4.sin_port == peer.v4.sin_port &&
               own.v4.sin_addr.s_addr == peer.v4.sin_addr.s_addr;
    }
    return own.any.sa_family == AF_INET6 && own.v6.sin6_port == peer.v6.sin6_port &&
           memcmp(&own.v6.sin6_addr, &peer.v6.sin6_addr, sizeof own.v6.sin6_addr) == 0;
}

int reef_os_connected(int fd)
{
    int error = 0;
    socklen_t len = sizeof error;
    if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &len) != 0)
        return errno;
    if (error == 0 && os_meets_itself(fd))
        return ECONNREFUSED;
    return error;
}

int reef_os_connect(const reef_op *op, uint32_t stall_ms, int *fd)
{
    os_address address;
    socklen_t len = os_fill(&address, op);
    if (len == 0)
        return op->local ? ENAMETOOLONG : EINVAL;
    int made =
        os_socket(address.any.sa_family, op->datagram ? SOCK_DGRAM : SOCK_STREAM);
    if (made < 0)
        return errno;
    if (!op->datagram)
        os_tune(made, address.any.sa_family, stall_ms);
    /* An interrupted connect goes on by itself, like one in progress. */
    int error = connect(made, &address.any, len) == 0 ? reef_os_connected(made) : errno;
    if (error == EINTR)
        error = EINPROGRESS;
    if (error != 0 && error != EINPROGRESS) {
        close(made);
        return error;
    }
    *fd = made;
    return error;
}

static bool os_would_block(int error)
{
#if EAGAIN != EWOULDBLOCK
    if (error == EWOULDBLOCK)
        return true;
#endif
    return error == EAGAIN;
}

/* The common end of send and recv: a count, or 0 with the errno. */
static size_t os_moved(ssize_t count, int *error)
{
    *error = 0;
    if (count >= 0)
        return (size_t)count;
    *error = os_would_block(errno) ? EAGAIN : errno;
    return 0;
}

size_t reef_os_send(int fd, reef_str bytes, int *error)
{
    ssize_t count;
    do {
        count = send(fd, bytes.ptr, bytes.len, MSG_NOSIGNAL);
    } while (count < 0 && errno == EINTR);
    return os_moved(count, error);
}

size_t reef_os_recv(int fd, void *room, size_t cap, int *error)
{
    ssize_t count;
    do {
        count = recv(fd, room, cap, 0);
    } while (count < 0 && errno == EINTR);
    return os_moved(count, error);
}

void reef_os_shutdown(int fd)
{
    (void)shutdown(fd, SHUT_RDWR);
}

/* Not repeated after EINTR: on Linux the number is free by then and may be
 * another's. */
void reef_os_close(int fd)
{
    if (fd >= 0)
        close(fd);
}

void reef_os_poll(struct pollfd *list, nfds_t count, int64_t timeout_ms)
{
    int wait_ms = timeout_ms < 0 ? 0 : timeout_ms > INT_MAX ? INT_MAX : (int)timeout_ms;
    if (poll(list, count, wait_ms) > 0)
        return;
    for (nfds_t i = 0; i < count; i++)
        list[i].revents = 0;
}

#if defined(__linux__)

enum { OS_NEWS = 64 /* taken from the system at once */ };

static bool os_crowd_control(int crowd, int what, int fd, struct epoll_event *event)
{
    return epoll_ctl(crowd, what, fd, event) == 0;
}

/* What poll and epoll call by the same names are the same bits. */
_Static_assert((int)EPOLLIN == POLLIN && (int)EPOLLOUT == POLLOUT &&
                   (int)EPOLLERR == POLLERR && (int)EPOLLHUP == POLLHUP,
               "events pass as they are");

static struct epoll_event os_crowd_event(uint32_t who, int events)
{
    struct epoll_event event;
    memset(&event, 0, sizeof event);
    event.events = (uint32_t)events;
    event.data.u32 = who;
    return event;
}

int reef_os_crowd(void)
{
    return epoll_create1(EPOLL_CLOEXEC);
}

bool reef_os_crowd_join(int crowd, int fd, uint32_t who, int events)
{
    struct epoll_event event = os_crowd_event(who, events);
    return os_crowd_control(crowd, EPOLL_CTL_ADD, fd, &event);
}

void reef_os_crowd_change(int crowd, int fd, uint32_t who, int events)
{
    struct epoll_event event = os_crowd_event(who, events);
    (void)os_crowd_control(crowd, EPOLL_CTL_MOD, fd, &event);
}

void reef_os_crowd_leave(int crowd, int fd)
{
    struct epoll_event event = os_crowd_event(0, 0); /* old systems want one */
    (void)os_crowd_control(crowd, EPOLL_CTL_DEL, fd, &event);
}

size_t reef_os_crowd_news(int crowd, reef_os_news *out, size_t cap)
{
    struct epoll_event events[OS_NEWS];
    int got = epoll_wait(crowd, events, cap < OS_NEWS ? (int)cap : OS_NEWS, 0);
    for (int i = 0; i < got; i++)
        out[i] = (reef_os_news){events[i].data.u32, (int)events[i].events};
    return got > 0 ? (size_t)got : 0;
}

#else

int reef_os_crowd(void)
{
    return -1;
}

bool reef_os_crowd_join(int crowd, int fd, uint32_t who, int events)
{
    (void)crowd, (void)fd, (void)who, (void)events;
    return false;
}

void reef_os_crowd_change(int crowd, int fd, uint32_t who, int events)
{
    (void)crowd, (void)fd, (void)who, (void)events;
}

void reef_os_crowd_leave(int crowd, int fd)
{
    (void)crowd, (void)fd;
}

size_t reef_os_crowd_news(int crowd, reef_os_news *out, size_t cap)
{
    (void)crowd, (void)out, (void)cap;
    return 0;
}

#endif

int reef_os_channel(int *in, int *out)
{
    int ends[2];
#if defined(SOCK_CLOEXEC) && defined(SOCK_NONBLOCK)
    int kind = SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK;
#else
    int kind = SOCK_STREAM;
#endif
    if (socketpair(AF_UNIX, kind, 0, ends) != 0)
        return errno;
    if (kind == SOCK_STREAM && !(os_set_flags(ends[0]) && os_set_flags(ends[1]))) {
        int error = errno;
        close(ends[0]);
        close(ends[1]);
        return error;
    }
    *in = ends[0];
    *out = ends[1];
    return 0;
}

/* A full channel wakes as well as one byte more would. */
void reef_os_wake(int in)
{
    int error;
    reef_str byte = {"w", 1};
    (void)reef_os_send(in, byte, &error);
}

void reef_os_drain(int out)
{
    char bytes[64];
    int error;
    while (reef_os_recv(out, bytes, sizeof bytes, &error) == sizeof bytes) {
    }
}

char *reef_os_read_file(const char *path, size_t *len, int *error)
{
    struct stat info;
    char *text = NULL;
    int fd = os_open_read(path);
    if (fd < 0) {
        *error = errno;
        return NULL;
    }
    *error = 0;
    if (fstat(fd, &info) != 0) {
        *error = errno;
    } else if (!S_ISREG(info.st_mode)) {
        *error = S_ISDIR(info.st_mode) ? EISDIR : EINVAL;
    } else if (info.st_size > REEF_OS_FILE_MAX) {
        *error = EFBIG;
    } else if ((text = malloc((size_t)info.st_size + 1)) == NULL) {
        *error = ENOMEM;
    } else {
        ssize_t got = os_read_all(fd, text, (size_t)info.st_size);
        *error = got < 0 ? errno : 0;
        *len = got < 0 ? 0 : (size_t)got;
        text[*len] = '\0';
    }
    close(fd);
    if (*error != 0) {
        free(text);
        return NULL;
    }
    return text;
}

bool reef_os_file_changed(const char *path, reef_os_stamp *stamp)
{
    struct stat info;
    reef_os_stamp now = {0, 0, 0, 0};
    if (stat(path, &info) == 0) {
        now.mtime_ns = (int64_t)info.st_mtim.tv_sec * 1000000000 + info.st_mtim.tv_nsec;
        now.size = (int64_t)info.st_size;
        now.device = (uint64_t)info.st_dev;
        now.inode = (uint64_t)info.st_ino;
    }
    bool changed = now.mtime_ns != stamp->mtime_ns || now.size != stamp->size ||
                   now.device != stamp->device || now.inode != stamp->inode;
    *stamp = now;
    return changed;
}

void reef_os_host_name(char *out, size_t cap)
{
    memset(out, 0, cap);
    if (gethostname(out, cap) != 0 || out[cap - 1] != '\0')
        memset(out, 0, cap);
}
