#pragma once
#include <microhttpd.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

// What Swift cannot call or see: variadic functions, va_list callbacks, and what glibc hides behind _GNU_SOURCE.

typedef void (*mhd_log_line)(void *context, const char *line);

// The callbacks of one daemon; `context` is the first argument of each. Must outlive the daemon.
struct mhd_callbacks {
    void *context;
    MHD_AccessHandlerCallback access;
    void *(*begin)(void *context, const char *target, struct MHD_Connection *connection);
    MHD_RequestCompletedCallback end;
    MHD_NotifyConnectionCallback connection;
    mhd_log_line log;
};

static inline void mhd_format_log(void *callbacks, const char *format, va_list arguments) {
    const struct mhd_callbacks *c = (const struct mhd_callbacks *)callbacks;
    char line[512];
    vsnprintf(line, sizeof line, format, arguments);
    c->log(c->context, line);
}

// Targets stay as sent: a decoded "%2F" could no longer be told from a separator.
static inline size_t mhd_keep_escapes(void *context, struct MHD_Connection *connection, char *text) {
    (void)context;
    (void)connection;
    return strlen(text);
}

// External polling with epoll: the caller watches the epoll descriptor and calls MHD_run.
static inline struct MHD_Daemon *mhd_start(int listener, size_t pool_bytes, unsigned int connections,
                                           unsigned int idle_seconds,
                                           const struct mhd_callbacks *callbacks) {
    return MHD_start_daemon(
        MHD_USE_EPOLL | MHD_ALLOW_SUSPEND_RESUME | MHD_USE_ERROR_LOG, 0, NULL, NULL, callbacks->access,
        callbacks->context, MHD_OPTION_EXTERNAL_LOGGER, mhd_format_log, (void *)callbacks,
        MHD_OPTION_LISTEN_SOCKET, listener, MHD_OPTION_CONNECTION_MEMORY_LIMIT, pool_bytes,
        MHD_OPTION_CONNECTION_LIMIT, connections, MHD_OPTION_CONNECTION_TIMEOUT, idle_seconds,
        MHD_OPTION_URI_LOG_CALLBACK, callbacks->begin, callbacks->context, MHD_OPTION_NOTIFY_COMPLETED,
        callbacks->end, callbacks->context, MHD_OPTION_NOTIFY_CONNECTION, callbacks->connection,
        callbacks->context, MHD_OPTION_UNESCAPE_CALLBACK, mhd_keep_escapes, NULL,
        MHD_OPTION_STRICT_FOR_CLIENT, 1, MHD_OPTION_END);
}

// -1 when there is none.
static inline int mhd_epoll_descriptor(struct MHD_Daemon *daemon) {
    const union MHD_DaemonInfo *info = MHD_get_daemon_info(daemon, MHD_DAEMON_INFO_EPOLL_FD);
    return info ? info->epoll_fd : -1;
}

static inline unsigned int mhd_open_connections(struct MHD_Daemon *daemon) {
    const union MHD_DaemonInfo *info =
        MHD_get_daemon_info(daemon, MHD_DAEMON_INFO_CURRENT_CONNECTIONS);
    return info ? info->num_connections : 0;
}

static inline int mhd_connection_descriptor(struct MHD_Connection *connection) {
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD);
    return info ? info->connect_fd : -1;
}

// Bytes of the request line and the header fields.
static inline size_t mhd_header_bytes(struct MHD_Connection *connection) {
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(connection, MHD_CONNECTION_INFO_REQUEST_HEADER_SIZE);
    return info ? info->header_size : 0;
}

// struct ucred, with the names of socket(7).
struct peer_credentials {
    int32_t pid;
    uint32_t uid;
    uint32_t gid;
};

// 0, or -1 and errno.
static inline int peer_credentials_of(int descriptor, struct peer_credentials *out) {
    socklen_t size = sizeof *out;
    return getsockopt(descriptor, SOL_SOCKET, SO_PEERCRED, out, &size);
}

// Supplementary groups. `*count` is the room in `groups`, then the number needed; -1 and ERANGE when short.
static inline int peer_groups_of(int descriptor, uint32_t *groups, size_t *count) {
    socklen_t size = (socklen_t)(*count * sizeof *groups);
    int result = getsockopt(descriptor, SOL_SOCKET, SO_PEERGROUPS, groups, &size);
    *count = size / sizeof *groups;
    return result;
}
