/*
 * Rules of failure, one a line:  <op> <part of the path, or a pattern with * for the whole of it> <action>
 *                                [after N] [times N]
 *   op      write, sync, open, rename or *; syncfile and syncfolder for one of the two kinds of sync; space, when the
 *           program asks how much room there is
 *   action  EIO, ENOSPC, EMFILE, delay MS, short (half of a write is done), skip (said to be done, and not done),
 *           free BYTES (for space only)
 * The first rule that fits decides. `after` lets as many fitting calls pass, `times` is how often it then holds. A
 * change of the file begins all counts anew. Each time a rule decides, one byte is appended to the file whose name has
 * `.met` behind it, '0' for the first rule, and so on in ASCII: a rule that nothing met has tested nothing.
 */
#define _GNU_SOURCE
#include "shim.h"

#include <errno.h>
#include <fcntl.h>
#include <fnmatch.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum action { ACTION_ERROR, ACTION_DELAY, ACTION_SHORT, ACTION_SKIP, ACTION_FREE };

struct rule {
  char op[16], path[256];
  enum action action;
  long value; /* an errno, milliseconds, or bytes */
  long after, times, seen;
};

#define RULES_MAX 64

static const char *const op_names[] = {"write", "syncfile", "syncfolder", "open", "rename", "space"};
static const char *faults_path;
static struct stat known;
static struct rule rules[RULES_MAX];
static int rules_count;
static pthread_mutex_t faults_lock = PTHREAD_MUTEX_INITIALIZER;

static int parse_action(struct rule *rule, const char *word, char **rest) {
  rule->action = ACTION_ERROR;
  if (strcmp(word, "EIO") == 0) rule->value = EIO;
  else if (strcmp(word, "ENOSPC") == 0) rule->value = ENOSPC;
  else if (strcmp(word, "EMFILE") == 0) rule->value = EMFILE;
  else if (strcmp(word, "short") == 0) rule->action = ACTION_SHORT;
  else if (strcmp(word, "skip") == 0) rule->action = ACTION_SKIP;
  else if (strcmp(word, "delay") == 0) {
    const char *milliseconds = strtok_r(NULL, " \t\n", rest);
    rule->action = ACTION_DELAY;
    rule->value = milliseconds == NULL ? 0 : atol(milliseconds);
  } else if (strcmp(word, "free") == 0) {
    const char *bytes = strtok_r(NULL, " \t\n", rest);
    rule->action = ACTION_FREE;
    rule->value = bytes == NULL ? 0 : atol(bytes);
  } else return 0;
  return 1;
}

static int parse_rule(struct rule *rule, char *line) {
  char *rest;
  const char *op = strtok_r(line, " \t\n", &rest);
  const char *path = op == NULL ? NULL : strtok_r(NULL, " \t\n", &rest);
  const char *word = path == NULL ? NULL : strtok_r(NULL, " \t\n", &rest);
  if (word == NULL || *op == '#') return 0;
  *rule = (struct rule){.times = -1};
  snprintf(rule->op, sizeof rule->op, "%s", op);
  snprintf(rule->path, sizeof rule->path, "%s", path);
  if (!parse_action(rule, word, &rest)) {
    fprintf(stderr, "quorate shim: no such action: %s\n", word);
    return 0;
  }
  while ((word = strtok_r(NULL, " \t\n", &rest)) != NULL) {
    const char *number = strtok_r(NULL, " \t\n", &rest);
    if (number == NULL) break;
    if (strcmp(word, "after") == 0) rule->after = atol(number);
    if (strcmp(word, "times") == 0) rule->times = atol(number);
  }
  return 1;
}

static void maybe_reload(void) {
  struct stat now;
  if (stat(faults_path, &now) != 0) {
    rules_count = 0;
    known = (struct stat){0};
    return;
  }
  if (now.st_mtim.tv_sec == known.st_mtim.tv_sec && now.st_mtim.tv_nsec == known.st_mtim.tv_nsec &&
      now.st_size == known.st_size && now.st_ino == known.st_ino) {
    return;
  }
  FILE *file = REAL(fopen)(faults_path, "r");
  if (file == NULL) return;
  known = now;
  rules_count = 0;
  char line[512];
  while (rules_count < RULES_MAX && fgets(line, sizeof line, file) != NULL) {
    rules_count += parse_rule(&rules[rules_count], line);
  }
  REAL(fclose)(file);
}

static int fits(const struct rule *rule, enum fault_op op, const char *path) {
  int is_sync = op == FAULT_SYNC_FILE || op == FAULT_SYNC_FOLDER;
  /* Asking for room is no failure: only a rule of its own decides it. */
  if ((op == FAULT_SPACE) != (rule->action == ACTION_FREE)) return 0;
  int is_op = strcmp(rule->op, "*") == 0 || strcmp(rule->op, op_names[op]) == 0 ||
              (is_sync && strcmp(rule->op, "sync") == 0);
  if (!is_op) return 0;
  if (strchr(rule->path, '*') == NULL) return strstr(path, rule->path) != NULL;
  return fnmatch(rule->path, path, 0) == 0;
}

static struct rule *find_rule(enum fault_op op, const char *path) {
  for (int i = 0; i < rules_count; i++) {
    struct rule *rule = &rules[i];
    if (!fits(rule, op, path)) continue;
    rule->seen++;
    if (rule->seen <= rule->after) continue;
    if (rule->times >= 0 && rule->seen > rule->after + rule->times) continue;
    return rule;
  }
  return NULL;
}

static int met = -1;

void faults_open(const char *path) {
  char name[4096];
  faults_path = path;
  if (path == NULL || snprintf(name, sizeof name, "%s.met", path) >= (int)sizeof name) return;
  met = REAL(open)(name, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
}

struct fault faults_next(enum fault_op op, const char *path) {
  struct fault fault = {0};
  if (faults_path == NULL) return fault;
  int saved = errno;
  long delay_ms = 0;
  pthread_mutex_lock(&faults_lock);
  maybe_reload();
  const struct rule *rule = find_rule(op, path);
  if (rule != NULL) {
    char number = (char)('0' + (rule - rules));
    if (met >= 0) (void)!REAL(write)(met, &number, 1);
    if (rule->action == ACTION_ERROR) fault.error = (int)rule->value;
    if (rule->action == ACTION_SHORT) fault.is_short = 1;
    if (rule->action == ACTION_SKIP) fault.is_skipped = 1;
    if (rule->action == ACTION_FREE) {
      fault.is_full = 1;
      fault.free_bytes = (uint64_t)rule->value;
    }
    if (rule->action == ACTION_DELAY) delay_ms = rule->value;
  }
  pthread_mutex_unlock(&faults_lock);
  if (delay_ms > 0) {
    struct timespec wait = {delay_ms / 1000, delay_ms % 1000 * 1000000};
    nanosleep(&wait, NULL);
  }
  errno = saved;
  return fault;
}
