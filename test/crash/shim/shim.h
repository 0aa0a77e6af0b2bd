/*
 * A library preloaded into a member (LD_PRELOAD). It stands between the program and libc for everything that changes
 * files below one folder, writes down what was done (trace.c) and makes it fail or wait when told to (faults.c).
 *
 *   QUORATE_SHIM_DIR     the folder; an absolute path without symbolic links
 *   QUORATE_SHIM_TRACE   the trace, appended to; an empty one begins with all that the folder holds
 *   QUORATE_SHIM_BLANK   a file right below the folder whose bytes do not matter: the trace has zeros for them
 *   QUORATE_SHIM_FAULTS  rules of failure, read again whenever the file changes
 */
#ifndef QUORATE_SHIM_H
#define QUORATE_SHIM_H

#include <dlfcn.h>
#include <pthread.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* The function that the program would have called without us. */
#define REAL(name)                                              \
  ({                                                            \
    static __typeof__(&name) real;                              \
    if (real == NULL) real = (__typeof__(&name))dlsym(RTLD_NEXT, #name); \
    real;                                                       \
  })

/* The kinds of records; trace-reader.ts knows the same numbers. */
enum record_kind {
  RECORD_START = 1,
  RECORD_BASE_FOLDER = 2,
  RECORD_BASE_FILE = 3,
  RECORD_OPEN = 4,
  RECORD_WRITE = 5,
  RECORD_TRUNCATE = 6,
  RECORD_ALLOCATE = 7,
  RECORD_RENAME = 8,
  RECORD_LINK = 9,
  RECORD_UNLINK = 10,
  RECORD_MKDIR = 11,
  RECORD_RMDIR = 12,
  RECORD_SYNC = 13,
  RECORD_SYNC_FAILED = 14,
  RECORD_CLOSE = 15,
  RECORD_DUP = 16,
  RECORD_UNMODELLED = 17,
};

struct record {
  enum record_kind kind;
  int fd;
  uint64_t a, b;
  const char *path, *path2; /* relative to the folder */
  const void *data;
  size_t length;
  int is_blank; /* the data are left out */
};

/* Held while an operation is done and recorded, so that the trace has them in the order in which they took effect. */
extern pthread_mutex_t shim_lock;

void trace_open(const char *path, const char *folder);
/* With the lock held. */
void trace_append(const struct record *record);
/* Where the next record will begin; with the lock held. */
uint64_t trace_position(void);

enum fault_op { FAULT_WRITE, FAULT_SYNC_FILE, FAULT_SYNC_FOLDER, FAULT_OPEN, FAULT_RENAME, FAULT_SPACE };

struct fault {
  int error;       /* an errno, or 0 */
  int is_short;    /* write half */
  int is_skipped;  /* answer that it was done, and do nothing */
  int is_full;     /* answer that `free_bytes` are left */
  uint64_t free_bytes;
};

void faults_open(const char *path);
/* What is to go wrong with this call; a delay has passed when it returns. Without the lock. */
struct fault faults_next(enum fault_op op, const char *path);

/* descriptors.c: which open files are below the folder. */

/* The path below the folder (the folder itself is ""), in `buffer` of PATH_MAX bytes; NULL for what is elsewhere. */
const char *shim_relative(int folder_fd, const char *path, char *buffer);
/* The path of an open file below the folder, in `buffer` of PATH_MAX bytes, or NULL. */
const char *shim_path_of(int fd, char *buffer);
int shim_is_watched(int fd);
/* Whether it is the file whose bytes do not matter. */
int shim_is_blank(const char *relative);
/* Records a call that the trace's readers do not know how to replay. */
void shim_unmodelled(const char *call);

#endif
