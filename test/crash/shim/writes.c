/* What changes the bytes of a file, and what makes them durable. */
#define _GNU_SOURCE
#include "shim.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

/* One write with the lock held, at `offset` or (-1) where the descriptor stands. */
static ssize_t write_recorded(int fd, const char *path, const void *data, size_t length, off64_t offset) {
  pthread_mutex_lock(&shim_lock);
  ssize_t written = offset < 0 ? REAL(write)(fd, data, length) : REAL(pwrite64)(fd, data, length, offset);
  if (written > 0) {
    off64_t at = offset < 0 ? lseek64(fd, 0, SEEK_CUR) - written : offset;
    trace_append(&(struct record){.kind = RECORD_WRITE,
                                  .fd = fd,
                                  .a = (uint64_t)at,
                                  .data = data,
                                  .length = (size_t)written,
                                  .is_blank = shim_is_blank(path)});
  }
  pthread_mutex_unlock(&shim_lock);
  return written;
}

static ssize_t write_file(int fd, const char *path, const void *data, size_t length, off64_t offset) {
  struct fault fault = faults_next(FAULT_WRITE, path);
  if (fault.is_skipped) return (ssize_t)length;
  if (fault.error != 0) {
    errno = fault.error;
    return -1;
  }
  if (fault.is_short && length > 1) length /= 2;
  return write_recorded(fd, path, data, length, offset);
}

/* Several pieces as one write: the kernel would have done them under one lock too. */
static ssize_t write_pieces(int fd, const char *path, const struct iovec *pieces, int count, off64_t offset) {
  size_t length = 0;
  for (int i = 0; i < count; i++) length += pieces[i].iov_len;
  char *whole = malloc(length + 1), *at = whole;
  if (whole == NULL) {
    errno = ENOMEM;
    return -1;
  }
  for (int i = 0; i < count; i++) at = mempcpy(at, pieces[i].iov_base, pieces[i].iov_len);
  ssize_t written = write_file(fd, path, whole, length, offset);
  int saved = errno;
  free(whole);
  errno = saved;
  return written;
}

ssize_t write(int fd, const void *data, size_t length) {
  char buffer[PATH_MAX];
  const char *path = shim_path_of(fd, buffer);
  return path == NULL ? REAL(write)(fd, data, length) : write_file(fd, path, data, length, -1);
}
ssize_t pwrite64(int fd, const void *data, size_t length, off64_t offset) {
  char buffer[PATH_MAX];
  const char *path = shim_path_of(fd, buffer);
  return path == NULL ? REAL(pwrite64)(fd, data, length, offset)
                      : write_file(fd, path, data, length, offset);
}
ssize_t pwrite(int fd, const void *data, size_t length, off_t offset) {
  return pwrite64(fd, data, length, offset);
}
ssize_t writev(int fd, const struct iovec *pieces, int count) {
  char buffer[PATH_MAX];
  const char *path = shim_path_of(fd, buffer);
  return path == NULL ? REAL(writev)(fd, pieces, count) : write_pieces(fd, path, pieces, count, -1);
}
ssize_t pwritev64(int fd, const struct iovec *pieces, int count, off64_t offset) {
  char buffer[PATH_MAX];
  const char *path = shim_path_of(fd, buffer);
  return path == NULL ? REAL(pwritev64)(fd, pieces, count, offset)
                      : write_pieces(fd, path, pieces, count, offset);
}
ssize_t pwritev(int fd, const struct iovec *pieces, int count, off_t offset) {
  return pwritev64(fd, pieces, count, offset);
}
ssize_t sendfile64(int to, int from, off64_t *offset, size_t count) {
  char buffer[PATH_MAX];
  if (shim_path_of(to, buffer) != NULL) shim_unmodelled("sendfile");
  return REAL(sendfile64)(to, from, offset, count);
}

int ftruncate64(int fd, off64_t length) {
  if (!shim_is_watched(fd)) return REAL(ftruncate64)(fd, length);
  pthread_mutex_lock(&shim_lock);
  int result = REAL(ftruncate64)(fd, length);
  if (result == 0) {
    trace_append(&(struct record){.kind = RECORD_TRUNCATE, .fd = fd, .a = (uint64_t)length});
  }
  pthread_mutex_unlock(&shim_lock);
  return result;
}
int ftruncate(int fd, off_t length) { return ftruncate64(fd, length); }

int fallocate64(int fd, int mode, off64_t offset, off64_t length) {
  if (!shim_is_watched(fd)) return REAL(fallocate64)(fd, mode, offset, length);
  if ((mode & ~FALLOC_FL_KEEP_SIZE) != 0) shim_unmodelled("fallocate with a hole");
  pthread_mutex_lock(&shim_lock);
  int result = REAL(fallocate64)(fd, mode, offset, length);
  if (result == 0 && mode == 0) {
    trace_append(&(struct record){
        .kind = RECORD_ALLOCATE, .fd = fd, .a = (uint64_t)offset, .b = (uint64_t)length});
  }
  pthread_mutex_unlock(&shim_lock);
  return result;
}
int fallocate(int fd, int mode, off_t offset, off_t length) {
  return fallocate64(fd, mode, offset, length);
}
int posix_fallocate64(int fd, off64_t offset, off64_t length) {
  return fallocate64(fd, 0, offset, length) == 0 ? 0 : errno;
}
int posix_fallocate(int fd, off_t offset, off_t length) {
  return posix_fallocate64(fd, offset, length);
}

/* A sync makes durable what was recorded before it began, whatever is written while it goes on. */
static int sync_file(int fd, int (*real)(int)) {
  char buffer[PATH_MAX];
  const char *path = shim_path_of(fd, buffer);
  if (path == NULL) return real(fd);
  pthread_mutex_lock(&shim_lock);
  uint64_t began = trace_position();
  pthread_mutex_unlock(&shim_lock);
  struct stat stat;
  int is_folder = fstat(fd, &stat) == 0 && S_ISDIR(stat.st_mode);
  struct fault fault = faults_next(is_folder ? FAULT_SYNC_FOLDER : FAULT_SYNC_FILE, path);
  if (fault.is_skipped) return 0;
  int result = fault.error == 0 ? real(fd) : -1;
  int error = fault.error == 0 ? errno : fault.error;
  pthread_mutex_lock(&shim_lock);
  trace_append(&(struct record){
      .kind = result == 0 ? RECORD_SYNC : RECORD_SYNC_FAILED, .fd = fd, .a = began});
  pthread_mutex_unlock(&shim_lock);
  errno = error;
  return result;
}

int fsync(int fd) { return sync_file(fd, REAL(fsync)); }
int fdatasync(int fd) { return sync_file(fd, REAL(fdatasync)); }
