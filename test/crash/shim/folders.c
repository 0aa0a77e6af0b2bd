/* What changes the entries of folders. */
#define _GNU_SOURCE
#include "shim.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <unistd.h>

static void record_entry(enum record_kind kind, const char *path, const char *path2) {
  trace_append(&(struct record){.kind = kind, .path = path, .path2 = path2});
}

static int rename_entry(int from_fd, const char *from, int to_fd, const char *to) {
  char buffer[PATH_MAX], buffer2[PATH_MAX];
  const char *path = shim_relative(from_fd, from, buffer);
  const char *path2 = shim_relative(to_fd, to, buffer2);
  if (path == NULL && path2 == NULL) return REAL(renameat)(from_fd, from, to_fd, to);
  if (path == NULL || path2 == NULL) shim_unmodelled("rename into or out of the folder");
  struct fault fault = faults_next(FAULT_RENAME, path2 == NULL ? path : path2);
  if (fault.is_skipped) return 0;
  if (fault.error != 0) {
    errno = fault.error;
    return -1;
  }
  pthread_mutex_lock(&shim_lock);
  int result = REAL(renameat)(from_fd, from, to_fd, to);
  if (result == 0 && path != NULL && path2 != NULL) record_entry(RECORD_RENAME, path, path2);
  pthread_mutex_unlock(&shim_lock);
  return result;
}

int rename(const char *from, const char *to) { return rename_entry(AT_FDCWD, from, AT_FDCWD, to); }
int renameat(int from_fd, const char *from, int to_fd, const char *to) {
  return rename_entry(from_fd, from, to_fd, to);
}
int renameat2(int from_fd, const char *from, int to_fd, const char *to, unsigned int flags) {
  if (flags == 0) return rename_entry(from_fd, from, to_fd, to);
  char buffer[PATH_MAX];
  if (shim_relative(to_fd, to, buffer) != NULL) shim_unmodelled("renameat2 with flags");
  return REAL(renameat2)(from_fd, from, to_fd, to, flags);
}

int linkat(int from_fd, const char *from, int to_fd, const char *to, int flags) {
  char buffer[PATH_MAX], buffer2[PATH_MAX];
  const char *path = shim_relative(from_fd, from, buffer);
  const char *path2 = shim_relative(to_fd, to, buffer2);
  if (path2 != NULL && path == NULL) shim_unmodelled("link into the folder");
  pthread_mutex_lock(&shim_lock);
  int result = REAL(linkat)(from_fd, from, to_fd, to, flags);
  if (result == 0 && path != NULL && path2 != NULL) record_entry(RECORD_LINK, path, path2);
  pthread_mutex_unlock(&shim_lock);
  return result;
}
int link(const char *from, const char *to) { return linkat(AT_FDCWD, from, AT_FDCWD, to, 0); }

int unlinkat(int folder_fd, const char *name, int flags) {
  char buffer[PATH_MAX];
  const char *path = shim_relative(folder_fd, name, buffer);
  if (path == NULL) return REAL(unlinkat)(folder_fd, name, flags);
  pthread_mutex_lock(&shim_lock);
  int result = REAL(unlinkat)(folder_fd, name, flags);
  if (result == 0) record_entry((flags & AT_REMOVEDIR) != 0 ? RECORD_RMDIR : RECORD_UNLINK, path, NULL);
  pthread_mutex_unlock(&shim_lock);
  return result;
}
int unlink(const char *path) { return unlinkat(AT_FDCWD, path, 0); }
int rmdir(const char *path) { return unlinkat(AT_FDCWD, path, AT_REMOVEDIR); }
int remove(const char *path) {
  struct stat stat;
  if (lstat(path, &stat) != 0) return -1;
  return unlinkat(AT_FDCWD, path, S_ISDIR(stat.st_mode) ? AT_REMOVEDIR : 0);
}

int mkdirat(int folder_fd, const char *name, mode_t mode) {
  char buffer[PATH_MAX];
  const char *path = shim_relative(folder_fd, name, buffer);
  if (path == NULL) return REAL(mkdirat)(folder_fd, name, mode);
  pthread_mutex_lock(&shim_lock);
  int result = REAL(mkdirat)(folder_fd, name, mode);
  if (result == 0) record_entry(RECORD_MKDIR, path, NULL);
  pthread_mutex_unlock(&shim_lock);
  return result;
}
int mkdir(const char *path, mode_t mode) { return mkdirat(AT_FDCWD, path, mode); }

/* How much room there is; libuv asks by either name. */
#define ANSWER_SPACE(path, space)                                               \
  ({                                                                            \
    char buffer[PATH_MAX];                                                      \
    const char *relative = shim_relative(AT_FDCWD, path, buffer);               \
    struct fault fault = {0};                                                   \
    if (relative != NULL) fault = faults_next(FAULT_SPACE, relative);           \
    if (fault.is_full) {                                                        \
      (space)->f_bavail = fault.free_bytes / (uint64_t)(space)->f_bsize;        \
      (space)->f_bfree = (space)->f_bavail;                                     \
    }                                                                           \
  })

int statfs(const char *path, struct statfs *space) {
  int result = REAL(statfs)(path, space);
  if (result == 0) ANSWER_SPACE(path, space);
  return result;
}
int statfs64(const char *path, struct statfs64 *space) {
  int result = REAL(statfs64)(path, space);
  if (result == 0) ANSWER_SPACE(path, space);
  return result;
}
