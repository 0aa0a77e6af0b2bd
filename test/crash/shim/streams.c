/*
 * stdio: LevelDB writes its files through FILE, and libc's own calls of write() cannot be preloaded. So a stream on
 * a file below the folder is one of ours (fopencookie) over a descriptor that goes through writes.c.
 */
#define _GNU_SOURCE
#include "shim.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct stream {
  int fd;
  FILE *file;
  struct stream *next;
};

static struct stream *streams;
static pthread_mutex_t streams_lock = PTHREAD_MUTEX_INITIALIZER;

/* All of it or an error, as libc's own streams do. */
static ssize_t stream_write(void *cookie, const char *data, size_t length) {
  const struct stream *stream = cookie;
  size_t done = 0;
  while (done < length) {
    ssize_t written = write(stream->fd, data + done, length - done);
    if (written <= 0) return (ssize_t)done;
    done += (size_t)written;
  }
  return (ssize_t)done;
}

static int stream_close(void *cookie) {
  struct stream *stream = cookie;
  pthread_mutex_lock(&streams_lock);
  for (struct stream **at = &streams; *at != NULL; at = &(*at)->next) {
    if (*at != stream) continue;
    *at = stream->next;
    break;
  }
  pthread_mutex_unlock(&streams_lock);
  int result = close(stream->fd);
  free(stream);
  return result;
}

static FILE *open_stream(const char *path, int flags) {
  struct stream *stream = calloc(1, sizeof *stream);
  if (stream == NULL) return NULL;
  stream->fd = open(path, flags | O_CLOEXEC, 0666);
  if (stream->fd < 0) {
    free(stream);
    return NULL;
  }
  cookie_io_functions_t functions = {.write = stream_write, .close = stream_close};
  stream->file = fopencookie(stream, "w", functions);
  if (stream->file == NULL) abort();
  pthread_mutex_lock(&streams_lock);
  stream->next = streams;
  streams = stream;
  pthread_mutex_unlock(&streams_lock);
  return stream->file;
}

FILE *fopen64(const char *path, const char *mode) {
  char buffer[PATH_MAX];
  if (*mode == 'r' && strchr(mode, '+') == NULL) return REAL(fopen64)(path, mode);
  if (shim_relative(AT_FDCWD, path, buffer) == NULL) return REAL(fopen64)(path, mode);
  if (strchr(mode, '+') != NULL) {
    shim_unmodelled("a stream to read and write");
    return REAL(fopen64)(path, mode);
  }
  return open_stream(path, O_WRONLY | O_CREAT | (*mode == 'a' ? O_APPEND : O_TRUNC));
}
FILE *fopen(const char *path, const char *mode) { return fopen64(path, mode); }

int fileno(FILE *file) {
  int fd = -1;
  pthread_mutex_lock(&streams_lock);
  for (const struct stream *at = streams; at != NULL && fd < 0; at = at->next) {
    if (at->file == file) fd = at->fd;
  }
  pthread_mutex_unlock(&streams_lock);
  return fd >= 0 ? fd : REAL(fileno)(file);
}
