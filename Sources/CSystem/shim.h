#pragma once
#include <malloc.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <fcntl.h>
#include <unistd.h>
#include <sys/statfs.h>

// Only what Swift cannot say.

// Both are declared only with _GNU_SOURCE, which the Glibc module does not set.
extern int pipe2(int ends[2], int flags);
extern char **environ;

static inline int system_pipe(int ends[2]) { return pipe2(ends, O_CLOEXEC); }
static inline char **system_environment(void) { return environ; }

// CRC32C with the processor's instruction: intrinsics are not imported.
// Other processors than x86-64 answer 0 to `crc32c_has_instruction` and take the tables in CRC32C.swift.

#if defined(__x86_64__)

static inline int crc32c_has_instruction(void) {
    return __builtin_cpu_supports("sse4.2") != 0;
}

/// Goes on from `state`, the raw register: not inverted before or after.
__attribute__((target("sse4.2")))
static inline uint32_t crc32c_by_instruction(uint32_t state, const void *bytes, size_t count) {
    const unsigned char *next = (const unsigned char *)bytes;
    uint64_t wide = state;
    for (; count >= 8; count -= 8, next += 8) {
        uint64_t word;
        memcpy(&word, next, 8);
        wide = __builtin_ia32_crc32di(wide, word);
    }
    uint32_t narrow = (uint32_t)wide;
    for (; count > 0; count -= 1, next += 1) {
        narrow = __builtin_ia32_crc32qi(narrow, *next);
    }
    return narrow;
}

#else

static inline int crc32c_has_instruction(void) { return 0; }

static inline uint32_t crc32c_by_instruction(uint32_t state, const void *bytes, size_t count) {
    (void)bytes;
    (void)count;
    return state;
}

#endif

/// statfs(2)'s f_type of the file system that holds `path`; -1 with errno set. Swift imports no statfs.
static inline long file_system_type(const char *path) {
    struct statfs answer;
    return statfs(path, &answer) == 0 ? (long)answer.f_type : -1;
}

/// mallopt(3): no further arenas; a thread that has none takes one that is there. To be called early.
static inline void make_no_more_malloc_arenas(void) { mallopt(M_ARENA_MAX, 1); }
