/* The trace: records of 40 bytes, little-endian, each followed by its paths and its data. */
#define _GNU_SOURCE
#include "shim.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

struct header {
  uint32_t size;
  uint8_t kind;
  uint8_t is_zeros; /* `b` zeros are the data, which is left out */
  uint16_t path_length;
  uint16_t path2_length;
  uint16_t unused;
  int32_t fd;
  uint64_t a, b, time_ns;
};

/* Longer runs of zeros, such as a reserve file, are told by their length. */
static const size_t zeros_min = 64 * 1024;

static int trace_fd = -1;
static uint64_t position;

pthread_mutex_t shim_lock = PTHREAD_MUTEX_INITIALIZER;

static void give_up(const char *what) {
  fprintf(stderr, "quorate shim: %s: %s\n", what, strerror(errno));
  abort();
}

static int is_zeros(const char *data, size_t length) {
  return data[0] == 0 && memcmp(data, data + 1, length - 1) == 0;
}

static void write_all(const void *bytes, size_t length) {
  const char *at = bytes;
  while (length > 0) {
    ssize_t written = REAL(write)(trace_fd, at, length);
    if (written < 0 && errno == EINTR) continue;
    /* A trace with a gap would tell lies about the disk. */
    if (written <= 0) give_up("the trace cannot be written");
    at += written;
    length -= (size_t)written;
    position += (uint64_t)written;
  }
}

uint64_t trace_position(void) { return position; }

void trace_append(const struct record *record) {
  if (trace_fd < 0) return;
  int saved = errno;
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  size_t path_length = record->path == NULL ? 0 : strlen(record->path);
  size_t path2_length = record->path2 == NULL ? 0 : strlen(record->path2);
  size_t length = record->length;
  struct header header = {
      .kind = (uint8_t)record->kind,
      .path_length = (uint16_t)path_length,
      .path2_length = (uint16_t)path2_length,
      .fd = record->fd,
      .a = record->a,
      .b = record->b,
      .time_ns = (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec,
  };
  if (length > 0 && (record->is_blank || (length >= zeros_min && is_zeros(record->data, length)))) {
    header.is_zeros = 1;
    header.b = length;
    length = 0;
  }
  size_t small = sizeof header + path_length + path2_length;
  header.size = (uint32_t)(small + length);
  char start[sizeof header + 2 * PATH_MAX];
  memcpy(start, &header, sizeof header);
  if (path_length > 0) memcpy(start + sizeof header, record->path, path_length);
  if (path2_length > 0) memcpy(start + sizeof header + path_length, record->path2, path2_length);
  write_all(start, small);
  if (length > 0) write_all(record->data, length);
  errno = saved;
}

/* What the folder holds before anything is done to it. */
static void record_file(const char *path, const char *relative) {
  int fd = REAL(open)(path, O_RDONLY);
  struct stat stat;
  if (fd < 0 || fstat(fd, &stat) != 0) give_up(path);
  char *data = malloc((size_t)stat.st_size + 1);
  size_t length = 0;
  while (length < (size_t)stat.st_size) {
    ssize_t got = read(fd, data + length, (size_t)stat.st_size - length);
    if (got <= 0) break;
    length += (size_t)got;
  }
  REAL(close)(fd);
  trace_append(&(struct record){.kind = RECORD_BASE_FILE,
                                .path = relative,
                                .data = data,
                                .length = length,
                                .is_blank = shim_is_blank(relative)});
  free(data);
}

static void record_folder(const char *path, const char *relative) {
  DIR *folder = opendir(path);
  if (folder == NULL) return;
  trace_append(&(struct record){.kind = RECORD_BASE_FOLDER, .path = relative});
  struct dirent *entry;
  while ((entry = readdir(folder)) != NULL) {
    if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0) continue;
    char below[2 * PATH_MAX], name[2 * PATH_MAX];
    snprintf(below, sizeof below, "%s/%s", path, entry->d_name);
    snprintf(name, sizeof name, "%s%s%s", relative, *relative == 0 ? "" : "/", entry->d_name);
    struct stat stat;
    if (lstat(below, &stat) != 0) continue;
    if (S_ISDIR(stat.st_mode)) record_folder(below, name);
    else if (S_ISREG(stat.st_mode)) record_file(below, name);
  }
  closedir(folder);
}

void trace_open(const char *path, const char *folder) {
  trace_fd = REAL(open)(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
  if (trace_fd < 0) give_up(path);
  /* Out of the way of the program, which counts its descriptors from below. */
  int high = fcntl(trace_fd, F_DUPFD_CLOEXEC, 900);
  if (high >= 0) {
    REAL(close)(trace_fd);
    trace_fd = high;
  }
  struct stat stat;
  if (fstat(trace_fd, &stat) != 0) give_up(path);
  position = (uint64_t)stat.st_size;
  if (position == 0) record_folder(folder, "");
  trace_append(&(struct record){.kind = RECORD_START, .a = (uint64_t)getpid()});
}
