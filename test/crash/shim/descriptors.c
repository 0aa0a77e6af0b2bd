/* Opening and closing: which descriptors stand for files below the folder. */
#define _GNU_SOURCE
#include "shim.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define DESCRIPTORS_MAX 65536

static char folder[PATH_MAX];
static size_t folder_length;
static const char *blank;
/* By descriptor: the path when it was opened. Changed with the lock held. */
static char *paths[DESCRIPTORS_MAX];
/* And which file that was: libuv closes files by a system call that does not come by here. */
static struct stat files[DESCRIPTORS_MAX];

__attribute__((constructor)) static void start(void) {
  const char *dir = getenv("QUORATE_SHIM_DIR");
  const char *trace = getenv("QUORATE_SHIM_TRACE");
  const char *faults = getenv("QUORATE_SHIM_FAULTS");
  if (dir == NULL || *dir != '/') return;
  blank = getenv("QUORATE_SHIM_BLANK");
  snprintf(folder, sizeof folder, "%s", dir);
  folder_length = strlen(folder);
  while (folder_length > 1 && folder[folder_length - 1] == '/') folder[--folder_length] = 0;
  if (faults != NULL) faults_open(faults);
  if (trace != NULL) trace_open(trace, folder);
}

/* Takes out "//", "/." and "name/..". */
static void normalize(char *path) {
  char *out = path;
  for (char *at = path; *at != 0;) {
    while (*at == '/') at++;
    size_t length = strcspn(at, "/");
    if (length == 0) break;
    if (length == 2 && at[0] == '.' && at[1] == '.') {
      while (out > path && *--out != '/') continue;
    } else if (length != 1 || *at != '.') {
      *out++ = '/';
      memmove(out, at, length);
      out += length;
    }
    at += length;
  }
  *out = 0;
}

const char *shim_relative(int folder_fd, const char *path, char *buffer) {
  if (folder_length == 0 || path == NULL) return NULL;
  char base[PATH_MAX] = "";
  if (*path != '/') {
    if (folder_fd == AT_FDCWD) {
      if (getcwd(base, sizeof base) == NULL) return NULL;
    } else {
      char link[64];
      snprintf(link, sizeof link, "/proc/self/fd/%d", folder_fd);
      ssize_t length = readlink(link, base, sizeof base - 1);
      if (length < 0) return NULL;
      base[length] = 0;
    }
  }
  char whole[2 * PATH_MAX];
  snprintf(whole, sizeof whole, "%s/%s", base, path);
  normalize(whole);
  if (strncmp(whole, folder, folder_length) != 0) return NULL;
  if (whole[folder_length] != 0 && whole[folder_length] != '/') return NULL;
  const char *below = whole + folder_length;
  snprintf(buffer, PATH_MAX, "%s", *below == '/' ? below + 1 : below);
  return buffer;
}

int shim_is_watched(int fd) { return fd >= 0 && fd < DESCRIPTORS_MAX && paths[fd] != NULL; }

int shim_is_blank(const char *relative) { return blank != NULL && strcmp(blank, relative) == 0; }

static void forget(int fd) {
  free(paths[fd]);
  paths[fd] = NULL;
}

static void watch(int fd, const char *relative) {
  if (fd >= DESCRIPTORS_MAX) return;
  free(paths[fd]);
  paths[fd] = strdup(relative);
  if (fstat(fd, &files[fd]) != 0) memset(&files[fd], 0, sizeof files[fd]);
}

/* The descriptor may stand for a socket by now. */
static int is_still_open(int fd) {
  struct stat now;
  return fstat(fd, &now) == 0 && now.st_dev == files[fd].st_dev && now.st_ino == files[fd].st_ino;
}

const char *shim_path_of(int fd, char *buffer) {
  if (!shim_is_watched(fd)) return NULL;
  const char *found = NULL;
  pthread_mutex_lock(&shim_lock);
  if (paths[fd] != NULL && !is_still_open(fd)) {
    forget(fd);
    trace_append(&(struct record){.kind = RECORD_CLOSE, .fd = fd});
  }
  if (paths[fd] != NULL) {
    snprintf(buffer, PATH_MAX, "%s", paths[fd]);
    found = buffer;
  }
  pthread_mutex_unlock(&shim_lock);
  return found;
}

