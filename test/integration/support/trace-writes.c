/*
 * Preloaded into a process, writes down what it does to the files of one directory: every write with its
 * bytes, truncations, removals, and what was made durable when. A power cut can then be played at any point.
 *
 * TRACE_DIR is the directory, TRACE_FILE (elsewhere) gets the records. A record is
 *   u8 operation, u8 length of the name, u16 0, u32 length of the data, u64 inode, u64 offset, name, data
 * in the machine's byte order. The process must write from one thread.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <limits.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { WRITE = 1, SYNC = 2, TRUNCATE = 3, UNLINK = 4 };

static ssize_t (*real_write)(int, const void *, size_t);
static ssize_t (*real_pwrite)(int, const void *, size_t, off64_t);
static int (*real_fsync)(int);
static int (*real_fdatasync)(int);
static int (*real_ftruncate)(int, off64_t);
static int (*real_unlink)(const char *);
static const char *directory;
static int trace = -1;

__attribute__((constructor)) static void start(void) {
  real_write = dlsym(RTLD_NEXT, "write");
  real_pwrite = dlsym(RTLD_NEXT, "pwrite64");
  real_fsync = dlsym(RTLD_NEXT, "fsync");
  real_fdatasync = dlsym(RTLD_NEXT, "fdatasync");
  real_ftruncate = dlsym(RTLD_NEXT, "ftruncate64");
  real_unlink = dlsym(RTLD_NEXT, "unlink");
  directory = getenv("TRACE_DIR");
  const char *file = getenv("TRACE_FILE");
  if (directory && file) trace = open(file, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
}

/* The name inside the directory, "" for the directory itself; NULL for everything else. */
static const char *inside(const char *path) {
  size_t length = strlen(directory);
  if (strncmp(path, directory, length) != 0) return NULL;
  if (path[length] == 0) return "";
  return path[length] == '/' ? path + length + 1 : NULL;
}

static void record(uint8_t op, const char *name, uint64_t inode, uint64_t offset, const void *data,
                   uint32_t length) {
  unsigned char head[24] = {op, (unsigned char)strlen(name)};
  memcpy(head + 4, &length, 4);
  memcpy(head + 8, &inode, 8);
  memcpy(head + 16, &offset, 8);
  if (real_write(trace, head, 24) != 24 ||
      real_write(trace, name, head[1]) != (ssize_t)head[1] ||
      (length > 0 && real_write(trace, data, length) != (ssize_t)length))
    abort();
}

static void record_of(uint8_t op, int fd, uint64_t offset, const void *data, uint32_t length) {
  if (trace < 0) return;
  char link[32], path[PATH_MAX];
  snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
  ssize_t got = readlink(link, path, sizeof path - 1);
  if (got < 0) return;
  path[got] = 0;
  const char *name = inside(path);
  struct stat facts;
  if (name == NULL || fstat(fd, &facts) != 0) return;
  record(op, name, facts.st_ino, offset, data, length);
}

ssize_t write(int fd, const void *data, size_t length) {
  if (trace >= 0 && fd > 2) {
    off64_t offset = lseek64(fd, 0, SEEK_CUR);
    if (offset >= 0) record_of(WRITE, fd, offset, data, length);
  }
  return real_write(fd, data, length);
}

ssize_t pwrite64(int fd, const void *data, size_t length, off64_t offset) {
  record_of(WRITE, fd, offset, data, length);
  return real_pwrite(fd, data, length, offset);
}

ssize_t pwrite(int fd, const void *data, size_t length, off_t offset) {
  return pwrite64(fd, data, length, offset);
}

/* Recorded when it is done: before that nothing is promised. */
int fsync(int fd) {
  int result = real_fsync(fd);
  if (result == 0) record_of(SYNC, fd, 0, "", 0);
  return result;
}

int fdatasync(int fd) {
  int result = real_fdatasync(fd);
  if (result == 0) record_of(SYNC, fd, 0, "", 0);
  return result;
}

int ftruncate64(int fd, off64_t size) {
  record_of(TRUNCATE, fd, size, "", 0);
  return real_ftruncate(fd, size);
}

int ftruncate(int fd, off_t size) { return ftruncate64(fd, size); }

int unlink(const char *path) {
  const char *name = trace < 0 ? NULL : inside(path);
  if (name != NULL) record(UNLINK, name, 0, 0, "", 0);
  return real_unlink(path);
}
