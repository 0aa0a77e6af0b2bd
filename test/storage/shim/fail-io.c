/* Preloaded into a member: from call FAIL_AFTER on, files whose path contains FAIL_PATH fail to sync
 * (FAIL=sync) or to be written, as on a full disk (FAIL=space). */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static int fails(int fd, const char *mode) {
  static int calls;
  char link[64], path[4096];
  const char *wanted = getenv("FAIL_PATH");
  if (wanted == NULL || getenv("FAIL") == NULL || strcmp(getenv("FAIL"), mode) != 0) return 0;
  snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
  ssize_t n = readlink(link, path, sizeof path - 1);
  if (n < 0) return 0;
  path[n] = 0;
  return strstr(path, wanted) != NULL && __sync_add_and_fetch(&calls, 1) > atoi(getenv("FAIL_AFTER"));
}

int fdatasync(int fd) {
  int (*real)(int) = (int (*)(int))dlsym(RTLD_NEXT, "fdatasync");
  if (!fails(fd, "sync")) return real(fd);
  errno = EIO;
  return -1;
}

int fflush_unlocked(FILE *file) {
  int (*real)(FILE *) = (int (*)(FILE *))dlsym(RTLD_NEXT, "fflush_unlocked");
  if (file == NULL || !fails(fileno(file), "space")) return real(file);
  errno = ENOSPC;
  return EOF;
}