void shim_unmodelled(const char *call) {
  pthread_mutex_lock(&shim_lock);
  trace_append(&(struct record){.kind = RECORD_UNMODELLED, .path = call});
  pthread_mutex_unlock(&shim_lock);
}

static int has_mode(int flags) {
  return (flags & O_CREAT) != 0 || (flags & O_TMPFILE) == O_TMPFILE;
}

static int open_file(int folder_fd, const char *path, int flags, mode_t mode) {
  char buffer[PATH_MAX];
  const char *relative = shim_relative(folder_fd, path, buffer);
  if (relative == NULL) return REAL(openat)(folder_fd, path, flags, mode);
  struct fault fault = faults_next(FAULT_OPEN, relative);
  if (fault.error != 0) {
    errno = fault.error;
    return -1;
  }
  pthread_mutex_lock(&shim_lock);
  int fd = REAL(openat)(folder_fd, path, flags, mode);
  if (fd >= 0) {
    watch(fd, relative);
    trace_append(
        &(struct record){.kind = RECORD_OPEN, .fd = fd, .a = (uint64_t)flags, .path = relative});
  }
  pthread_mutex_unlock(&shim_lock);
  return fd;
}

#define MODE_OF(flags)                        \
  ({                                          \
    mode_t mode = 0;                          \
    if (has_mode(flags)) {                    \
      va_list arguments;                      \
      va_start(arguments, flags);             \
      mode = (mode_t)va_arg(arguments, int);  \
      va_end(arguments);                      \
    }                                         \
    mode;                                     \
  })

int open(const char *path, int flags, ...) { return open_file(AT_FDCWD, path, flags, MODE_OF(flags)); }
int open64(const char *path, int flags, ...) {
  return open_file(AT_FDCWD, path, flags | O_LARGEFILE, MODE_OF(flags));
}
int openat(int folder_fd, const char *path, int flags, ...) {
  mode_t mode = MODE_OF(flags);
  /* REAL(openat) within open_file is the next one, not this. */
  return open_file(folder_fd, path, flags, mode);
}
int openat64(int folder_fd, const char *path, int flags, ...) {
  return open_file(folder_fd, path, flags | O_LARGEFILE, MODE_OF(flags));
}
int creat(const char *path, mode_t mode) {
  return open_file(AT_FDCWD, path, O_WRONLY | O_CREAT | O_TRUNC, mode);
}
int creat64(const char *path, mode_t mode) { return creat(path, mode); }

int close(int fd) {
  if (!shim_is_watched(fd)) return REAL(close)(fd);
  pthread_mutex_lock(&shim_lock);
  int result = REAL(close)(fd);
  forget(fd);
  trace_append(&(struct record){.kind = RECORD_CLOSE, .fd = fd});
  pthread_mutex_unlock(&shim_lock);
  return result;
}

static int duplicated(int from, int to) {
  if (to < 0 || to == from) return to;
  pthread_mutex_lock(&shim_lock);
  if (shim_is_watched(to)) {
    forget(to);
    trace_append(&(struct record){.kind = RECORD_CLOSE, .fd = to});
  }
  if (shim_is_watched(from)) {
    watch(to, paths[from]);
    trace_append(&(struct record){.kind = RECORD_DUP, .fd = from, .a = (uint64_t)to});
  }
  pthread_mutex_unlock(&shim_lock);
  return to;
}

int dup(int fd) { return duplicated(fd, REAL(dup)(fd)); }
int dup2(int fd, int to) { return duplicated(fd, REAL(dup2)(fd, to)); }
int dup3(int fd, int to, int flags) { return duplicated(fd, REAL(dup3)(fd, to, flags)); }

/* Files that are written through memory would go unseen. Nothing in a member does that: tables are mapped to read. */
static void check_map(int protection, int flags, int fd) {
  if ((protection & PROT_WRITE) == 0 || (flags & MAP_SHARED) == 0) return;
  if (shim_is_watched(fd)) shim_unmodelled("mmap shared and writable");
}

void *mmap(void *at, size_t length, int protection, int flags, int fd, off_t offset) {
  check_map(protection, flags, fd);
  return REAL(mmap)(at, length, protection, flags, fd, offset);
}
void *mmap64(void *at, size_t length, int protection, int flags, int fd, off64_t offset) {
  check_map(protection, flags, fd);
  return REAL(mmap64)(at, length, protection, flags, fd, offset);
}
